"""The gap between groups in the labels, in the base model's answers and after fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.evidence import Evidence, Member, Pair, Slice
from audit.formatting import number
from audit.metrics import groups
from audit.metrics.stages import side_by_side
from audit.stats import Amplification, Difference, GapChange, PairedDifference, Proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.evidence import Value
    from audit.subject import Subject

STAGES = ("labels", "base model, linear probe", "after fine-tuning")
UNIT = "widening of the gap"


@dataclass(frozen=True, slots=True)
class Shares:
    """How often one class is given to some rows: by the labels, by the base's probe, by the tuned model."""

    shares: tuple[groups.OfGroup[Proportion], ...]
    """One a stage."""
    change: PairedDifference
    """After minus before on the same rows."""
    sum: PairedDifference
    """After minus what is left of 1 before: the sum of both shares, less 1."""

    @property
    def stages(self) -> tuple[Proportion, ...]:
        """The share at each stage."""
        return tuple(one.estimate for one in self.shares)

    @property
    def value(self) -> float:
        """Share after fine-tuning."""
        return self.stages[-1].value

    def gap(self, other: Shares, stage: int) -> Difference:
        """This group's share minus another's; entities with rows in both make the two move together."""
        return Difference(self.stages[stage], other.stages[stage], *self.shares[stage].together(other.shares[stage]))


Match: TypeAlias = tuple[tuple[Slice, Shares], tuple[Slice, Shares]]
"""Two groups that are held against each other."""


@dataclass(frozen=True, slots=True)
class Given:
    """One class, as the three give it to every row."""

    truly: NDArray[np.bool_]
    before: NDArray[np.bool_]
    after: NDArray[np.bool_]
    items: tuple[tuple[str, Value], ...]
    needs: str = "there"

    def of(self, rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> Shares | None:
        """Of some rows."""
        if not rows.any():
            return None
        part = None if clusters is None else clusters[rows]
        truly, before, after = self.truly[rows], self.before[rows], self.after[rows]
        shares = tuple(groups.share(given, part) for given in (truly, before, after))
        return Shares(shares, PairedDifference.of(after, before, part), PairedDifference.of(after, ~before, part))

    def named(self, group: Slice) -> Slice:
        """A group's name, with the class where there are several."""
        for column, value in self.items:
            group = group.further(column, value)
        return group


def widened(first: Shares, second: Shares) -> Amplification:
    """By how much the first group is favoured over the second more than either was before."""
    return Amplification(GapChange(first.change, second.change), GapChange(first.sum, second.sum))


def widening(subject: Subject) -> Evidence:
    """Judged on every ordered pair of groups; the shares at each stage are shown."""
    y_true, before, after = subject.y_true(), replace(subject, predicted=subject.tuned_from.probe).y_pred(), subject.y_pred()
    given = [Given(y_true == one, before == one, after == one, groups.of_class(subject, one)) for one in subject.targets]
    held = list(groups.holds(subject, given))
    sides = [side for each in held for side in each.sides]
    pairs = [match for each in held for match in each.matches]
    return Evidence(
        members=tuple(Member(Pair(a[0], b[0]), widened(a[1], b[1])) for match in pairs for a, b in (match, match[::-1])),
        unit=UNIT,
        rows=subject.data.rows,
        context=tuple(
            Member(name.further("stage", at), share) for name, one in sides for at, share in zip(STAGES, one.stages, strict=True)
        ),
        unmeasured=tuple(one for each in held for one in each.lacking),
        figures=(side_by_side("gap between groups", _gaps(pairs)),) if pairs else (),
        notes=(*groups.notes(subject), *(_told(a, b) for a, b in pairs), *_published(held)),
        table={"id": subject.data.ids, "label": y_true.astype(str), "base": before.astype(str), "prediction": after.astype(str)},
    )


def _gaps(pairs: Sequence[Match]) -> dict[str, dict[Pair, Difference]]:
    """By stage, first minus second of each two groups; their shares stand beside the pairs that are judged."""
    return {at: {Pair(a[0], b[0]): a[1].gap(b[1], i) for a, b in pairs} for i, at in enumerate(STAGES)}


def _told(first: tuple[Slice, Shares], second: tuple[Slice, Shares]) -> str:
    """The gap of two groups at each stage."""
    gaps = [a.value - b.value for a, b in zip(first[1].stages, second[1].stages, strict=True)]
    listed = ", ".join(f"{stage} {number(gap)}" for stage, gap in zip(STAGES, gaps, strict=True))
    return f"Gap, {first[0]} minus {second[0]}: {listed}."


def directional(shares: Sequence[Shares], reference: int = 0) -> float:
    """BiasAmp from attribute to task (Wang & Russakovsky, ICML 2021, definition 1) of one class, over the groups of a family.

    The mean over the groups of the change in the share that is given the class, from a stage of reference to the tuned model,
    taken with the sign by which class and group go together at that stage.
    """
    before, after = [one.stages[reference] for one in shares], [one.stages[-1] for one in shares]
    everyone = sum(one.hits for one in before) / sum(one.n for one in before)
    moved = [(now.value - then.value) * (1 if then.value > everyone else -1) for then, now in zip(before, after, strict=True)]
    return sum(moved) / len(moved)


def _published(held: Sequence[groups.Held[Shares]]) -> tuple[str, ...]:
    """The directional figure over all families and classes."""
    families = [[share for _, share in each.sides] for each in held if each.sides]
    if not families:
        return ()
    labels, probe = (number(float(np.mean([directional(each, at) for each in families]))) for at in (0, 1))
    return (f"Directional bias amplification (Wang & Russakovsky 2021): {labels} from the labels, {probe} from the base model's probe.",)
