"""Checks of the family `performance`: one file each."""
