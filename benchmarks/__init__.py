"""Benchmarks of audit itself. Run one from the checkout: `python -m benchmarks.coverage`."""
