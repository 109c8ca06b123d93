"""Impact ratio: selection or scoring rate of each category over that of the most selected one, as Local Law 144 prescribes.

Purpose      Compute what New York City's rules for automated employment decision tools ask for: the tables of rates and impact
             ratios by sex, by race or ethnicity and by their crossing, with the people of unknown category counted; and judge
             the smallest ratio on its interval.
Risk         Well under 1: some category is selected, or scores high, less often than another. Under four fifths is where
             regulators begin to ask: a screening figure, read with its interval and Fisher's exact p, never a proof by itself.
Limitations  Blind to base rates and to errors. The prescribed point ratio takes the luckiest category as the reference and is
             noise in small categories: it stands in the tables, the gate is on every ordered pair. The law asks for an independent
             auditor and for data of actual use: this check computes and cannot see to either.
Reference    6 RCNY 5-300 and 5-301 (2023); 29 CFR 1607.4 D (1978); interval of Koopman, Biometrics 1984; Fisher, JRSS 1935.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from audit.check import Check, Params
from audit.checks.fairness._impact_ratios import tables
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


class ImpactParams(Params):
    """Which rate, and who is counted."""

    rate: Literal["selection", "scoring"] = Field(
        "selection", description="selection: share predicted the positive class; scoring: share whose score is above the median of all"
    )
    unknown: tuple[str, ...] = Field(
        (), description="values that say that the category is unknown; those rows, and rows without a value, are counted and left out"
    )
    exclude_below: float = Field(
        0.0, ge=0.0, le=0.02, description="share of the rows below which a category is left out and said to be: the law allows up to 0.02"
    )


def measure(subject: Subject, params: ImpactParams, _rng: Generator) -> Evidence:
    """Rate per category, judged on every ordered pair of categories; the prescribed tables as figures."""
    return tables(subject, params.rate, params.unknown, params.exclude_below)


CHECK = Check(
    measure=measure,
    question="Is every category selected at least four-fifths as often as the most selected one?",
    remedy="Compare the categories' qualifications and errors; where the gap has no reason, rebalance the training data or use fairlearn.",
    rmf=("MEASURE 2.11",),
    better="higher",
    unit="impact ratio",
    needs=frozenset({"predictions", "groups"}),
    params=ImpactParams,
    by="groups",
    tasks=CLASSIFICATION,
)
