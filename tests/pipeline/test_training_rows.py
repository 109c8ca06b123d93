"""Rows that trained the candidate are known by what they hold, wherever they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.pipeline import training_rows
from audit.policy.schema import Policy
from tests.support import dataset

if TYPE_CHECKING:
    from audit.datasets import Dataset

TUNE = {"base": "tiny", "validation": "held"}
ACCURACY = {"check": "performance/accuracy", "min": 0.5}


def policy(roles: Any, require: Any = (ACCURACY,), **candidate: Any) -> Policy:
    declared = {role: {"path": f"{role}.csv"} for role in roles}
    candidate = {"task": "text-classification"} | (candidate or {"load": {"kind": "predictions"}})
    given = {"policy": "p", "datasets": declared, "candidate": candidate, "require": [{"id": one["check"], **one} for one in require]}
    return Policy.model_validate(given)


def texts(rows: int, seed: int, words: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    said = [" ".join(f"w{word}" for word in rng.integers(0, words, 6)) for _ in range(rows)]
    return pd.DataFrame({"text": said, "label": rng.choice(["a", "b"], rows)})


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": rng.integers(18, 90, rows), "region": rng.choice(list("nesw"), rows), "pay": rng.integers(10, 99, rows)})
    return frame.assign(label=rng.integers(0, 2, rows))


def found(test: pd.DataFrame, train: pd.DataFrame, role: str = "train", **candidate: Any) -> training_rows.TrainingRows:
    datasets = {"test": dataset(test, "test"), role: dataset(train, role)}
    return training_rows.find(policy(datasets, **candidate), datasets)


def test_to_measure_on_the_training_set_bars_promotion() -> None:
    """Only where the check is required, and is about the model."""
    require = [
        ACCURACY | {"id": role, "on": role, "enforce": enforce}
        for role, enforce in (("train", "required"), ("held", "required"), ("test", "required"), ("train", "advisory"))
    ]
    require.append({"check": "data/duplicates", "id": "d", "on": "train", "max": 0})
    said = training_rows.find(policy(("train", "held", "test"), require, fine_tune=TUNE), {}).blocking
    assert [(reason.rule, reason.finding) for reason in said] == [("trained-on", "train"), ("trained-on", "held")]
    assert said[0].text == "train, measured on rows that it was trained on, proves nothing."


@pytest.mark.parametrize("frame", [texts(80, 1), table(80, 1)], ids=["texts", "table"])
@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame,
        lambda frame: frame[::-1],
        lambda frame: frame.sample(frac=1, random_state=3).assign(nr=np.arange(len(frame)) + 7, note="x"),
        lambda frame: frame.assign(label="z"),
        lambda frame: pd.concat([frame, frame.iloc[:5]]),
        lambda frame: frame.iloc[: len(frame) // 2],
        lambda frame: frame.astype(dict.fromkeys(frame.columns, str)),
    ],
    ids=["same", "reversed", "shuffled with more columns", "relabelled", "more rows", "half of them", "as text"],
)
def test_test_rows_are_known_by_content(frame: pd.DataFrame, change: Any) -> None:
    """In any order, beside other columns and rows, under the name of a training or a validation set."""
    (reason,) = found(frame, change(frame)).blocking
    assert reason.text.startswith("performance/accuracy, measured on rows that it was trained on, proves nothing: ")
    (chosen,) = found(frame, change(frame), "held", fine_tune=TUNE | {"on": "elsewhere"}).blocking
    assert "measured on rows that chose its checkpoint" in chosen.text
    assert found(frame, change(frame), "validation").blocking


def test_what_is_told() -> None:
    frame = texts(80, 1)
    assert found(frame, frame[::-1]).blocking[0].text.endswith("nothing: datasets.train holds the same rows as datasets.test.")
    mixed = pd.concat([frame.iloc[:20], texts(200, 2)])
    assert found(frame, mixed).blocking[0].text.endswith("20 of the 80 rows of datasets.test stand in datasets.train too (by text).")
    few = found(texts(800, 1), pd.concat([texts(800, 1).iloc[:40], texts(900, 2)]))
    assert few.blocking == ()
    assert few.remarks[0].text.startswith(
        "40 of the 800 rows of datasets.test stand in datasets.train too (by text): data/train_test_leakage"
    )


@pytest.mark.parametrize("frames", [(texts(80, 1), texts(80, 2)), (table(300, 1), table(500, 2)), (texts(200, 1, 2), texts(400, 2, 2))])
def test_rows_that_agree_by_chance_bar_nothing(frames: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """Two words make 64 texts, which stand in both sets."""
    assert found(*frames) == training_rows.TrainingRows((), ())


def test_coarse_tables_of_the_same_rows_are_known_by_their_counts() -> None:
    rng = np.random.default_rng(0)
    frame, other = (pd.DataFrame(rng.integers(0, 2, (300, 3)), columns=["a", "b", "label"]) for _ in range(2))
    assert found(frame, frame.sample(frac=1, random_state=1)).blocking
    assert not found(frame, other).blocking


def test_without_text_and_features_the_rows_are_known_by_all_else() -> None:
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(60)], "label": [0, 1, 1] * 20, "prediction": [0, 1, 0] * 20})
    assert found(frame, frame[::-1]).blocking
    assert not found(frame, frame.assign(id=[f"q{i}" for i in range(60)])).blocking


def test_the_same_file_is_the_same_rows_and_smoke_runs_see_it() -> None:
    def read(role: str, frame: pd.DataFrame) -> Dataset:
        return replace(dataset(frame, role), sha256="same")

    frame = pd.DataFrame({"label": [0, 1] * 40, "prediction": [0, 1] * 40})
    datasets = {role: read(role, frame).head(10) for role in ("train", "test")}
    assert training_rows.find(policy(datasets), datasets).blocking


def test_a_hundred_thousand_rows_are_held_against_as_many() -> None:
    frame = table(100_000, 1).assign(x=np.arange(100_000) % 977 / 7)
    assert found(frame, frame.sample(frac=1, random_state=1)).blocking
