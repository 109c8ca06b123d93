"""Rates of groups: selection, error and precision rates of each group, and the checks of their differences and ratios."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from audit.check import Check, NoParams
from audit.checks.fairness._groups import GroupStatistic, class_items, compare_groups, gaps, shown
from audit.metrics.groups import GroupEstimate, part, share
from audit.stats import Difference, Proportion, Ratio
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.checks.fairness._groups import Family
    from audit.evidence import Evidence, Value
    from audit.subject import Subject

RateName: TypeAlias = Literal["selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "precision"]
Items: TypeAlias = "tuple[tuple[str, Value], ...]"
Rate: TypeAlias = GroupStatistic[GroupEstimate[Proportion]]

_OF_ONE_CLASS = ({"true_positive_rate"}, {"false_positive_rate"}, {"false_negative_rate"})
"""Rates among the rows of one true class."""


def rate(hit: NDArray[np.bool_], counted: NDArray[np.bool_], needs: str, items: Items = ()) -> Rate:
    """The share of hits among the rows that count."""

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> GroupEstimate[Proportion] | None:
        chosen = rows & counted
        return share(hit[chosen], part(clusters, chosen)) if chosen.any() else None

    return GroupStatistic(of, needs, items)


def rates_of(subject: Subject, *names: RateName) -> list[Rate]:
    """The rates of each class that is looked at; where there are several rates, each name of a group says which it is."""
    y_true = None if set(names) == {"selection_rate"} else subject.y_true()
    y_pred = subject.y_pred()
    rates = []
    for one in subject.targets:
        called, items = y_pred == one, class_items(subject, one)
        for name in names:
            named = (*items, ("rate", name)) if len(names) > 1 else items
            rates.append(_selection(called, named) if y_true is None else _conditional(name, y_true == one, called, one, named))
    return rates


def _selection(called: NDArray[np.bool_], items: Items) -> Rate:
    return rate(called, np.ones(len(called), dtype=bool), "there", items)


def _conditional(name: RateName, truly: NDArray[np.bool_], called: NDArray[np.bool_], one: str, items: Items) -> Rate:
    if name == "precision":
        return rate(truly, called, f"predicted {one}", items)
    if name == "false_positive_rate":
        return rate(called, ~truly, f"truly other than {one}", items)
    return rate(called if name == "true_positive_rate" else ~called, truly, f"truly {one}", items)


def rate_gaps(
    subject: Subject, rates: Sequence[Rate], kind: type[Difference | Ratio], unit: str, *, families: Sequence[Family] | None = None
) -> Evidence:
    """Differences or ratios of the rates of every ordered pair of groups, each group's own rate beside them."""
    return gaps(subject, compare_groups(subject, rates, families), _pair(kind), shown, unit)


def _pair(kind: type[Difference | Ratio]) -> Callable[..., Difference | Ratio | None]:
    def pair(first: GroupEstimate[Proportion], second: GroupEstimate[Proportion]) -> Difference | Ratio | None:
        if kind is Ratio and not first.estimate.hits and not second.estimate.hits:
            return None
        return kind(first.estimate, second.estimate, *first.together(second))

    return pair


def rate_gap_check(kind: type[Difference | Ratio], *names: RateName, question: str, remedy: str, unit: str = "") -> Check:
    """A check of the rates of every ordered pair of groups: a difference that should be small, or a ratio that should be near 1."""
    unit = unit or ("rate difference" if kind is Difference else "rate ratio")
    shown = names[0].replace("_", " ") if len(names) == 1 else "rate"

    def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
        return replace(rate_gaps(subject, rates_of(subject, *names), kind, unit), context_unit=shown)

    return Check(
        measure=measure,
        question=question,
        remedy=remedy,
        rmf=("MEASURE 2.11",),
        better="lower" if kind is Difference else "higher",
        unit=unit,
        needs=frozenset({"predictions", "groups"}) if names == ("selection_rate",) else frozenset({"labels", "predictions", "groups"}),
        of_one_class=set(names) in _OF_ONE_CLASS,
        by="groups",
        tasks=CLASSIFICATION,
    )
