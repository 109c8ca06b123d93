"""Checks of what fine-tuning did, on planted faults and on clean twins without the fault: detections and false alarms.

Run: python -m benchmarks.finetune_checks [--seeds 20] [--only WORD]

For each seed a tiny model is trained with the fault and another without it, each on its own data. Detected: the faulty model's finding
is `fail`. False alarm: the clean model's finding is `fail`. At least 80 % must be detected, with at most 5 % false alarms; the 95 %
intervals are those of `audit.stats.Proportion`. A broken limit is marked, and the exit code is then 1. It takes some minutes on one
core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit import seeds as streams
from audit.catalog import discover, info
from audit.decision.judge import judge
from audit.policy.schema import Requirement
from audit.stats import Proportion
from benchmarks import bias_cases, finetune_cases
from benchmarks.finetune_cases import Case, Workshop
from benchmarks.trials import Progress, table

if TYPE_CHECKING:
    from audit.decision.finding import Status

CASES = (*finetune_cases.CASES, *bias_cases.CASES)
DETECTED, ACCUSED = 0.8, 0.05
HEAD = ("check", "fault", "asked", "detected", "95 %", "clean pass", "false alarms", "95 %", "")


@dataclass(frozen=True, slots=True)
class Score:
    """What came out for one case."""

    case: Case
    faulty: tuple[Status, ...]
    clean: tuple[Status, ...]

    @property
    def detected(self) -> Proportion:
        """Faulty models that fail."""
        return Proportion(self.faulty.count("fail"), len(self.faulty))

    @property
    def accused(self) -> Proportion:
        """Clean models that fail."""
        return Proportion(self.clean.count("fail"), len(self.clean))

    @property
    def holds(self) -> bool:
        """Whether enough are detected and few enough accused."""
        return self.detected.value >= DETECTED and self.accused.value <= ACCUSED

    def row(self) -> tuple[str, ...]:
        """As the table shows it."""
        (side, limit), case = next(iter(self.case.bound.items())), self.case
        name = case.name.split("/")[1]
        passed = f"{self.clean.count('pass')} of {len(self.clean)}"
        shares = [part for one in (self.detected, self.accused) for part in _share(one)]
        mark = "" if self.holds else "BROKEN"
        return (name, case.fault, f"{side} {limit:g}", *shares[:2], passed, *shares[2:], mark)


def _share(one: Proportion) -> tuple[str, str]:
    low, high = one.bounds(0.025, 0.025)
    return f"{one.hits} of {one.n}", f"[{100 * low:.0f}, {100 * high:.0f}]"


def scored(case: Case, shop: Workshop, seeds: int) -> Score:
    """Every seed with the fault and without."""
    both = [tuple(status(case, shop, seed, planted=planted) for seed in range(1, seeds + 1)) for planted in (True, False)]
    return Score(case, both[0], both[1])


def status(case: Case, shop: Workshop, seed: int, *, planted: bool) -> Status:
    """What the judge makes of the check's evidence."""
    check = discover()[case.check]
    evidence = check.measure(case.make(shop, seed, planted), check.params.model_validate(case.params), streams.stream(seed, case.check))
    asked = Requirement.model_validate({"check": case.check, "id": case.check, **case.bound})
    return judge(asked, info(case.check), evidence, confidence=0.95, owner="nobody").status


def main() -> int:
    """One line a case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="cases whose name holds this: a check's, or `retention, probe`")
    given = parser.parse_args()
    cases = [case for case in CASES if given.only in case.name]
    if not cases:
        parser.error(f"no case's name holds {given.only!r}: there are {'; '.join(case.name for case in CASES)}")
    progress, scores = Progress(len(cases)), []
    with tempfile.TemporaryDirectory() as scratch:
        shop = Workshop(Path(scratch))
        for case in cases:
            progress.step(f"{case.name}: {case.fault}")
            scores.append(scored(case, shop, given.seeds))
    print(table(HEAD, [score.row() for score in scores]))
    print(f"\n{given.seeds} seeds, each a training with the fault and one without; {progress.seconds():.0f} s")
    return 0 if all(score.holds for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main())
