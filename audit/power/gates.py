"""What a plan says of each bound of a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from audit.decision.finding import Bound, Finding
    from audit.evidence import Name
    from audit.policy.schema import Requirement
    from audit.power.analysis import Outlook

Basis: TypeAlias = Literal["stated", "pilot", "no change"]
"""Where an expected value comes from."""


@dataclass(frozen=True, slots=True)
class Part:
    """One member of a gate."""

    name: Name
    rows: int
    expected: float
    """True value that is reckoned with; where nothing is expected, that from which the gate passes."""
    outlook: Outlook


@dataclass(frozen=True, slots=True)
class Gate:
    """One bound of one requirement."""

    index: int
    """Place of the requirement in the policy, from 0."""
    requirement: Requirement
    bound: Bound
    rows: int
    """Rows that the check will look at; 0 where it cannot look."""
    expected: float | None = None
    """True value that is reckoned with: of every slice, or of the worst pair of groups."""
    basis: Basis | None = None
    passes_from: float | None = None
    """True value from which it passes 8 times in 10."""
    outlook: Outlook | None = None
    """At the expected value; where there is none, at `passes_from`."""
    parts: tuple[Part, ...] = ()
    """Its members, the worst first, where there is more than one."""
    known: Finding | None = None
    """The finding itself, where no model has a part in it."""
    hindrance: str | None = None
    """Why no true value passes with the data there are."""
    needed: int | None = None
    """Rows at which 8 audits in 10 decide; under a hindrance, rows at which the best model would pass."""
    note: str = ""

    @property
    def p_pass(self) -> float | None:
        """Chance that it passes; None where nothing is expected."""
        if self.hindrance is not None:
            return 0.0
        if self.known is not None:
            return float(self.known.status in {"pass", "not_applicable"})
        return None if self.expected is None or self.outlook is None else self.outlook.p_pass
