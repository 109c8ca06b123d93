"""The same number at several stages of a model's making, as a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from audit.evidence import OVERALL, BeforeAfter, Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.evidence import Name
    from audit.stats import Estimate

_TAIL = 0.025
N = TypeVar("N", bound="Name")


def side_by_side(unit: str, stages: Mapping[str, Mapping[N, Estimate]]) -> BeforeAfter:
    """Estimates by stage and slice, or pair of slices, in the order in which the stages name them; None where a stage lacks one."""
    names = list(dict.fromkeys(name for estimates in stages.values() for name in estimates))
    points = tuple(tuple(_point(estimates.get(name)) for estimates in stages.values()) for name in names)
    return BeforeAfter(unit, tuple(stages), tuple("all rows" if name == OVERALL else str(name) for name in names), points)


def _point(estimate: Estimate | None) -> Point | None:
    return None if estimate is None else Point(estimate.value, *estimate.bounds(_TAIL, _TAIL))
