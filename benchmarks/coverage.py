"""How often each end of every estimate's interval misses the truth, next to what its method should.

Run: python -m benchmarks.coverage [--fast] [--only KIND]

Every case draws samples of a known population and counts in how many the lower end lies above the truth, and in how many the
upper end lies below it. Next to each share stands what it is held against: `=` the method's exact figure, enumerated here from
its definition and not from the package's code, or `<=` what it may be at most. A share more than three Monte-Carlo errors away
is marked, and the exit code is then 1. Seeds are fixed. A fast subset runs in the tests.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import populations
from benchmarks.exact import published
from benchmarks.trials import Progress, percent, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.populations import Case

HEAD = ("estimate and population", "truth", "level", "trials", "low misses", "may be", "high misses", "may be", "width", "")


@dataclass(frozen=True, slots=True)
class Seen:
    """One case's misses."""

    case: Case
    trials: int
    low: float
    """Share of samples whose lower end lies above the truth."""
    high: float
    width: float
    """Median distance of the ends."""

    @property
    def holds(self) -> bool:
        """Whether both shares are what they may be."""
        return self.case.low.holds(self.low, self.trials) and self.case.high.holds(self.high, self.trials)

    def row(self) -> tuple[str, ...]:
        """For the table."""
        case, width = self.case, f"{self.width:.3f}" if np.isfinite(self.width) else "no end"
        figures = (percent(self.low), str(case.low), percent(self.high), str(case.high), width)
        return (case.name, case.truth, percent(case.alpha), f"{self.trials:,}", *figures, "" if self.holds else "OUTSIDE")


def simulated(case: Case, *, fast: bool) -> Seen:
    """Both ends of each sample, held against the truth; the seed follows from the case's name."""
    rng = np.random.default_rng([20261121, zlib.crc32(f"{case.name} {case.truth} {case.alpha}".encode())])
    trials = max(50, case.trials // 20) if fast else case.trials
    ends = np.array([(*estimate.bounds(case.alpha, case.alpha), truth) for estimate, truth in case.draw(rng, trials)])
    low, high, truth = ends.T
    with np.errstate(invalid="ignore"):
        width = float(np.median(high - low))
    return Seen(case, trials, float(np.mean(low > truth)), float(np.mean(high < truth)), width)


def chosen(*, fast: bool, only: str | None) -> list[Case]:
    """The grid; when fast, one case of each kind in three, the first among them."""
    kinds = populations.by_kind()
    if only is not None and only not in kinds:
        msg = f"no such kind: {only}; there are {', '.join(kinds)}"
        raise SystemExit(msg)
    cases = {kind: found for kind, found in kinds.items() if only in {None, kind}}
    return [case for found in cases.values() for case in (found[::3] if fast else found)]


def run(cases: Sequence[Case], *, fast: bool) -> list[Seen]:
    """Every case, in order."""
    progress, seen = Progress(len(cases)), []
    for case in cases:
        progress.step(f"{case.name} {case.truth}")
        seen.append(simulated(case, fast=fast))
    return seen


def main() -> None:
    """The tables, and what lies outside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="a third of the cases, a twentieth of the trials")
    parser.add_argument("--only", metavar="KIND", help="one kind of estimate: " + ", ".join(populations.by_kind()))
    given = parser.parse_args()
    progress = Progress(1)
    figures = published()
    print("Exact figures, by enumeration\n")
    print(
        table(("figure", "found", "as stated", ""), [(one.name, one.found, one.stated, "" if one.holds else "OUTSIDE") for one in figures])
    )
    seen = run(chosen(fast=given.fast, only=given.only), fast=given.fast)
    print("\nMisses of each end, in percent\n")
    print(table(HEAD, [one.row() for one in seen]))
    outside = sum(not one.holds for one in seen) + sum(not one.holds for one in figures)
    print(f"\n{len(seen)} cases, {outside} outside; {progress.seconds():.0f} s")
    sys.exit(1 if outside else 0)


if __name__ == "__main__":
    main()
