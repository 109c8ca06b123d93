"""How long the most expensive steps of an audit take, on this tree and on an earlier one, in one run.

Run: python -m benchmarks.costs [--before FOLDER] [--only STEP]

FOLDER holds an earlier checkout; without it only this tree is measured. Each step runs in a process of its own. The best of
three runs counts (one run if a step takes over five seconds), in processor seconds, which other work on the machine does not
lengthen. Memory is the peak of numpy and Python (tracemalloc), in a run that is not timed. A step that
misses its limit is marked, and the exit code is then 1.

`STEPS` lists the steps with their names in either tree. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import tracemalloc
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).resolve().parents[1]
SLOW = 5.0
"""Seconds beyond which a step is run once."""
RIGHT = 0.8
"""Share of the rows that the drawn model knows; it guesses the others."""
ASKED = 7
"""How often an earlier run looked for the change that would pass: for the decision, the exports and the report."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, made ready before the clock starts."""

    name: str
    prepare: Callable[[], Callable[[], object]]
    limit: float | None = None
    """Seconds it may take on this tree."""
    memory: bool = False


def named(*names: str) -> Any:
    """The first of several `module:attribute` that this tree has."""
    for name in names:
        module, _, attribute = name.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError):
            continue
    msg = f"none of {', '.join(names)} is here"
    raise ImportError(msg)


def _subject(frame: Any, **roles: str) -> Any:
    columns = named("audit.datasets:Columns")(**{name: one for name, one in roles.items() if name != "by"})
    data = named("audit.datasets:Dataset")("test", Path("-"), _stored(frame), columns, "drawn")
    saved = named("audit.candidates.saved:SavedPredictions", "audit.candidates.predictions:SavedPredictions")({"test": data})
    predictions = named("audit.candidates.predictions:Predictions", "audit.predictions:Predictions")
    return named("audit.subject:Subject")(data=data, predicted=predictions(saved), datasets={"test": data}, by=((roles["by"],),))


def _stored(frame: Any) -> Any:
    """The cells as a data set holds them: a column store, in an earlier tree the frame itself."""
    try:
        return named("audit.datasets.column_store:InMemory")(frame)
    except ImportError:
        return frame


def _gate(check_id: str, subject: Any, minimum: float, **params: object) -> Callable[[], object]:
    """Measured and judged, with the smallest change that would pass."""
    catalog, requirement = import_module("audit.catalog"), named("audit.policy.schema:Requirement")
    judge = named("audit.decision.judge:judge", "audit.judge:judge")
    would_pass = named("audit.phrases:would_pass", "audit.explanations:turning")
    times = 1 if would_pass.__module__ == "audit.phrases" else ASKED
    check, rng = catalog.discover()[check_id], np.random.default_rng(1)
    asked = requirement(check=check_id, id="gate", min=minimum)
    subject.slices()

    def run() -> object:
        evidence = check.measure(subject, check.params.model_validate(params), rng)
        finding = judge(asked, catalog.info(check_id), evidence, confidence=0.95, owner="nobody")
        return [would_pass(finding) for _ in range(times)]

    return run


def ratio_gate() -> Callable[[], object]:
    """39,800 ordered pairs of 200 groups."""
    import pandas as pd

    rng, n = np.random.default_rng(1), 100_000
    group = rng.integers(0, 200, n)
    chosen = rng.random(n) < rng.uniform(0.25, 0.45, 200)[group]
    frame = pd.DataFrame({"label": 1, "prediction": chosen.astype(int), "group": np.char.add("g", group.astype(str))})
    frame.loc[0, "label"] = 0
    seen = _subject(frame, label="label", prediction="prediction", by="group")
    return _gate("fairness/demographic_parity_ratio", seen, 0.8)


def f1_by_slice() -> Callable[[], object]:
    """200 slices of 100,000 rows, four classes."""
    import pandas as pd

    rng, n, names = np.random.default_rng(1), 100_000, np.array(list("abcd"))
    true = rng.integers(0, 4, n)
    said = np.where(rng.random(n) < RIGHT, true, rng.integers(0, 4, n))
    group = np.char.add("g", rng.integers(0, 200, n).astype(str))
    frame = pd.DataFrame({"label": names[true], "prediction": names[said], "group": group})
    return _gate("performance/f1", _subject(frame, label="label", prediction="prediction", by="group"), 0.82, average="macro")


def ks_column() -> Callable[[], object]:
    """One column of two windows of a million rows."""
    rng, distance = np.random.default_rng(1), named("audit.stats.distance:largest_distance")
    reference, current = rng.normal(size=1_000_000), rng.normal(0.01, 1, 1_000_000)
    return lambda: distance(reference, current)


def noise_floors() -> Callable[[], object]:
    """Three calibration errors of 100,000 rows, as one run of the check has them."""
    rng, error = np.random.default_rng(1), named("audit.stats:CalibrationError")
    said = rng.beta(2, 1, 100_000)
    hit = rng.random(len(said)) < said
    return lambda: [error.of(said, hit, rng) for _ in range(3)]


