"""Checks of the family `drift`: one file each."""
