"""Policies: schema, loading with positions, explanation."""
