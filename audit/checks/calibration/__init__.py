"""Checks of the family `calibration`: one file each."""
