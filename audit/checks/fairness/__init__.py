"""Checks of the family `fairness`: one file each."""
