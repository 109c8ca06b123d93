"""Checks of the family `privacy`: one file each."""
