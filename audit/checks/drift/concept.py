"""Concept drift: how far the error rate has risen at the moment at which a detector finds a change.

Purpose      Show that what the model learnt has stopped to be true, and since when: the same inputs have other right answers.
Risk         High: the model is wrong more often than it was, and keeps the confidence that it had.
Limitations  Needs labels, in the order of `columns.time`. The detector says whether there is a change and between which rows; the moment is
             the cut among them that differs most. The interval decides: it is corrected for all moments that might have been chosen,
             which widens it. Without a change found, the later half of the rows is compared with the earlier. One moment is judged, that
             of the clearest rise; others stand in a note. A rise by other inputs counts too: read it beside drift/distance. The e_detector
             expects the error rate of the first quarter of the rows, needs blocks of 50 rows after it, and alarms once. Rows that resemble
             the row before them look like changes: name the day or the customer as columns.group. It looks within the rows that it is
             given: give it weeks, not a day. A rise from one window to the next shows in performance/accuracy under `audit monitor`.
Reference    Bifet & Gavalda, SIAM Data Mining 2007 (ADWIN); Page, Biometrika 1954 (Page-Hinkley); Shin, Ramdas & Rinaldo 2024 (e-detector);
             difference by Newcombe, Statistics in Medicine 1998; Gama et al., ACM Computing Surveys 2014.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from audit.check import Params, all_rows
from audit.checks.drift import drift_check
from audit.evidence import Curve, Evidence, Lines, Member, Unmeasured
from audit.formatting import number
from audit.metrics import groups
from audit.metrics.time_order import TimeOrder
from audit.stats import ChosenDifference, Difference, Proportion
from audit.stats.change_points import BLOCK, adwin, e_detector, page_hinkley, sharpest_cut
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.evidence import Slice
    from audit.subject import Subject

_BINS, _LEAST_ROWS, _SHOWN = 20, 25, 3
"""Stretches of the picture at most, rows of each at least, and further moments that are told."""
_OWN = {"adwin": {"delta"}, "page_hinkley": {"threshold", "tolerance"}, "e_detector": {"false_alarm_every"}}
_NAMES = {"adwin": "ADWIN", "page_hinkley": "Page-Hinkley", "e_detector": "the e-detector"}


class ConceptParams(Params):
    """Which detector proposes the moment, and how readily."""

    detector: Literal["adwin", "page_hinkley", "e_detector"] = "adwin"
    """adwin (compares all cuts of a window), page_hinkley (sum of errors above the mean so far), e_detector (evidence over blocks)."""
    delta: Annotated[float, Field(gt=0, lt=1)] = 0.002
    """adwin: significance of a cut."""
    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 50.0
    """page_hinkley: errors above the mean so far that make a change."""
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """page_hinkley: rise of the error rate that is ignored."""
    false_alarm_every: Annotated[int, Field(ge=2, le=10**9)] = 1000
    """e_detector: blocks of 50 rows until a false alarm, on average at least."""

    @model_validator(mode="after")
    def _of_the_detector(self) -> ConceptParams:
        other = sorted(self.model_fields_set - {"detector"} - _OWN[self.detector])
        if other:
            msg = f"{self.detector} does not use {', '.join(other)}: it has {', '.join(sorted(_OWN[self.detector]))}"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True, eq=False)
class _Split:
    """One slice's errors in time order, cut at the moment that is judged."""

    name: Slice
    places: NDArray[np.int64]
    """(n,) of its rows in the time order of all rows."""
    errors: NDArray[np.bool_]
    cut: int
    others: tuple[int, ...]
    """Further moments that the detector found."""
    found: bool


def measure(subject: Subject, params: ConceptParams, _rng: Generator) -> Evidence:
    """The rise of each slice's error rate at its moment of change."""
    order = TimeOrder.of(subject.data)
    wrong, clusters = (subject.y_true() != subject.y_pred())[order.rows], groups.part(subject.clusters(), order.rows)
    splits, unmeasured = [], []
    for name, mask in subject.slices():
        places = np.flatnonzero(mask[order.rows])
        if len(places) < 2:  # noqa: PLR2004  # one row before and one after
            unmeasured.append(Unmeasured(name, f"{len(places)} row: a change needs rows before and after it"))
        else:
            splits.append(_split(name, places, wrong[places], params))
    members = tuple(Member(one.name, _estimate(one, groups.part(clusters, one.places))) for one in splits)
    notes = [note for one, member in zip(splits, members, strict=True) for note in _notes(order, one, member.estimate.value, params)]
    return Evidence(
        members=members,
        unit="rise of the error rate",
        rows=len(wrong),
        unmeasured=tuple(unmeasured),
        figures=tuple(_figure(order, one) for one in sorted(splits, key=_rise, reverse=True)[:1]),
        notes=(*notes, *order.notes(subject.data)),
    )


