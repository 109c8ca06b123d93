"""Declared fields: facts that the policy file must state and does not.

Purpose      Count the declared facts that the system's tier requires and that are missing or blank: purpose, owner, way back,
             origin of the data and so on. Tier 1, the highest materiality, requires most.
Risk         Above 0: nobody can be asked, nobody knows what the system is not for, or there is no way back.
Limitations  Sees that a fact is stated, never that it is true. Placeholders such as TODO, TBD and n/a, and texts without a
             letter or digit, count as blank.
Reference    Mitchell et al., Model cards, FAT* 2019; Gebru et al., Datasheets for datasets, CACM 2021; NIST AI 100-1, 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Check, Params
from audit.evidence import OVERALL, Evidence, Example, Member, Part
from audit.policy.declared_facts import REQUIRED, missing, required
from audit.stats import Census

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject


class DeclaredParams(Params):
    """What is required beyond the tier's own list."""

    fields: tuple[str, ...] = ()
    """Further facts by their place in the policy file, such as `system.oversight`."""


def measure(subject: Subject, params: DeclaredParams, _rng: Generator) -> Evidence:
    """Required facts that are missing or blank."""
    fields = _required(subject, params)
    blank = missing(fields, subject.declared)
    notes = [f"Tier {_tier(subject)} requires {len(fields)} declared facts."]
    if blank:
        notes.append(f"Missing or blank: {', '.join(blank)}.")
    return Evidence(
        members=(Member(OVERALL, Census(len(blank), len(fields))),),
        unit="fields",
        rows=len(fields),
        examples=tuple(Example(name, (Part("missing or blank"),)) for name in blank),
        notes=tuple(notes),
    )


def _tier(subject: Subject) -> int:
    """The declared tier; the strictest where none is declared."""
    tier = subject.declared.get("policy.tier")
    return tier if isinstance(tier, int) and tier in REQUIRED else min(REQUIRED)


def _required(subject: Subject, params: DeclaredParams) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*required(_tier(subject), subject.datasets), *params.fields]))


def _expected_rows(subject: Subject, params: DeclaredParams) -> int:
    """Facts that the tier and the parameters require."""
    return len(_required(subject, params))


CHECK = Check(
    measure=measure,
    question="Are all required facts declared?",
    remedy="State the missing facts in the policy file, under system and datasets.",
    measures="declarations",
    characteristics=("accountable_transparent",),
    rmf=("MEASURE 2.8",),
    better="lower",
    unit="fields",
    params=DeclaredParams,
    census=True,
    highest=float("inf"),
    expected_rows=_expected_rows,
)
