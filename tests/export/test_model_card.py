"""The model card, read by huggingface_hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.export import model_card
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun

hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub comes with the extra `text`")
RUNS = (example.block, example.waived, example.conditions, example.promote, example.all_errors, example.hostile, example.crowded)


@pytest.mark.parametrize("run", RUNS)
def test_the_hub_reads_every_metric(run: Callable[[], AuditRun]) -> None:
    """One evaluation result a measured finding, with its value and data set."""
    audit = run()
    card = hub.ModelCard(model_card.text(audit))
    read = [(one.metric_name, one.metric_value, one.dataset_type) for one in card.data.eval_results or []]
    measured = [one for one in audit.findings if one.headline is not None]
    if run is example.hostile:  # whose findings share one id
        assert len(read) == len(measured)
        return
    expected = {(one.id, one.headline.value, one.requirement.on) for one in measured if one.headline}
    assert set(read) == expected


def test_the_text_has_the_decision_and_every_finding() -> None:
    """Whatever blocks comes first; the front matter names the decision as a tag."""
    audit = example.block()
    card = hub.ModelCard(model_card.text(audit))
    assert "audit-block" in card.data.tags
    assert "⛔ Block" in card.text
    assert card.text.count("\n| ") == len(audit.findings) + 1
