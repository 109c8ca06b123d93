"""Checks of the family `governance`: one file each."""
