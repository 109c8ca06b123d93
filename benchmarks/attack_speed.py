"""Queries per second of DeepWordBug: textattack's own model wrapper and loop, and ours, on the same fine-tuned MiniLM, side by side.

Run: python benchmarks/attack_speed.py [--rows N] [--threads N]
"""

from __future__ import annotations

import argparse
import copy
import os
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers

from audit import seeds
from audit.candidates.folder import ModelFolder
from audit.candidates.predictions import Predictions
from audit.candidates.transformers import Reading, TextClassifier
from audit.checks.robustness import _scheduler, _textattack
from audit.datasets import Columns
from audit.datasets.reading import read
from audit.finetune.base import base_folder
from audit.finetune.fine_tuning import TEXT_CLASSIFICATION
from audit.policy.schema import FineTune
from audit.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.datasets import Dataset

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".audit" / "attack-speed"
MANY = 64
"""Rows of the second measurement of ours: as many attacks as run at once in an audit."""


def complaints(role: str) -> Dataset:
    """A file of the bundled example."""
    path = ROOT / "fixtures" / "complaints" / f"{role}.parquet"
    return read(role, path, Columns(id="id", text="text", label="label"))


def tuned() -> tuple[Path, tuple[str, ...]]:
    """MiniLM after one epoch, from the cache where it was made before."""
    spec = FineTune(base="minilm", epochs=1, learning_rate=1e-4)
    folder, record = TEXT_CLASSIFICATION.fine_tune(
        spec, base_folder("minilm"), complaints("train"), None, seed=1, cache=CACHE, progress=Silent()
    )
    return folder, record.classes


def theirs(folder: Path, tokens_of: Path, pairs: Sequence[tuple[str, int]]) -> list[_textattack.Outcome]:
    """One attack after the other through HuggingFaceModelWrapper, which pads each text to the longest that the tokenizer takes."""
    from textattack.goal_function_results import GoalFunctionResultStatus
    from textattack.models.wrappers import HuggingFaceModelWrapper

    tokenizer: Any = transformers.AutoTokenizer
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    recipe = copy.deepcopy(_textattack.load().recipe)
    recipe.goal_function.model = HuggingFaceModelWrapper(model, tokenizer.from_pretrained(tokens_of))
    found = []
    for number, pair in enumerate(pairs):
        with stream(number).installed():
            result: Any = recipe.attack(*pair).perturbed_result
        broken = result.goal_status == GoalFunctionResultStatus.SUCCEEDED
        tried = result.attacked_text.text != pair[0]
        found.append(
            _textattack.Outcome(result.attacked_text.text, int(result.output), broken=broken, tried=tried, queries=result.num_queries)
        )
    return found


def ours(model: TextClassifier, pairs: Sequence[tuple[str, int]]) -> list[_textattack.Outcome]:
    """All in lockstep, through the candidate; its memory starts empty."""
    jobs = [_scheduler.Job(partial(_textattack.load().deepwordbug, *pair), stream(number)) for number, pair in enumerate(pairs)]
    return _scheduler.run(jobs, _scheduler.asking(Predictions(model)))


def stream(number: int) -> seeds.GlobalStream:
    """The random stream of one row, the same on both sides."""
    return seeds.GlobalStream(seeds.words(0, str(number)))


def timed(name: str, work: Callable[[], list[_textattack.Outcome]]) -> tuple[tuple[float, float], list[_textattack.Outcome]]:
    """Queries a second by the clock and by the processor, printed, and the outcomes."""
    start, worked = time.perf_counter(), time.process_time()
    found = work()
    seconds, worked = time.perf_counter() - start, time.process_time() - worked
    queries = sum(one.queries for one in found)
    print(f"{name:<36}{len(found):>6}{queries:>10,}{seconds:>10.1f}{worked:>14.1f}{queries / seconds:>12.1f}")
    return (queries / seconds, queries / worked), found


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=6, help="rows attacked on both sides")
    options.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    warnings.simplefilter("ignore")
    _textattack.load()
    folder, classes = tuned()
    test = complaints("test")
    pairs = list(zip(test.texts(), [classes.index(label) for label in test.labels("label")], strict=True))
    right = model(folder, classes).score_texts([text for text, _ in pairs[: 4 * MANY]]).argmax(axis=1)
    pairs = [pair for pair, predicted in zip(pairs, right, strict=False) if pair[1] == predicted]
    print(f"{'':<36}{'rows':>6}{'queries':>10}{'seconds':>10}{'CPU seconds':>14}{'queries/s':>12}    ({chosen.threads} threads)")
    some = pairs[: chosen.rows]
    usual, _ = timed("textattack, tokenizer as published", partial(theirs, folder, base_folder("minilm"), some))
    short, expected = timed("textattack, tokenizer cut to 128", partial(theirs, folder, folder, some))
    _, found = timed("audit, the same rows", lambda: ours(model(folder, classes), some))
    fast, _ = timed(f"audit, {MANY} rows", lambda: ours(model(folder, classes), pairs[:MANY]))
    same = sum(one == other for one, other in zip(found, expected, strict=True))
    for name, ratio in (
        ("clock", [fast[0] / each[0] for each in (usual, short)]),
        ("processor", [fast[1] / each[1] for each in (usual, short)]),
    ):
        print(f"ratio by the {name}: {ratio[0]:.1f}, against the cut tokenizer {ratio[1]:.1f}")
    print(f"{same} of {len(expected)} attacks end with the same text, class and number of queries")


def model(folder: Path, classes: tuple[str, ...]) -> TextClassifier:
    """The candidate, which remembers nothing yet."""
    fresh = TextClassifier(ModelFolder(folder), classes, reading=Reading(max_length=128))
    fresh.score_texts(["warm up"])
    return fresh


if __name__ == "__main__":
    main()
