"""Commands that are more than a call, one file each."""
