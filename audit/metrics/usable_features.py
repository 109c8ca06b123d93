"""Features that a check cannot use: they count as unmeasured, never as unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from audit.datasets.guessed_roles import identifies_rows, is_called_identifier
from audit.evidence import Unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.datasets import Dataset
    from audit.metrics.windows import Feature

RARE = 5
"""Rows of the reference below which a value stands for itself alone: chi-square needs about as many in a bin."""
MOSTLY = 0.5
"""Share of the rows with such values from which a column is scattered."""
SCATTERED = (
    f"most rows hold a value that fewer than {RARE} others share, so they cannot be compared: if the column identifies "
    "rows or tells the time, name it under columns.id or columns.time; else choose the features with `columns`"
)
Rule: TypeAlias = "Callable[[Feature], str | None]"
"""The reason why a feature cannot be used, where it cannot."""


def divide(found: Sequence[Feature], *rules: Rule) -> tuple[tuple[Feature, ...], tuple[Unmeasured, ...]]:
    """The features that can be used, and the others with the first reason that one of the rules gives."""
    usable, unmeasured = [], []
    for feature in found:
        reason = next((said for rule in rules if (said := rule(feature)) is not None), None)
        if reason is None:
            usable.append(feature)
        else:
            unmeasured.append(Unmeasured(feature.slice, reason))
    return tuple(usable), tuple(unmeasured)


def of_one_table(data: Dataset, found: Sequence[Feature]) -> tuple[tuple[Feature, ...], tuple[Unmeasured, ...], tuple[str, ...]]:
    """The features that tell rows of one table apart, those that cannot be used, and sentences on those that only name the rows."""
    for one in found:
        one.refuse_profiles()
    names = [one.name for one in found if scattered(one) and identifies_rows((data,), one.name)]
    kept, unmeasured = divide([one for one in found if one.name not in names], scattered)
    return kept, unmeasured, tuple(f"{name} is left out: it numbers or names the rows." for name in names)


def scattered(feature: Feature) -> str | None:
    """Whether most rows hold a value of their own, as names, codes and free texts do: shares of values say nothing then."""
    if feature.numeric:
        return None
    if feature.profiled[0] is not None:
        told = feature.profiled[0].categories
        rare = 0 if told is None else told.other + sum(rows for rows in told.counts.values() if rows < RARE)
        return SCATTERED if rare > MOSTLY * feature.profiled[0].window else None
    import pandas as pd

    values = pd.Series(feature.reference)
    rows = values.value_counts()
    return SCATTERED if rows[rows < RARE].sum() > MOSTLY * len(values) else None


def timed(feature: Feature) -> str | None:
    """Whether a feature tells the time, which differs between two windows as a matter of course."""
    if not feature.tells_time:
        return None
    return "it tells the time, which moves on from window to window: name it under columns.time, or under `columns` to compare it too"


def called_identifier(reference: Dataset, current: Dataset) -> Rule:
    """Whether a feature is called an identifier and differs in every row: its numbers grow from window to window, or mean nothing."""

    def rule(feature: Feature) -> str | None:
        there = all(feature.name in data.cells.names for data in (reference, current))
        if not there or not is_called_identifier(feature.name) or not _identify(reference, current, feature):
            return None
        return "it names the rows: name it under columns.id, or under `columns` to compare it too"

    return rule


def _identify(reference: Dataset, current: Dataset, feature: Feature) -> bool:
    """Whether a feature differs in every row. Of a profile that is told where it may: then a policy must name the feature."""
    if not feature.is_profiled:
        return identifies_rows((reference, current), feature.name)
    return all(
        identifies_rows((data,), feature.name) if data.cells.profile is None else data.cells.profile.columns[feature.name].may_name_rows
        for data in (reference, current)
    )


def unnamed_rules(named: Sequence[str] | None, reference: Dataset, current: Dataset) -> tuple[Rule, ...]:
    """Rules for features that the policy does not name; what it names is compared whatever it tells."""
    return () if named else (timed, called_identifier(reference, current))


def categorical(feature: Feature) -> str | None:
    """Whether a feature is none of numbers."""
    return None if feature.numeric else "it holds no numbers: drift/psi compares categories; name the numbers to compare under `columns`"
