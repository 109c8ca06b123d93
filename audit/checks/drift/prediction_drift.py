"""Prediction drift: how far the share of each predicted class, or the spread of the predicted numbers, has moved between two windows.

Purpose      Show whether the model now answers differently on the whole, before any label has come in.
Risk         High: cases have changed, the data feed is broken, or the model has; desks and people behind the answers feel it.
Limitations  A regression model's numbers are compared by the Kolmogorov-Smirnov distance, from 0 to 1: the largest change of a share of
             rows up to any number. Errors that cancel out leave the shares as they are. Change is not harm: where labels come in,
             judge the loss.
Reference    Interval of Newcombe, Statistics in Medicine 1998; of numbers, Kolmogorov 1933 and Smirnov 1939; Rabanser et al.,
             Failing loudly, NeurIPS 2019.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from audit.candidates.capabilities import Scores, Values
from audit.checks.drift import _contexts, _numbers, _shares, drift_check
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Bars, Evidence, Member
from audit.metrics import bins, windows
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.check import NoParams
    from audit.datasets import Dataset
    from audit.subject import Subject

_SCORE_BINS = 10


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Change of each class's predicted share, in both directions; of predicted numbers the distance of their distributions."""
    reference, current = windows.pair(subject)
    if subject.candidate.get(Values) is not None:
        return _of_numbers(subject, reference, current)
    labels = subject.y_pred(reference).astype(str), subject.y_pred(current).astype(str)
    members, rates, flags = _shares.class_changes(subject, labels)
    return Evidence(
        members=members,
        context=rates,
        unit="change of share",
        rows=reference.rows + current.rows,
        figures=(
            _shares.class_bars("predicted class", flags, (reference.role, current.role)),
            *_scores(subject, reference, current),
        ),
        notes=windows.change_notes(members),
    )


def _of_numbers(subject: Subject, reference: Dataset, current: Dataset) -> Evidence:
    """One member: the two windows' numbers as wholes."""
    saved = subject.candidate.kind == "predictions"  # the numbers in a profile are those of no other candidate
    pairs = [(data, data.columns.prediction if saved else None) for data in (reference, current)]
    feature = windows.answers("predicted value", pairs, subject.predicted_values)
    members = (Member(OVERALL, _numbers.kolmogorov_smirnov(feature, _contexts.compare(subject, ()))),)
    return Evidence(
        members=members,
        unit="KS distance of predicted numbers",
        rows=reference.rows + current.rows,
        figures=(bins.of(feature, 2 * _SCORE_BINS).figure(feature.name, reference.role, current.role),),
        notes=(*windows.change_notes(members), *windows.cluster_notes(subject)),
    )


def _scores(subject: Subject, reference: Dataset, current: Dataset) -> tuple[Bars, ...]:
    """How the positive class's probability is spread in each window, where the candidate gives one."""
    if subject.candidate.get(Scores) is None:
        return ()
    try:
        score = [subject.y_score(data) for data in (reference, current)]
    except CannotMeasure:  # no class is said to be the positive one
        return ()
    edges = np.linspace(0, 1, _SCORE_BINS + 1)
    spread = [tuple(float(c) for c in np.histogram(values, edges)[0] / len(values)) for values in score]
    labels = tuple(f"{a:.1f} to {b:.1f}" for a, b in itertools.pairwise(edges))
    return (Bars(f"score of {subject.positive}", labels, spread[1], spread[0], (reference.role, current.role)),)


CHECK = drift_check(
    measure=measure,
    question="Does it give each answer as often as on the reference data?",
    remedy="Compare the two windows' inputs with drift/psi; check the data feed; label a sample of the new window and test again.",
    unit="change of share",
    needs=frozenset({"reference", "predictions"}),
    tasks=(*CLASSIFICATION, *REGRESSION),
)
