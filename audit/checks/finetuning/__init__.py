"""Checks of the family `finetuning`: one file each."""
