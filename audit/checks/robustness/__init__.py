"""Checks of the family `robustness`: one file each."""
