"""Measuring machinery that more than one check uses: no thresholds, no policy."""
