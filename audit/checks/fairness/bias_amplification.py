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

from typing import TYPE_CHECKING

from audit.check import Check, NoParams
from audit.checks.fairness._bias_amplification import UNIT, widening

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Widening of the gap, judged on every ordered pair of groups."""
    return widening(subject)


CHECK = Check(
    measure=measure,
    question="Did fine-tuning widen the gap between groups?",
    remedy="Balance the class within each group of the training rows (resample or reweigh them), or train for fewer epochs.",
    rmf=("MEASURE 2.11", "MANAGE 3.2"),
    better="lower",
    unit=UNIT,
    needs=frozenset({"labels", "predictions", "text", "groups", "base"}),
    by="groups",
    tasks=("text-classification",),
    lowest=-2.0,
)
