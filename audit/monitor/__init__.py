"""Periodic audits of production data: windows, evidence over time, outcomes. Why: docs/adr/0025-windows.md."""
