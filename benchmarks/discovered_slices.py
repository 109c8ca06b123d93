"""Slice discovery: how often chance names a slice, and how reliably planted ones are found, on tables, texts and predicted numbers.

Run: python -m benchmarks.discovered_slices [--fast]

`fairness/discovered_slices` runs on generated rows whose true error rates, or mean absolute errors, are known.

1. Without a weak slice: at most 5 % of runs name one (q = .05). Once with few errors, once where every row has copies of its
   entity, once on texts; of predicted numbers with normal errors and with those of Student's t of 3 degrees, whose size has no
   third moment.
2. With planted slices: the share of them that the search proposes among its first k (recall at k), the share of its first k that
   are planted ones (precision at k), and both for the named slices. A slice counts as a planted one if the two share half of
   their union's rows.
3. Of the named slices at most 5 % are in truth no worse than the rest, and at most 5 % of their lower ends lie above the true
   gap (false coverage rate), each averaged over runs; a run that names none counts as 0.

Three Monte-Carlo errors are allowed. A broken limit is marked, and the exit code is then 1. Intervals over runs are those of
`audit.stats.Proportion` at 95 %; those of shares within runs are normal. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from audit import seeds
from audit.candidates.capabilities import Embeddings, find
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions, SavedValues
from audit.catalog import discover
from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from audit.evidence import Evidence, WeakSlices
from audit.stats import Proportion
from audit.subject import Subject
from benchmarks.trials import Limit, Progress, percent, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.candidates.capabilities import C

CHECK = "fairness/discovered_slices"
Q = 0.05
USUAL, WEAK = 0.10, 0.30
"""True error rates outside and inside planted slices."""
NEAR, FAR = 1.0, 2.0
"""True mean absolute errors outside and inside planted slices."""
ALIKE = 0.5
"""Rows shared over rows in either, from which two slices are the same."""
_DIMENSIONS = 32


_Scalar = TypeVar("_Scalar", bound=np.generic)
Noise: TypeAlias = "Callable[[Generator, int], NDArray[np.float64]]"


@dataclass(frozen=True, eq=False)
class Drawn:
    """A data set, each row's true error rate or mean absolute error, and the planted slices."""

    frame: pd.DataFrame
    error: NDArray[np.float64]
    planted: tuple[NDArray[np.bool_], ...]
    group: str | None = None
    noise: Noise | None = None
    """Where numbers are predicted: so many errors of either sign, whose mean size is 1."""


@dataclass(frozen=True)
class Scene:
    """One kind of data."""

    name: str
    draw: Callable[[Generator], Drawn]
    runs: int


@dataclass(frozen=True)
class Outcome:
    """What one run made of it."""

    named: int
    proposed: int
    recall: tuple[float, float, float]
    """Share of the planted that stand among the first as many as are planted, among all proposed, among the named."""
    precision: tuple[float, float]
    """Share of planted ones among the first as many as are planted, and among the named."""
    false: float
    """Share of the named that are no worse than the rest in truth."""
    missed: float
    """Share of the named whose lower end lies above the true gap."""


class Encoder(SavedPredictions):
    """Saved predictions with an encoder: the mean of a fixed random vector for each word."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, 32) mean vectors."""
        return np.array([np.mean([_vector(word) for word in text.split()] or [np.zeros(_DIMENSIONS)], axis=0) for text in texts])

    def get(self, capability: type[C]) -> C | None:
        """The encoder too."""
        return find((Embeddings(self.embed_texts),), capability) or super().get(capability)


@cache
def _vector(word: str) -> NDArray[np.float64]:
    return np.random.default_rng(seeds.words(0, word)).standard_normal(_DIMENSIONS)


def columns(rng: Generator, n: int) -> pd.DataFrame:
    """Four columns of categories and four of numbers."""
    made: dict[str, NDArray[np.generic]] = {f"kind {i}": rng.choice(list("abcde"), n, p=[0.4, 0.25, 0.15, 0.12, 0.08]) for i in range(4)}
    return pd.DataFrame(made | {f"size {i}": rng.gamma(2.0, 10.0, n) if i % 2 else rng.normal(50, 10, n) for i in range(4)})


def clean(n: int, error: float) -> Callable[[Generator], Drawn]:
    """A table without a weak slice."""
    return lambda rng: Drawn(columns(rng, n), np.full(n, error), ())


def copies(rng: Generator) -> Drawn:
    """A table without a weak slice, of 800 entities with one to five equal rows each."""
    rows = np.repeat(np.arange(800), rng.integers(1, 6, 800))
    frame = columns(rng, 800).iloc[rows].reset_index(drop=True).assign(who=rows)
    return Drawn(frame, np.full(len(rows), USUAL), (), "who")


def weak_columns(n: int) -> Callable[[Generator], Drawn]:
    """A table with three: a category, a crossing of a category with high numbers, a range of numbers."""

    def draw(rng: Generator) -> Drawn:
        frame = columns(rng, n)
        planted = (
            (frame["kind 0"] == "c").to_numpy(),
            ((frame["kind 1"] == "a") & (frame["size 0"] > 56)).to_numpy(),  # noqa: PLR2004  # 27 % of rows
            (frame["size 2"] < 40).to_numpy(),  # noqa: PLR2004  # 16 % of rows
        )
        return Drawn(frame, np.where(np.any(planted, axis=0), WEAK, USUAL), planted)

    return draw


