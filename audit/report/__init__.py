"""The report: one self-contained HTML file made from an audit's outcome."""

from audit.report.page import render

__all__ = ["render"]
