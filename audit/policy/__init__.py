"""Policies: what must hold of a candidate. Read with positions, checked whole, every mistake told at once."""

from audit.policy.loading import LoadedPolicy, load

__all__ = ["LoadedPolicy", "load"]
