"""Fifty slices under one requirement: how often `audit.decision.judge.judge` fails or passes it.

Run: python -m benchmarks.slices [--fast] [--write docs/verdict.md]

1. All fifty exactly on their bound: failed in at most 2.5 % of runs.
2. One exactly on the bound, the rest good: passed in at most 2.5 % (nominal; the actual error of that slice's interval is
   enumerated and shown).
3. All fifty well above it: passed with the power that `audit.power.analysis` predicts, within two points.
4. Forty-nine above it, one far below: failed with the predicted power.

Three Monte-Carlo errors are allowed. A broken limit is marked, and the exit code is then 1. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from audit.catalog import info
from audit.decision.judge import judge
from audit.evidence import Evidence, Member, Slice
from audit.policy.schema import Requirement
from audit.power.analysis import end_probabilities
from audit.power.member import DecisionRule, PlannedMember
from audit.stats import Proportion
from benchmarks.exact import share_misses
from benchmarks.page import options, replace_table
from benchmarks.trials import Limit, Progress, percent, table

SLICES = 50
ROWS = 200
"""In each slice."""
BOUND = 0.9
ALPHA = 0.025
NAMES = [Slice((("region", f"r{i:02}"),)) for i in range(SLICES)]


@dataclass(frozen=True, slots=True)
class Scene:
    """True accuracies of the fifty slices, and what is asked of the runs."""

    name: str
    truths: tuple[float, ...]
    passed: Limit
    failed: Limit


def scenes() -> list[Scene]:
    """Figures that are foreseen come from `audit.power.analysis`."""
    wilson = share_misses(ROWS, BOUND, ALPHA)[0]
    nothing, anything = Limit(0.0), Limit(1.0)
    above, bad = (0.974,) * SLICES, (*(0.974,) * (SLICES - 1), 0.78)
    rule = DecisionRule(BOUND, floor=True)
    predicted = [end_probabilities([PlannedMember(_share(round(p * ROWS)), p) for p in truths], rule) for truths in (above, bad)]
    return [
        Scene("all fifty on the bound", (BOUND,) * SLICES, nothing, Limit(ALPHA)),
        Scene("one on the bound, the rest at .99", (BOUND, *(0.99,) * (SLICES - 1)), Limit(min(ALPHA, wilson)), Limit(ALPHA)),
        Scene("all fifty at .974", above, Limit(predicted[0][0], "=", 0.02), Limit(ALPHA)),
        Scene("one at .78, the rest at .974", bad, nothing, Limit(predicted[1][1], "=", 0.02)),
        Scene("all fifty at .99", (0.99,) * SLICES, anything, nothing),
    ]


@lru_cache(maxsize=ROWS + 1)
def _share(hits: int) -> Proportion:
    return Proportion(hits, ROWS)


def statuses(scene: Scene, runs: int, seed: int) -> tuple[float, float]:
    """Share of runs passed and failed."""
    asked = Requirement(check="performance/accuracy", id="accuracy", min=BOUND)
    check, seen = info("performance/accuracy"), []
    for row in np.random.default_rng(seed).binomial(ROWS, scene.truths, (runs, SLICES)).tolist():
        members = tuple(Member(name, _share(hits)) for name, hits in zip(NAMES, row, strict=True))
        evidence = Evidence(members=members, unit="accuracy", rows=ROWS * SLICES)
        seen.append(judge(asked, check, evidence, confidence=0.95, owner="owner").status)
    return seen.count("pass") / runs, seen.count("fail") / runs


def point_gate(scene: Scene, runs: int, seed: int) -> float:
    """Share of runs in which every slice's value reaches the bound."""
    hits = np.random.default_rng(seed).binomial(ROWS, scene.truths, (runs, SLICES))
    return float(np.mean((hits / ROWS >= BOUND).all(axis=1)))


def main() -> None:
    """One line a scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = options(parser, "slices", fast="a tenth of the runs")
    runs = 400 if given.fast else 4000
    found = scenes()
    progress, lines, broken = Progress(len(found)), [], 0
    for seed, scene in enumerate(found, start=1):
        progress.step(scene.name)
        passed, failed = statuses(scene, runs, seed)
        holds = scene.passed.holds(passed, runs) and scene.failed.holds(failed, runs)
        broken += not holds
        figures = (percent(passed), str(scene.passed), percent(failed), str(scene.failed), percent(1 - passed - failed))
        lines.append((scene.name, *figures, percent(point_gate(scene, runs, seed)), "" if holds else "BROKEN"))
    wilson, exact = share_misses(ROWS, BOUND, ALPHA)[0], share_misses(ROWS, BOUND, ALPHA / SLICES)[1]
    head = ("true accuracies", "passed", "may be", "failed", "may be", "inconclusive", "point gate passes", "")
    text = f"""{SLICES} slices of {ROWS} rows, accuracy at least {BOUND}; {runs:,} runs each; figures in percent

{table(head, lines)}

Enumerated: one slice on the bound passes by itself in {percent(wilson)},
is called failed at .025/{SLICES} in {percent(exact)}, any of {SLICES} in {percent(1 - (1 - exact) ** SLICES)}.
{broken} limits broken; {progress.seconds():.0f} s"""
    print(text)
    if given.write:
        replace_table(given.write, "slices", text)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
