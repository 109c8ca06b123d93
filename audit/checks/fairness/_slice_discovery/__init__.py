"""Weak slices that nobody named: what rows can be told apart by, the search for slices of many errors, and their test on other rows."""
