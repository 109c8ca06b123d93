"""How often each end of every estimate's interval misses the truth, next to the expected rate of its method.

Run: python -m benchmarks.coverage [--fast] [--only KIND]... [--write docs/verdict.md]

Each case draws samples of a known population and counts how often the lower end lies above the truth, and how often the
upper end lies below it. Each share is compared with a reference: `=` the method's exact figure, enumerated here from
its definition and not with the package's code, or `<=` its upper limit. A share more than three Monte-Carlo errors away
is marked, and the exit code is then 1. Seeds are fixed for each case, so that --only leaves the lines of the other kinds
on the page unchanged. A fast subset runs in the tests.
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
from benchmarks.page import options, printed_table, replace_table, table_rows
from benchmarks.trials import Progress, percent, table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from benchmarks.populations import Case

COMMAND = "coverage"
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
    """Both ends of each sample, compared with the truth; the seed follows from the case's name."""
    rng = np.random.default_rng([20261121, zlib.crc32(f"{case.name} {case.truth} {case.alpha}".encode())])
    trials = max(50, case.trials // 20) if fast else case.trials
    ends = np.array([(*estimate.bounds(case.alpha, case.alpha), truth) for estimate, truth in case.draw(rng, trials)])
    low, high, truth = ends.T
    with np.errstate(invalid="ignore"):
        width = float(np.median(high - low))
    return Seen(case, trials, float(np.mean(low > truth)), float(np.mean(high < truth)), width)


def chosen(*, fast: bool, only: Collection[str] = ()) -> list[Case]:
    """The grid, or these kinds of it; when fast, one case of each kind in three, the first among them."""
    kinds = populations.by_kind()
    cases = [kinds[kind] for kind in kinds if not only or kind in only]
    return [case for kind in cases for case in (kind[::3] if fast else kind)]


def run(cases: Sequence[Case], *, fast: bool) -> list[Seen]:
    """Every case, in order."""
    progress, seen = Progress(len(cases)), []
    for case in cases:
        progress.step(f"{case.name} {case.truth}")
        seen.append(simulated(case, fast=fast))
    return seen


def lines_with(seen: Sequence[Seen], page: Path | None) -> list[Sequence[str]]:
    """The lines of this run, and those of other cases as the page has them, in the grid's order."""
    lines: dict[tuple[str, ...], Sequence[str]] = (
        {tuple(row[:3]): row for row in table_rows(printed_table(page, COMMAND), HEAD)} if page else {}
    )
    lines |= {one.row()[:3]: one.row() for one in seen}
    keys = [(case.name, case.truth, percent(case.alpha)) for kind in populations.by_kind().values() for case in kind]
    return [lines[key] for key in keys if key in lines]


def report(lines: Sequence[Sequence[str]]) -> tuple[str, int]:
    """Both tables, and how many of their lines lie outside."""
    exact = [(one.name, one.found, one.stated, "" if one.holds else "OUTSIDE") for one in published()]
    outside = sum(row[-1] != "" for row in [*exact, *lines])
    tables = table(("figure", "found", "as stated", ""), exact), table(HEAD, lines)
    text = f"Exact figures, by enumeration\n\n{tables[0]}\n\nMisses of each end, in percent\n\n{tables[1]}"
    return f"{text}\n\n{len(lines)} cases, {outside} outside", outside


def main() -> None:
    """The tables, and what lies outside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = list(populations.by_kind())
    parser.add_argument(
        "--only", action="append", metavar="KIND", choices=kinds, default=[], help="kinds of estimates: " + ", ".join(kinds)
    )
    given = options(parser, COMMAND, fast="a third of the cases, a twentieth of the trials")
    progress = Progress(1)
    seen = run(chosen(fast=given.fast, only=given.only), fast=given.fast)
    text, outside = report([one.row() for one in seen])
    print(f"{text}; {progress.seconds():.0f} s")
    if given.write:
        replace_table(given.write, COMMAND, report(lines_with(seen, given.write if given.only else None))[0])
    sys.exit(1 if outside else 0)


if __name__ == "__main__":
    main()
