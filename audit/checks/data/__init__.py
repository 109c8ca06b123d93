"""Checks of the family `data`: one file each."""
