"""How often the judge errs, contradicts itself and decides, compared with a gate that compares the point estimate with the bound.

Run: python -m benchmarks.flip_rate [--fast] [--write docs/verdict.md]

For each metric and number of rows, samples of one population go through `audit.decision.judge.judge` itself.

1. The truth lies exactly on the bound. A pass is false then, and so is a fail; each may happen in 2.5 % of samples
   (accuracy: 3 %, as Wilson's interval errs), three Monte-Carlo errors allowed. Two samples of the population contradict each other, one
   passing and one failing, in at most twice the product.
2. The truth lies off the bound, on either side. The share decided must be within two points of the method's known power,
   enumerated if the metric consists of proportions. Otherwise `audit.power.analysis` predicts it, and ten points are allowed. A
   judge that never decides fails here.
   One of two samples may promote while the other blocks. The table shows how often, and how often this is a lack of power (one of the two
   is inconclusive) and not a contradiction.

A limit that is broken is marked, and the exit code is then 1. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from audit.catalog import info
from audit.decision.judge import judge
from audit.evidence import OVERALL, Evidence, Member, Pair, Slice
from audit.policy.schema import Requirement
from benchmarks import gates
from benchmarks.page import options, replace_table
from benchmarks.trials import Limit, Progress, percent, table

if TYPE_CHECKING:
    from audit.decision.finding import Status
    from audit.evidence import Name
    from audit.stats import Estimate
    from benchmarks.gates import Gate

ALPHA = 0.025
WITHIN, PLANNED_WITHIN = 0.02, 0.10
"""How far the share decided may lie from the known power, Monte-Carlo errors apart; from one that `audit.power.analysis` predicts."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What came of the samples of one population."""

    gate: Gate
    trials: int
    passed: float
    failed: float
    point_passed: float
    """Of a gate that compares the value itself."""

    @property
    def contradict(self) -> float:
        """Chance that of two samples one passes and one fails."""
        return 2 * self.passed * self.failed

    @property
    def point_contradict(self) -> float:
        """The same of the point gate, which always decides."""
        return 2 * self.point_passed * (1 - self.point_passed)

    @property
    def promote_and_block(self) -> float:
        """Chance that of two samples one passes and one does not."""
        return 2 * self.passed * (1 - self.passed)

    @property
    def lack_of_power(self) -> float:
        """Share of those in which the other sample was inconclusive."""
        return (1 - self.passed - self.failed) / (1 - self.passed) if self.passed < 1 else 0.0


def status(gate: Gate, estimates: tuple[Estimate, ...]) -> Status:
    """By the judge, at 95 %."""
    a, b = Slice((("group", "a"),)), Slice((("group", "b"),))
    names: list[Name] = [OVERALL] if len(estimates) == 1 else [Pair(a, b), Pair(b, a)]
    members = tuple(Member(name, one) for name, one in zip(names, estimates, strict=True))
    evidence = Evidence(members=members, unit="share", rows=estimates[0].n)
    asked = Requirement.model_validate({"check": gate.check, "id": gate.check, "min" if gate.floor else "max": gate.bound})
    return judge(asked, info(gate.check), evidence, confidence=0.95, owner="owner").status


def rates(gate: Gate, truth: float, trials: int) -> Rates:
    """Of so many samples; those with equal sufficient statistics are judged once."""
    judged = lru_cache(maxsize=None)(lambda estimates: status(gate, estimates))
    rng = np.random.default_rng([20261121, gate.n, round(1e6 * truth)])
    seen: list[Status] = []
    points = 0
    for estimates in gate.draw(rng, truth, trials):
        seen.append(judged(estimates))
        worst = (min if gate.floor else max)(one.value for one in estimates)
        points += worst >= gate.bound if gate.floor else worst <= gate.bound
    return Rates(gate, trials, seen.count("pass") / trials, seen.count("fail") / trials, points / trials)


def on_the_bound(gate: Gate, trials: int) -> tuple[list[str], bool]:
    """A row of the first table, and whether its limits hold."""
    found, limit = rates(gate, gate.bound, trials), Limit(gate.most)
    error = 3 * math.sqrt(gate.most * (1 - gate.most) / trials)
    both = 2 * gate.most**2 + 2 * gate.most * 2 * error  # both shares may lie an error above
    holds = limit.holds(found.passed, trials) and limit.holds(found.failed, trials) and found.contradict <= both
    figures = [percent(found.passed), percent(found.failed), str(limit), percent(found.contradict), f"<= {percent(2 * gate.most**2)}"]
    points = [percent(found.point_passed), percent(1 - found.point_passed), percent(found.point_contradict)]
    return [gate.name, f"{gate.n:,}", f"{trials:,}", *figures, *points, "" if holds else "BROKEN"], holds


def off_the_bound(gate: Gate, truth: float, trials: int) -> tuple[list[str], bool]:
    """A row of the second table, and whether its limit holds."""
    found, known = rates(gate, truth, trials), gate.power(truth)
    decided = found.passed + found.failed
    within = WITHIN if gate.known == "enumeration" else PLANNED_WITHIN
    error = within + 3 * math.sqrt(max(known * (1 - known), 1 / trials) / trials)
    holds = abs(decided - known) <= error
    causes = [percent(found.promote_and_block), percent(found.promote_and_block * found.lack_of_power), percent(found.contradict)]
    shares = [percent(found.passed), percent(found.failed), percent(decided), percent(known), gate.known]
    figures = [f"{truth:g}", f"{trials:,}", *shares, *causes, percent(found.point_contradict)]
    return [gate.name, f"{gate.n:,}", *figures, "" if holds else "BROKEN"], holds


ON = (
    "truth on the bound",
    "rows",
    "trials",
    "false pass",
    "false fail",
    "may be",
    "pass/fail",
    "may be",
    "point: pass",
    "fail",
    "pass/fail",
    "",
)
OFF = (
    "truth off the bound", "rows", "truth", "trials", "pass", "fail", "decided", "known", "by",
    "promote/block", "no power", "pass/fail", "point: pass/fail", "",
)  # fmt: skip


def main() -> None:
    """Both tables, and what is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = options(parser, "flip_rate", fast="200 and 500 rows, a tenth of the trials")
    chosen = [gate for n in ((200, 500) if given.fast else (200, 500, 2000)) for gate in gates.of(n)]
    progress = Progress(3 * len(chosen))
    on: list[list[str]] = []
    off: list[list[str]] = []
    broken = 0
    for gate in chosen:
        trials = gate.trials // 10 if given.fast else gate.trials
        for truth in (gate.bound, *gate.off):
            progress.step(f"{gate.name}, {gate.n:,} rows, truth {truth:g}")
            line, holds = on_the_bound(gate, trials) if truth == gate.bound else off_the_bound(gate, truth, trials)
            (on if truth == gate.bound else off).append(line)
            broken += not holds
    text = "All figures but rows and trials in percent.\n\n" + table(ON, on) + "\n\n" + table(OFF, off)
    text += f"\n\n{broken} limits broken; {progress.seconds():.0f} s"
    print(text)
    if given.write:
        replace_table(given.write, "flip_rate", text)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
