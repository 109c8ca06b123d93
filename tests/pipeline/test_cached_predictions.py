"""A second run with the same cache uses no answer to rows that it reads in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.errors import PolicyError
from tests.pipeline.in_process import audited
from tests.running import policy

if TYPE_CHECKING:
    from pathlib import Path

    from audit.record import AuditRun

ROWS = 60
WORDS = ("a", "1", "1,5", "é")
"""The model takes rows with one of these for `yes` and every other row for `no`."""


def save_model(folder: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from skops import io as skops

    x = np.array([*WORDS, *"bcdefghijk"], dtype=object)
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression(C=1e4))
    model.fit(pd.DataFrame({"x": x}), np.where(np.isin(x, WORDS), "yes", "no"))
    skops.dump(model, folder / "model.skops")


def write_rows(folder: Path, cells: tuple[str, str], labels: tuple[str, str]) -> None:
    rows = [f"{cells[i % 2]};{labels[i % 2]}" for i in range(ROWS)]
    (folder / "test.csv").write_text("\n".join(["x;label", *rows]) + "\n", encoding="cp1252")


def reading(keys: dict[str, Any], label_map: dict[str, str] | None = None) -> dict[str, Any]:
    return policy(
        {"check": "performance/accuracy", "min": 0.5},
        datasets={"test": {"path": "test.csv", **keys}},
        columns={"label": "label", "features": ["x"]},
        candidate={"task": "tabular-classification", "load": {"kind": "sklearn", "path": "model.skops"}},
        labels={"map": label_map or {}},
    )


def accuracy(run: AuditRun) -> float:
    headline = run.findings[0].headline
    assert headline is not None
    return headline.value


def entries(cache: Path) -> int:
    return len(list((cache / "predictions").glob("*.npz")))


@pytest.mark.parametrize(
    ("cells", "first", "second", "value"),
    [
        pytest.param(("a", "b"), {}, {"missing": ["a"]}, 0.5, id="missing"),
        pytest.param(("é", "b"), {"encoding": "cp1252"}, {"encoding": "cp437"}, 0.5, id="encoding"),
        pytest.param(("a", "b"), {}, {"separator": ";"}, 1.0, id="separator"),  # no file has the same columns under two separators
        pytest.param(("1", "2"), {"types": {"x": "category"}}, {"types": {"x": "number"}}, None, id="types"),
        pytest.param(("1,5", "2,5"), {"decimal": "."}, {"decimal": ","}, None, id="decimal"),
    ],
)
def test_other_reading_keys(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cells: tuple[str, str],
    first: dict[str, Any],
    second: dict[str, Any],
    value: float | None,
) -> None:
    """With the first keys the model knows the word in every second row; the second ones hide it, or make numbers that the model refuses."""
    save_model(tmp_path)
    write_rows(tmp_path, cells, ("yes", "no"))
    assert accuracy(audited(tmp_path, monkeypatch, reading(first))) == 1.0
    if value is None:
        with pytest.raises(PolicyError, match="predict refuses these rows"):
            audited(tmp_path, monkeypatch, reading(second))
    else:
        assert accuracy(audited(tmp_path, monkeypatch, reading(second))) == value
    kept = entries(tmp_path / "cache")
    assert kept == (1 if value is None else 2)
    assert accuracy(audited(tmp_path, monkeypatch, reading(first))) == 1.0
    assert entries(tmp_path / "cache") == kept


def test_another_label_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both maps give the model the same two classes, the other way round."""
    save_model(tmp_path)
    write_rows(tmp_path, ("a", "b"), ("good", "bad"))
    for good, bad, value in (("yes", "no", 1.0), ("no", "yes", 0.0), ("yes", "no", 1.0)):
        assert accuracy(audited(tmp_path, monkeypatch, reading({}, {good: "good", bad: "bad"}))) == value