def _split(name: Slice, places: NDArray[np.int64], errors: NDArray[np.bool_], params: ConceptParams) -> _Split:
    moments = sorted({sharpest_cut(errors, since, row) for row, since in _detected(errors, params)})
    if not moments:
        return _Split(name, places, errors, len(errors) // 2, (), found=False)
    n = len(errors)
    worst = max(moments, key=lambda cut: float(errors[cut:].mean() - errors[:cut].mean()) * math.sqrt(cut * (n - cut)))
    return _Split(name, places, errors, worst, tuple(one for one in moments if one != worst), found=True)


def _detected(errors: NDArray[np.bool_], params: ConceptParams) -> list[tuple[int, int]]:
    if params.detector == "adwin":
        return adwin(errors.astype(float), delta=params.delta)
    if params.detector == "page_hinkley":
        return page_hinkley(errors.astype(float), threshold=params.threshold, tolerance=params.tolerance)
    return e_detector(errors, false_alarm_every=params.false_alarm_every)


def _estimate(split: _Split, clusters: NDArray[np.int64] | None) -> ChosenDifference:
    """Half of the level is for the middle, the other half for all moments at which a change may be found."""
    after, before = (
        groups.share(split.errors[side], groups.part(clusters, np.arange(len(split.errors))[side]))
        for side in (slice(split.cut, None), slice(None, split.cut))
    )
    share = 0.5 / (len(split.errors) - 1) if split.found else 0.5
    return ChosenDifference(after.compare(before, Difference), share)


def _rise(split: _Split) -> float:
    return float(split.errors[split.cut :].mean() - split.errors[: split.cut].mean())


def _notes(order: TimeOrder, split: _Split, rise: float, params: ConceptParams) -> list[str]:
    """When, by how much, and how it was found."""
    was, now = float(split.errors[: split.cut].mean()), float(split.errors[split.cut :].mean())
    moment = order.moment(int(split.places[split.cut]))
    if not split.found:
        few = params.detector == "e_detector" and len(split.errors) * 0.75 < BLOCK
        lacking = f", which needs {BLOCK} rows after the first quarter" if few else ""
        middle = f"error rate {number(was)} before {moment}, {number(now)} since, the middle of the rows"
        return [f"{split.name}: no change found by {_NAMES[params.detector]}{lacking}; {middle}."]
    way = "rose" if rise > 0 else "fell" if rise < 0 else "stayed"
    found = [f"{split.name}: the error rate {way} from {number(was)} to {number(now)} on {moment}, found by {_NAMES[params.detector]}."]
    if split.others:
        shown = ", ".join(order.moment(int(split.places[one])) for one in split.others[:_SHOWN])
        more = f" and {len(split.others) - _SHOWN} times more" if len(split.others) > _SHOWN else ""
        found.append(f"{split.name}: changes also on {shown}{more}.")
    return found


def _figure(order: TimeOrder, split: _Split) -> Lines:
    """Error rates of stretches with their intervals, and the rates before and after the moment."""
    n, (axis, label) = len(split.errors), order.axis()
    parts = np.array_split(np.arange(n), max(1, min(_BINS, n // _LEAST_ROWS)))
    rates = [Proportion.of(split.errors[rows]) for rows in parts]
    lower, upper = zip(*(one.bounds(groups.TAIL, groups.TAIL) for one in rates), strict=True)
    at = axis[split.places]
    x = tuple(float(at[rows].mean()) for rows in parts)
    was, now = float(split.errors[: split.cut].mean()), float(split.errors[split.cut :].mean())
    moment = float(at[split.cut])
    return Lines(
        f"{split.name}: error rate {number(was)} before {order.moment(int(split.places[split.cut]))}, {number(now)} since",
        label,
        "error rate",
        (
            Curve("error rate, 95\u00a0% interval", x, tuple(one.value for one in rates), lower, upper, style="points"),
            Curve("before", (float(at[0]), moment), (was, was)),
            Curve("since", (moment, float(at[-1])), (now, now), style="expected"),
        ),
    )


CHECK = drift_check(
    measure=measure,
    question="Has its error rate risen at some moment?",
    remedy="Look at the rows since the moment of change; label more of them, fine-tune on them, and go back to a safer rule until then.",
    unit="rise of the error rate",
    needs=frozenset({"labels", "predictions"}),
    params=ConceptParams,
    by="slices",
    tasks=CLASSIFICATION,
    expected_rows=all_rows,
)
