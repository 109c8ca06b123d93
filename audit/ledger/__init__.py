"""Append-only, hash-chained history: each entry's digest covers the one before it."""

from audit.ledger.sqlite import Entry, Ledger, ledger_path

__all__ = ["Entry", "Ledger", "ledger_path"]
