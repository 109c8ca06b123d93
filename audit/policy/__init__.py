"""Policies: what must hold of a candidate. Read with positions; all mistakes are reported at once."""

from audit.policy.loading import Base, LoadedPolicy, load

__all__ = ["Base", "LoadedPolicy", "load"]
