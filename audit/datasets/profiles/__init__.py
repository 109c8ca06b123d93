"""Profiles: what audits need of a data set in under a megabyte, without its rows. Two profiles merge into that of all their rows."""
