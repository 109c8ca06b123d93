"""The reliability diagram says whose it is."""

from __future__ import annotations

from dataclasses import replace

from audit.evidence import Reliability
from audit.report.charts.curves import reliability

WHOLE = Reliability((0.2, 0.8), (0.4, 0.8), (0.3, 0.7), (0.5, 0.9), (0.1, 0.7), (0.3, 0.9), (50, 50), 0.05)


def test_a_diagram_of_all_rows_has_no_name() -> None:
    """One of the two bins lies outside its band."""
    drawn = reliability(WHOLE, "")
    assert drawn.title == "One of two bins lies outside the band"
    assert drawn.title in str(drawn.drawing)


def test_a_diagram_of_a_group_names_it() -> None:
    """In the title and in the text alternative, escaped."""
    drawn = reliability(replace(WHOLE, of="region=<north>"), "")
    assert drawn.title == "region=<north>: one of two bins lies outside the band"
    assert "region=&lt;north&gt;: one of two" in str(drawn.drawing)
