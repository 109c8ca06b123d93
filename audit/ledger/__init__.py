"""Append-only, hash-chained history: each entry's digest covers the one before it."""

from audit.ledger.chain import BUNDLED, Address, Entry, Large, Ledger, Place, ledger_path

__all__ = ["BUNDLED", "Address", "Entry", "Large", "Ledger", "Place", "ledger_path"]