def labels() -> Callable[[], object]:
    """A million predicted labels as text."""
    answer, given = named("audit.candidates.fitted:answer"), np.random.default_rng(1).integers(0, 5, 1_000_000)

    class Model:
        def predict(self, _given: object) -> object:
            return given

    return lambda: answer(Model(), "predict", None)


def excerpts() -> Callable[[], object]:
    """Five of a million rows of six columns in words."""
    import pandas as pd

    rng, n = np.random.default_rng(1), 1_000_000
    described = named("audit.metrics.excerpts:described", "audit.measures.cells:described")
    numbers = {f"x{i}": rng.normal(size=n).round(2) for i in range(3)}
    kinds = {f"c{i}": rng.choice(["north", "south", "east"], n) for i in range(3)}
    subject = _subject(pd.DataFrame({"label": 0, "prediction": 0} | numbers | kinds), label="label", prediction="prediction", by="c0")
    return lambda: described(subject.data, [1, 2, 3, 4, 5])


def kernel() -> Callable[[], object]:
    """The kernel of two windows of 5,000 rows and its median heuristic."""
    gaussian, rng = named("audit.checks.drift.mmd:gaussian", "audit.measures.kernel:gaussian"), np.random.default_rng(1)
    reference, current = rng.normal(size=(5_000, 20)), rng.normal(size=(5_000, 20))
    return lambda: gaussian(reference, current)


def no_attack() -> Callable[[], object]:
    """The check of an attack where no row is right to begin with: nothing is attacked."""
    import pandas as pd

    frame = pd.DataFrame({"text": ["some text"] * 50, "label": ["a", "b"] * 25, "prediction": ["b", "a"] * 25})
    check = import_module("audit.catalog").discover()["robustness/deepwordbug_gao_2018"]
    subject = _subject(frame, label="label", text="text", prediction="prediction", by="label")
    return lambda: check.measure(subject, check.params(), np.random.default_rng(1))


STEPS = (
    Step("ratio gate, 200 groups", ratio_gate, 1.0),
    Step("F1, 200 slices of 100,000 rows", f1_by_slice, 1.0),
    Step("KS, one column of 2 x 1,000,000", ks_column),
    Step("three noise floors, 100,000 rows", noise_floors, 0.3),
    Step("1,000,000 labels as text", labels),
    Step("5 of 1,000,000 rows in words", excerpts),
    Step("MMD kernel, 2 x 5,000 rows", kernel, memory=True),
    Step("attack check without an attack", no_attack, 0.5),
)


def measure(place: int) -> dict[str, float]:
    """Seconds, and MiB where the step is about memory, on the tree that is imported."""
    step = STEPS[place]
    work, found = step.prepare(), list[float]()
    while len(found) < 3 and not (found and found[0] > SLOW):  # noqa: PLR2004  # the best of three
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    if place == len(STEPS) - 1:
        found = found[:1]  # an import is paid once
    if not step.memory:
        return {"seconds": min(found)}
    tracemalloc.start()
    work()
    return {"seconds": min(found), "mib": tracemalloc.get_traced_memory()[1] / 2**20}


def measured(tree: Path, place: int) -> dict[str, float]:
    """The same in a process of its own, with that tree first on the path."""
    surroundings = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-P", str(Path(__file__).resolve()), "--step", str(place)]
    done = subprocess.run(command, env=surroundings, cwd=tree, capture_output=True, text=True, check=False)
    if done.returncode:
        msg = f"{tree}: {STEPS[place].name}: {done.stderr}"
        raise SystemExit(msg)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def lines(before: Path | None, chosen: Sequence[int]) -> tuple[list[tuple[str, ...]], int]:
    """One line a step, and how many miss their limit."""
    from benchmarks.trials import Progress

    progress, found, missed = Progress(len(chosen)), [], 0
    for place in chosen:
        step = STEPS[place]
        progress.step(step.name)
        sides = [measured(tree, place) if tree else None for tree in (before, ROOT)]
        slow = step.limit is not None and sides[1] is not None and sides[1]["seconds"] > step.limit
        missed += slow
        limit = "" if step.limit is None else f"<= {step.limit:g}"
        found.append((step.name, *map(_seconds, sides), limit, *map(_mib, sides), "MISSED" if slow else ""))
    return found, missed


def _seconds(side: dict[str, float] | None) -> str:
    return "" if side is None else f"{side['seconds']:.3f}"


def _mib(side: dict[str, float] | None) -> str:
    return "" if side is None or "mib" not in side else f"{side['mib']:.0f}"


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="an earlier checkout")
    parser.add_argument("--only", help="steps whose name holds this")
    parser.add_argument("--step", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step is not None:
        print(json.dumps(measure(given.step)))
        return
    from benchmarks.trials import table

    chosen = [place for place, step in enumerate(STEPS) if given.only is None or given.only in step.name]
    rows, missed = lines(given.before and given.before.resolve(), chosen)
    print(table(("", "s before", "s now", "limit", "MiB before", "MiB now", ""), rows))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
