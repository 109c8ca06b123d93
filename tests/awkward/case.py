"""What an awkward input is: files, commands, the exit codes that are right, and what the output must say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUN = ("run", "policy.yaml", "-o", "out")


@dataclass(frozen=True, slots=True)
class Case:
    """One awkward input. `make` writes its files into an empty folder."""

    name: str
    make: Callable[[Path], object]
    code: int
    says: str = ""
    """A regular expression that the output of the command matches."""
    command: tuple[str, ...] = RUN
    attacks: bool = False
    """Whether it needs the extra `attacks`."""


def check(check_id: str, data: str, *more: str) -> tuple[str, ...]:
    """The command that runs one check on a file."""
    return ("check", check_id, "--data", data, *more)


def answers(rows: int = 600, right: float = 0.95, seed: int = 1) -> pd.DataFrame:
    """Ids, labels 0 and 1, and predictions that are right at a given rate."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    hit = rng.permutation(np.arange(rows) < round(right * rows))
    return pd.DataFrame({"id": [f"r{row}" for row in range(rows)], "label": label, "prediction": np.where(hit, label, 1 - label)})


def policy(folder: Path, *require: dict[str, Any], **changed: Any) -> None:
    """Write policy.yaml: saved predictions in test.csv, unless changed. A value of None takes its key away."""
    made: dict[str, Any] = {
        "policy": "awkward",
        "seed": 1,
        "datasets": {"test": {"path": "test.csv"}},
        "columns": {"id": "id", "label": "label", "prediction": "prediction", "positive": 1},
        "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
        "require": list(require) or [{"check": "performance/accuracy", "min": 0.85}],
    } | changed
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, allow_unicode=True, sort_keys=False), encoding="utf-8")


def saved(folder: Path, frame: pd.DataFrame, *require: dict[str, Any], **changed: Any) -> None:
    """Write test.csv and a policy over its saved predictions."""
    frame.to_csv(folder / "test.csv", index=False)
    roles = {"id": "id", "label": "label", "prediction": "prediction", "positive": 1}
    there = {role: column for role, column in roles.items() if role == "positive" or column in frame.columns}
    policy(folder, *require, **({"columns": there} | changed))
