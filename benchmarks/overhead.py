"""The overhead of an audit over its floor: the same training in a bare loop, and one batched forward pass over every text to be scored.

Run: python benchmarks/overhead.py [--policy policies/complaint-triage-clean.yaml]

Both sides are measured in this process after every import, with a cache that starts empty; then the same audit runs again
on the cache. Wall time and processor time are printed; other work on the machine does not lengthen the latter.
The bare loop takes the policy's hyperparameters, the audit's own batches and its validation after each epoch, and keeps no
record, no checkpoint and no state.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers

from audit import seeds
from audit.candidates.transformers import TextClassifier
from audit.checks.robustness import _textattack
from audit.finetune.base import base_folder
from audit.finetune.examples import held_out
from audit.finetune.loop import epoch_batches
from audit.pipeline import prepare
from audit.pipeline import run as pipeline_run
from audit.pipeline.compatibility import load_policy
from audit.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.policy.schema import FineTune

ROOT = Path(__file__).resolve().parents[1]


def _imports() -> None:
    """Whatever the checks import late, imported now."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    _textattack.load()
    for name in ("presidio_analyzer", "scipy.stats", "sklearn.linear_model", "sklearn.feature_extraction.text", "pyarrow.parquet"):
        importlib.import_module(name)


def _recorded(heard: set[str]) -> None:
    """Note every text that the candidate is asked to score."""
    run = TextClassifier._run  # noqa: SLF001  # the benchmark listens in where texts are new

    def noting(self: TextClassifier, texts: list[str], *given: Any) -> NDArray[np.float64]:
        heard.update(texts)
        return run(self, texts, *given)

    TextClassifier._run = noting  # type: ignore[assignment, method-assign]  # noqa: SLF001  # as above


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time and of processor time."""

    wall: float
    processor: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.processor + other.processor)


def _now() -> Cost:
    return Cost(time.perf_counter(), time.process_time())


def _since(started: Cost) -> Cost:
    return Cost(time.perf_counter() - started.wall, time.process_time() - started.processor)


def _audited(policy: Path, out: Path) -> Cost:
    started = _now()
    pipeline_run.audit_policy(policy, pipeline_run.Options(out, "benchmarks/overhead.py"), Silent())
    return _since(started)


def _bare(policy: Path, texts: Sequence[str]) -> tuple[Cost, Cost]:
    """What the bare training and the forward pass cost."""
    loaded = load_policy(policy)
    spec, data = loaded.policy.candidate.fine_tune, prepare.read_datasets(loaded)
    assert spec is not None  # noqa: S101  # the example fine-tunes
    train = data[spec.on]
    labels = [str(label) for label in train.labels(train.columns.label or "")]
    held = held_out(labels, None, float(spec.validation), seeds.stream(loaded.policy.seed, "fine-tune/validation"))
    started = _now()
    folder = base_folder(spec.base)
    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder)  # type: ignore[no-untyped-call]  # it has no types
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(set(labels)))
    _train(model, tokenizer, spec, list(zip(train.texts(), labels, held, strict=True)))
    trained, started = _since(started), _now()
    model.eval()
    _forward(model, tokenizer, texts, spec.max_length or tokenizer.model_max_length)
    return trained, _since(started)


def _train(model: Any, tokenizer: Any, spec: FineTune, examples: Sequence[tuple[str, str, bool]]) -> None:
    classes = sorted({label for _, label, _ in examples})
    kept = [(text, classes.index(label)) for text, label, held in examples if not held]
    validation = [text for text, _, held in examples if held]
    tokens = tokenizer([text for text, _ in kept], truncation=True, max_length=spec.max_length or tokenizer.model_max_length)
    lengths = [len(ids) for ids in tokens["input_ids"]]
    optimizer = torch.optim.AdamW(model.parameters(), lr=spec.learning_rate, weight_decay=spec.weight_decay, fused=True)
    for epoch in range(spec.epochs):
        model.train()
        for batch in epoch_batches(lengths, spec.batch_size, seeds.stream(0, f"bare-{epoch}")):
            rows = {key: [tokens[key][row] for row in batch] for key in ("input_ids", "attention_mask")}
            given = tokenizer.pad(rows, return_tensors="pt")
            loss = model(**given, labels=torch.tensor([kept[row][1] for row in batch])).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), spec.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        _forward(model, tokenizer, validation, spec.max_length or tokenizer.model_max_length)


def _forward(model: Any, tokenizer: Any, texts: Sequence[str], max_length: int) -> None:
    """Sorted by length, in batches of 64."""
    ordered = sorted(texts, key=len)
    with torch.inference_mode():
        for start in range(0, len(ordered), 64):
            model(**tokenizer(ordered[start : start + 64], truncation=True, max_length=max_length, padding=True, return_tensors="pt"))


def main() -> None:
    """The audit, the floor, the ratio, and the audit again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, default=Path("policies/complaint-triage-clean.yaml"))
    given = parser.parse_args()
    os.chdir(ROOT)
    _imports()
    texts: set[str] = set()
    _recorded(texts)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AUDIT_CACHE"] = f"{folder}/cache"
        audited = _audited(given.policy, Path(folder) / "out")
        again = _audited(given.policy, Path(folder) / "out")
        trained, passed = _bare(given.policy, sorted(texts))
    floor = trained + passed
    print(f"{len(texts):,} texts scored; {torch.get_num_threads()} threads")
    print(f"{'':<28}{'wall':>10}{'processor':>12}")
    rows = {"audit": audited, "floor: training": trained, "floor: one forward pass": passed, "audit again, on its cache": again}
    for name, cost in rows.items():
        print(f"{name:<28}{cost.wall:>8.1f} s{cost.processor:>10.1f} s")
    print(f"{'audit over floor':<28}{audited.wall / floor.wall:>10.2f}{audited.processor / floor.processor:>12.2f}")


if __name__ == "__main__":
    main()
