"""What a reader of the decision must know of the data of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.datasets import copies
from audit.decision.finding import Reason
from audit.pipeline import one_class, slice_coverage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.datasets import Dataset
    from audit.policy.schema import Policy


def data_remarks(policy: Policy, datasets: Mapping[str, Dataset]) -> tuple[Reason, ...]:
    """How files were read, rows that stand in them many times, and columns of slices with hardly a group."""
    measured = {one.on for one in policy.require}
    read = [
        f"datasets.{role}: {text}"
        for role, data in datasets.items()
        for text in (*data.remarks, *((*copies.remark(data), *one_class.label_remark(data)) if role in measured else ()))
    ]
    return tuple(Reason("data-remark", None, text) for text in (*read, *slice_coverage.remarks(policy, datasets)))
