"""Checks of the family `online`: one file each. What people measured of the system in use, outside the tool, and declare in files."""
