"""Bias amplification: by how much the gap between two groups is wider after fine-tuning than in the base model's own answers.

Purpose      Show whether fine-tuning widened a gap. For groups a and b and a class, with Λ(m) = P(m gives the class | a) − P(m gives the
             class | b): judged is Λ(tuned) − |Λ(base)| of every ordered pair, where the base answers by a linear probe on its frozen
             encoder. A gap that shrank is below 0; one that turned round counts by its new size. The gap in the labels stands beside.
Risk         Above 0: the model treats the groups more unlike than the base did, and perhaps more than the labels it learned from.
Limitations  A gap that the base had already is not seen here (fairness/inherited_bias), nor is a gap that is just. A probe that learns
             little has a small gap: a model that learns a real difference of the labels widens it too, so read the labels' gap.
             The tested rows are one sample, the training another: the interval tells of this model, not of its training.
Reference    Zhao, Wang, Yatskar, Ordonez & Chang, EMNLP 2017, with b(o, g) = c(o, g) / Σ c(o, g') before and after; Wang & Russakovsky,
             Directional bias amplification, ICML 2021, whose BiasAmp A→T is told in the notes; Zou & Donner, Stat. Med. 2008; Tango 1998.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.checks.fairness import gap_check
from audit.checks.fairness._groups import GroupStatistic, class_items, compare_groups, gaps
from audit.checks.fairness._rates import PairedRate, widening
from audit.evidence import Evidence, Member, Pair, Slice
from audit.formatting import number
from audit.metrics.comparison import side_by_side
from audit.metrics.groups import GroupEstimate, part, share
from audit.stats import Difference, Proportion

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import NoParams
    from audit.checks.fairness._groups import GroupComparison
    from audit.evidence import Value
    from audit.subject import Subject

STAGES = ("labels", "base model, linear probe", "after fine-tuning")
UNIT = "widening of the gap"


@dataclass(frozen=True, slots=True)
class Shares:
    """How often one class is given to some rows: by the labels, by the base's probe, by the tuned model."""

    labels: GroupEstimate[Proportion]
    models: PairedRate

    @property
    def stages(self) -> tuple[GroupEstimate[Proportion], ...]:
        """The share at each stage."""
        return self.labels, self.models.before, self.models.after

    @property
    def value(self) -> float:
        """Share after fine-tuning."""
        return self.models.value


Match: TypeAlias = tuple[tuple[Slice, Shares], tuple[Slice, Shares]]
"""Two groups that are compared."""


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Widening of the gap, judged on every ordered pair of groups; the shares at each stage are shown."""
    y_true, before, after = subject.y_true(), replace(subject, predicted=subject.tuned_from.probe).y_pred(), subject.y_pred()
    given = [_shares((y_true == one, before == one, after == one), class_items(subject, one)) for one in subject.targets]
    comparisons = list(compare_groups(subject, given))
    pairs = [match for each in comparisons for match in each.matches]
    found = gaps(subject, comparisons, lambda first, second: widening(first.models, second.models), _stages, UNIT)
    return replace(
        found,
        figures=(side_by_side("gap between groups", _gaps(pairs)),) if pairs else (),
        notes=(*found.notes, *(_describe_gap(a, b) for a, b in pairs), *_published(comparisons)),
        table={"id": subject.data.ids, "label": y_true.astype(str), "base": before.astype(str), "prediction": after.astype(str)},
    )


def _shares(given: tuple[NDArray[np.bool_], ...], items: tuple[tuple[str, Value], ...]) -> GroupStatistic[Shares]:
    """One class, as the labels, the base and the tuned model give it to every row."""

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> Shares | None:
        if not rows.any():
            return None
        entities, (truly, before, after) = part(clusters, rows), (one[rows] for one in given)
        return Shares(share(truly, entities), PairedRate.of(after, before, entities))

    return GroupStatistic(of, items=items)


def _stages(name: Slice, shares: Shares) -> Iterable[Member]:
    return (Member(name.further("stage", at), one.estimate) for at, one in zip(STAGES, shares.stages, strict=True))


def _gaps(pairs: Sequence[Match]) -> dict[str, list[Member]]:
    """By stage, first minus second of each two groups; their shares stand beside the pairs that are judged."""

    def at(stage: int) -> list[Member]:
        return [Member(Pair(a, b), first.stages[stage].compare(second.stages[stage], Difference)) for (a, first), (b, second) in pairs]

    return {name: at(stage) for stage, name in enumerate(STAGES)}


def _describe_gap(first: tuple[Slice, Shares], second: tuple[Slice, Shares]) -> str:
    """The gap of two groups at each stage."""
    gaps = [a.value - b.value for a, b in zip(first[1].stages, second[1].stages, strict=True)]
    listed = ", ".join(f"{stage} {number(gap)}" for stage, gap in zip(STAGES, gaps, strict=True))
    return f"Gap, {first[0]} minus {second[0]}: {listed}."


def directional(shares: Sequence[Shares], reference: int = 0) -> float:
    """BiasAmp from attribute to task (Wang & Russakovsky, ICML 2021, definition 1) of one class, over the groups of a family.

    The mean over the groups of the change in the share that is given the class, from a stage of reference to the tuned model,
    taken with the sign by which class and group go together at that stage.
    """
    before, after = ([one.stages[stage].estimate for one in shares] for stage in (reference, -1))
    everyone = sum(one.hits for one in before) / sum(one.n for one in before)
    moved = [(now.value - then.value) * (1 if then.value > everyone else -1) for then, now in zip(before, after, strict=True)]
    return sum(moved) / len(moved)


def _published(comparisons: Sequence[GroupComparison[Shares]]) -> tuple[str, ...]:
    """The directional figure over all families and classes."""
    families = [[share for _, share in each.sides] for each in comparisons if each.sides]
    if not families:
        return ()
    labels, probe = (number(float(np.mean([directional(each, at) for each in families]))) for at in (0, 1))
    return (f"Directional bias amplification (Wang & Russakovsky 2021): {labels} from the labels, {probe} from the base model's probe.",)


CHECK = gap_check(
    measure=measure,
    question="Did fine-tuning widen the gap between groups?",
    remedy="Balance the class within each group of the training rows (resample or reweigh them), or train for fewer epochs.",
    rmf=("MEASURE 2.11", "MANAGE 3.2"),
    unit=UNIT,
    needs=frozenset({"labels", "predictions", "text", "base"}),
    tasks=("text-classification",),
    lowest=-2.0,
)