TOPICS = {topic: [f"{topic}{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(60)] for topic in ("bill", "card", "post", "net", "loan")}
"""Five topics of sixty words each, none of which is frequent."""
_LITTLE = ["the", "and", "please", "again", "now", "help", "with", "this"]


def texts(n: int, *, planted: bool) -> Callable[[Generator], Drawn]:
    """Messages of five topics; planted are a word, a topic (known by no single word) and long texts."""

    def draw(rng: Generator) -> Drawn:
        topic = rng.choice(list(TOPICS), n, p=[0.3, 0.25, 0.15, 0.15, 0.15])
        length = rng.integers(4, 24, n)
        word = rng.random(n) < 0.15  # noqa: PLR2004  # share of messages that hold the word
        said = [
            " ".join([*rng.choice(TOPICS[one], size), *rng.choice(_LITTLE, 3), *(["refund"] if with_word else [])])
            for one, size, with_word in zip(topic, length, word, strict=True)
        ]
        slices = (word, topic == "net", length > 20) if planted else ()  # noqa: PLR2004  # 15 % of rows
        error = np.where(np.any(slices, axis=0), WEAK, USUAL) if planted else np.full(n, USUAL)
        return Drawn(pd.DataFrame({"text": said}), error, slices)

    return draw


def normal(rng: Generator, n: int) -> NDArray[np.float64]:
    """Errors as they are wished for."""
    return rng.standard_normal(n) / math.sqrt(2 / math.pi)


def heavy(rng: Generator, n: int) -> NDArray[np.float64]:
    """Errors of which a few are large: Student's t of 3 degrees, whose size is 2 √3 / π on average."""
    return rng.standard_t(3, n) * math.pi / (2 * math.sqrt(3))


def numbers(draw: Callable[[Generator], Drawn], noise: Noise) -> Callable[[Generator], Drawn]:
    """The same data with predicted numbers; rows that were wrong more often are farther off."""

    def drawn(rng: Generator) -> Drawn:
        found = draw(rng)
        return replace(found, error=np.where(found.error > USUAL, FAR, NEAR), noise=noise)

    return drawn


def scenes() -> tuple[list[Scene], list[Scene]]:
    """Without and with weak slices."""
    without = [
        Scene("table, 2,000 rows, 10 % wrong", clean(2000, USUAL), 2000),
        Scene("table, 600 rows, 3 % wrong", clean(600, 0.03), 2000),
        Scene("table, 800 entities of 1 to 5 equal rows", copies, 1000),
        Scene("texts, 1,500 rows, 10 % wrong", texts(1500, planted=False), 400),
        Scene("numbers, 2,000 rows, normal errors", numbers(clean(2000, USUAL), normal), 600),
        Scene("numbers, 2,000 rows, heavy-tailed errors", numbers(clean(2000, USUAL), heavy), 600),
        Scene("numbers, 800 entities of 1 to 5 equal rows, heavy-tailed", numbers(copies, heavy), 600),
    ]
    with_some = [
        Scene("table, 2,000 rows", weak_columns(2000), 400),
        Scene("table, 8,000 rows", weak_columns(8000), 200),
        Scene("texts, 2,000 rows", texts(2000, planted=True), 200),
        Scene("texts, 6,000 rows", texts(6000, planted=True), 100),
        Scene("numbers, 2,000 rows, normal errors", numbers(weak_columns(2000), normal), 200),
        Scene("numbers, 2,000 rows, heavy-tailed errors", numbers(weak_columns(2000), heavy), 200),
        Scene("numbers, 8,000 rows, heavy-tailed errors", numbers(weak_columns(8000), heavy), 100),
    ]
    return without, with_some


def measured(drawn: Drawn, rng: Generator) -> Evidence:
    """The check's evidence on labels drawn at each row's error rate, or numbers at each row's mean absolute error."""
    frame = drawn.frame.assign(**(_classes(drawn, rng) if drawn.noise is None else _values(drawn, drawn.noise, rng)))
    roles = {"label": "label", "prediction": "prediction", "group": drawn.group}
    if "text" in frame.columns:
        roles["text"] = "text"
    data = Dataset("test", Path("test.csv"), InMemory(frame), Columns.model_validate(roles), "drawn")
    kind = SavedValues if drawn.noise is not None else Encoder if "text" in roles else SavedPredictions
    check = discover()[CHECK]
    found: Evidence = check.measure(Subject(data, Predictions(kind({"test": data})), datasets={"test": data}), check.params(), rng)
    return found


def _classes(drawn: Drawn, rng: Generator) -> dict[str, NDArray[np.generic]]:
    label = rng.integers(0, 2, len(drawn.frame))
    wrong = _together(drawn, rng.random(len(label)) < drawn.error)
    return {"label": label, "prediction": np.where(wrong, 1 - label, label)}


def _values(drawn: Drawn, noise: Noise, rng: Generator) -> dict[str, NDArray[np.generic]]:
    label = rng.normal(0, 5, len(drawn.frame))
    return {"label": label, "prediction": label + _together(drawn, noise(rng, len(label)) * drawn.error)}


def _together(drawn: Drawn, errors: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Rows of one entity err together."""
    if drawn.group is None:
        return errors
    _, first, entity = np.unique(drawn.frame[drawn.group], return_index=True, return_inverse=True)
    return errors[first][entity]


def outcome(drawn: Drawn, found: Evidence) -> Outcome:
    """The evidence compared with the truth."""
    (figure,) = found.figures
    assert isinstance(figure, WeakSlices)  # noqa: S101  # the check draws no other
    judged = found.table["half"] == "judged"
    rows = [np.asarray(found.table[f"slice {i}"], dtype=bool) for i in range(1, len(figure.names) + 1)]
    gaps = [float(drawn.error[judged & one].mean() - drawn.error[judged & ~one].mean()) for one in rows]
    same = np.array([[(one & true).sum() / (one | true).sum() >= ALIKE for true in drawn.planted] for one in rows]).reshape(len(rows), -1)
    named, k = np.array(figure.named), len(drawn.planted)
    counted = max(1, int(named.sum()))
    lower = np.array(figure.lower)
    return Outcome(
        named=int(named.sum()),
        proposed=len(rows),
        recall=tuple(float(part.any(axis=0).mean()) if k else 0.0 for part in (same[:k], same, same[named])),  # type: ignore[arg-type]  # three
        precision=(float(same[:k].any(axis=1).mean()) if k else 0.0, float(same[named].any(axis=1).sum() / counted) if k else 0.0),
        false=float((named & (np.array(gaps) <= 1e-12)).sum() / counted),  # noqa: PLR2004  # rounding
        missed=float((named & (lower > np.array(gaps))).sum() / counted),
    )


def simulated(scene: Scene, runs: int, seed: int) -> list[Outcome]:
    """So many runs."""
    found = []
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        drawn = scene.draw(rng)
        found.append(outcome(drawn, measured(drawn, rng)))
    return found


def _share(hits: int, n: int) -> str:
    low, high = Proportion(hits, n).bounds(0.025, 0.025)
    return f"{percent(hits / n)} [{percent(low)}, {percent(high)}]"


def _mean(values: Sequence[float]) -> str:
    error = 1.96 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return f"{percent(float(np.mean(values)))} ± {percent(error)}"


def _within(values: Sequence[float], limit: float) -> bool:
    return float(np.mean(values)) <= limit + 3 * max(float(np.std(values, ddof=1)), 0.01) / math.sqrt(len(values))


def null_line(scene: Scene, found: list[Outcome], seconds: float) -> tuple[tuple[str, ...], bool]:
    """How often a run names a slice that is none."""
    hits = sum(one.named > 0 for one in found)
    holds = Limit(Q).holds(hits / len(found), len(found))
    cells = (scene.name, f"{len(found):,}", _share(hits, len(found)), "<= 5.00", f"{seconds / len(found):.3f}", "" if holds else "BROKEN")
    return cells, holds


def planted_line(scene: Scene, found: list[Outcome], seconds: float) -> tuple[tuple[str, ...], bool]:
    """Recall and precision of what is proposed and named."""
    recalls = [_mean([one.recall[i] for one in found]) for i in range(3)]
    precisions = [_mean([one.precision[i] for one in found if i == 0 or one.named]) for i in range(2)]
    false, missed = [one.false for one in found], [one.missed for one in found]
    holds = _within(false, Q) and _within(missed, Q)
    figures = (recalls[0], precisions[0], recalls[1], recalls[2], precisions[1], _mean(false), _mean(missed))
    return (scene.name, f"{len(found):,}", *figures, f"{seconds / len(found):.3f}", "" if holds else "BROKEN"), holds


def main() -> None:
    """Two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="a tenth of the runs")
    fast = parser.parse_args().fast
    without, with_some = scenes()
    progress, broken = Progress(len(without) + len(with_some)), 0
    tables: list[list[tuple[str, ...]]] = [[], []]
    for seed, scene in enumerate([*without, *with_some]):
        progress.step(scene.name)
        planted, started = scene in with_some, time.perf_counter()
        found = simulated(scene, scene.runs // (10 if fast else 1), seed)
        cells, holds = (planted_line if planted else null_line)(scene, found, time.perf_counter() - started)
        tables[planted].append(cells)
        broken += not holds
    print("No weak slice; in percent\n")
    print(table(("data", "runs", "runs that name a slice", "may be", "s a run", ""), tables[0]))
    true = f"{100 * WEAK:.0f} % wrong in them and {100 * USUAL:.0f} % elsewhere; of numbers a mean error of {FAR:g} and {NEAR:g}"
    print(f"\nThree planted slices, {true}; in percent, ± 95 %\n")
    head = ("recall at 3", "precision at 3", "recall at 10", "recall, named", "precision, named", "no worse, of named", "ends that miss")
    print(table(("data", "runs", *head, "s a run", ""), tables[1]))
    print(f"\n{broken} limits broken; {progress.seconds():.0f} s")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
