"""Candidate models: one file a kind, indistinguishable afterwards."""

from audit.candidates.interface import Candidate, Outputs

__all__ = ["Candidate", "Outputs"]
