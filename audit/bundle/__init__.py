"""Bundles: written, read back, compared."""
