"""Runs to draw: real estimates, judged and decided by the tool itself, covering every status, severity, figure and kind of member."""

from tests.report.example.checks import ACCURACY, DECLARED, F1, OPPORTUNITY, PII, requirement
from tests.report.example.extremes import NASTY, crowded, hostile
from tests.report.example.findings import census, f1, judged, opportunity, without
from tests.report.example.fine_tuning import training
from tests.report.example.production import hostile_window, incomplete, kept, rolled_back, watched
from tests.report.example.runs import all_errors, audit_run, block, compared, conditions, looked_at, promote, waived

__all__ = [
    "ACCURACY",
    "DECLARED",
    "F1",
    "NASTY",
    "OPPORTUNITY",
    "PII",
    "all_errors",
    "audit_run",
    "block",
    "census",
    "compared",
    "conditions",
    "crowded",
    "f1",
    "hostile",
    "hostile_window",
    "incomplete",
    "judged",
    "kept",
    "looked_at",
    "opportunity",
    "promote",
    "requirement",
    "rolled_back",
    "training",
    "waived",
    "watched",
    "without",
]
