"""Append-only, hash-chained history of runs."""
