"""Every example that the catalogue's page shows is a requirement that `audit validate` takes, and one that measures something."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions, SavedValues
from audit.catalog import discover
from audit.datasets import Columns
from audit.phrases import message
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline import judging
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from audit.check import Check

PAGE = Path(__file__).parents[1] / "docs" / "checks.md"
BUILT = ("text-classification", "tabular-classification", "tabular-regression")
ASKING = frozenset({"base", "model", "embeddings"})
"""Needs that saved predictions do not meet."""


def examples() -> dict[str, list[Any]]:
    """By check, the requirements that its section shows."""
    sections = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        section.split("\n", 1)[0]: [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)]
        for section in sections
    }


def tasks(check: Check) -> list[str]:
    return [task for task in BUILT if check.tasks is None or task in check.tasks]


CASES = [(check_id, task) for check_id, check in discover().items() for task in tasks(check)]


def policy(task: str, check: Check, require: list[Any]) -> dict[str, Any]:
    columns = {"id": "id", "label": "label", "prediction": "prediction", "sensitive": ["gender"]}
    if task == "text-classification" or "text" in check.needs:
        columns |= {"text": "text"}
    if task != "text-classification":
        columns |= {"features": ["age"]}
    if task not in REGRESSION:
        columns |= {"positive": "1", "score": "score"}
    made: Any = {"load": {"kind": "predictions"}}
    params = check.params.model_validate({key: value for key, value in require[0].items() if key in check.params.model_fields})
    if not check.needs_of(Columns.model_validate(columns), params).isdisjoint(ASKING):
        del columns["prediction"], columns["score"]
        made = {"load": {"kind": "sklearn", "path": "model.skops"}}
        if task == "text-classification":
            made = {"fine_tune": {"base": "minilm", "on": "train"}}
    return {
        "policy": "example",
        "version": 1,
        "seed": 1,
        "datasets": {"train": {"path": "train.csv"}, "test": {"path": "test.csv"}},
        "columns": columns,
        "candidate": {"task": task} | made,
        "require": require,
    }


@pytest.mark.parametrize(("check_id", "task"), CASES)
def test_every_example_is_taken(tmp_path: Path, check_id: str, task: str) -> None:
    (require,) = examples()[check_id]
    check = discover()[check_id]
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy(task, check, require)))
    loaded = load_policy(tmp_path / "policy.yaml")
    assert [one.check for one in loaded.policy.require] == [check_id]


def frame(task: str, seed: int) -> pd.DataFrame:
    """Rows of two groups, mostly told rightly."""
    rng, n = np.random.default_rng(seed), 600
    made = pd.DataFrame({"id": np.arange(n) + n * seed, "gender": rng.choice(["f", "m"], n), "age": rng.normal(40, 9, n)})
    said = rng.choice(["a gay man", "a muslim woman", "the clerk", "my bank"], n)
    made["text"] = [
        f"{who} wrote letter {i} of {seed} in {word}" for i, (who, word) in enumerate(zip(said, rng.permutation(n), strict=True))
    ]
    if task in REGRESSION:
        label = rng.normal(0, 1, n)
        return made.assign(label=label, prediction=label + rng.normal(0, 0.2, n))
    score = rng.beta(0.5, 0.5, n)
    return made.assign(label=(rng.random(n) < score).astype(int), prediction=(score > 0.5).astype(int), score=score)


UNSERVED = {
    ("performance/custom", "text-classification"): "a function that the reader writes",
    ("performance/custom", "tabular-classification"): "a function that the reader writes",
    ("performance/custom", "tabular-regression"): "a function that the reader writes",
    ("performance/decay", "tabular-regression"): "errors without an end, for which the reader names one",
    **{("online/declared", task): "a file that people write" for task in BUILT},
    ("performance/top_k_accuracy", "text-classification"): "two classes have no list of two",
    ("performance/top_k_accuracy", "tabular-classification"): "two classes have no list of two",
    ("drift/mmd", "text-classification"): "texts that a model must embed",
    ("drift/embedding_drift", "text-classification"): "texts that a model must embed",
    ("drift/new_categories", "tabular-classification"): "their features are numbers",
    ("drift/new_categories", "tabular-regression"): "their features are numbers",
}
"""Examples that these rows and saved predictions cannot serve, and why."""


@pytest.mark.full
@pytest.mark.parametrize(
    ("check_id", "task"), [case for case in CASES if case not in UNSERVED and discover()[case[0]].needs.isdisjoint(ASKING)]
)
def test_every_example_measures_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check_id: str, task: str) -> None:
    """Not one that is refused once the data are there."""
    monkeypatch.chdir(tmp_path)
    (require,) = examples()[check_id]
    for seed, role in enumerate(("train", "test")):
        frame(task, seed).to_csv(f"{role}.csv", index=False)
    Path("policy.yaml").write_text(yaml.safe_dump(policy(task, discover()[check_id], require)))
    loaded = load_policy(Path("policy.yaml"))
    datasets = read_datasets(loaded)
    candidate = SavedValues(datasets) if task in REGRESSION else SavedPredictions(datasets)
    (found,) = judging.findings(pipeline_jobs.jobs(loaded, datasets, Predictions(candidate)))
    assert found.status in {"pass", "fail", "inconclusive"}, message(found)
    assert found.headline is not None, message(found)
