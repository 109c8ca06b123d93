"""Label shift: how far the share of each true class, or the spread of the true numbers, has moved between two windows.

Purpose      Show whether the answers that would have been right come in other shares than in the reference window.
Risk         High: a model that learnt the old shares errs more often on the class that has grown, and its thresholds and stated
             probabilities no longer fit.
Limitations  Needs labels in both windows; late or selected labels shift the shares by themselves. The largest change of a share over
             all classes decides; the total variation distance stands in a note. True numbers are compared by the Kolmogorov-Smirnov
             distance. Labels that come and go with unchanged shares are not seen.
Reference    Lipton, Wang & Smola, Detecting and correcting for label shift, ICML 2018. Interval of Newcombe, Statistics in Medicine
             1998; of numbers, Kolmogorov 1933 and Smirnov 1939.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.candidates.capabilities import Values
from audit.checks.drift import _contexts, _numbers, _shares, drift_check
from audit.evidence import OVERALL, Evidence, Member
from audit.metrics import bins, windows
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.check import NoParams
    from audit.datasets import Dataset
    from audit.subject import Subject

_BINS = 20


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Change of each true class's share, in both directions; of true numbers the distance of their distributions."""
    reference, current = windows.pair(subject)
    if subject.candidate.get(Values) is not None:
        return _of_numbers(subject, reference, current)
    labels = subject.y_true(reference).astype(str), subject.y_true(current).astype(str)
    members, rates, flags = _shares.class_changes(subject, labels)
    moved = sum(abs(float(before.mean()) - float(now.mean())) for before, now in flags.values()) / 2
    return Evidence(
        members=members,
        context=rates,
        unit="change of share",
        rows=reference.rows + current.rows,
        figures=(_shares.class_bars("true class", flags, (reference.role, current.role)),),
        notes=(*windows.change_notes(members), f"Total variation distance of the labels, without an interval: {moved:.3f}."),
    )


def _of_numbers(subject: Subject, reference: Dataset, current: Dataset) -> Evidence:
    """One member: the two windows' true numbers as wholes."""
    feature = windows.answers("true value", [(data, data.columns.label) for data in (reference, current)], subject.target)
    members = (Member(OVERALL, _numbers.kolmogorov_smirnov(feature, _contexts.compare(subject, ()))),)
    return Evidence(
        members=members,
        unit="KS distance of true numbers",
        rows=reference.rows + current.rows,
        figures=(bins.of(feature, _BINS).figure(feature.name, reference.role, current.role),),
        notes=(*windows.change_notes(members), *windows.cluster_notes(subject)),
    )


CHECK = drift_check(
    measure=measure,
    question="Do the true answers come in the same shares as in the reference data?",
    remedy="Find the class that grew and why; check how labels were chosen; then adjust thresholds or fine-tune on the new shares.",
    unit="change of share",
    needs=frozenset({"reference", "labels"}),
    tasks=(*CLASSIFICATION, *REGRESSION),
)
