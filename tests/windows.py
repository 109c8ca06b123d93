"""Windows of production data and a policy over them, for tests of `audit monitor`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from audit.ledger import Ledger
from tests.command import audit

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

FIRST = date(2025, 3, 1)
"""Day of the first window."""
ACCURACY = {"check": "performance/accuracy", "on": "production", "min": 0.8}
DRIFT = {"check": "drift/psi", "on": "production", "reference": "test", "by": ["x"], "max": 0.25}


def rows(day: date | str, n: int = 60, *, right: float = 0.9, seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    """Rows of one day: predictions that are right at a given rate, exactly, and a feature."""
    rng = np.random.default_rng([seed, *str(day).encode()])
    label = rng.integers(0, 2, n)
    hit = rng.permutation(np.arange(n) < round(right * n))
    return pd.DataFrame(
        {
            "id": [f"{day}-{seed}-{row}" for row in range(n)],
            "at": [f"{day}T{row % 24:02d}:30:00" for row in range(n)],
            "label": label,
            "prediction": np.where(hit, label, 1 - label),
            "x": rng.normal(shift, size=n),
        }
    )


def unlabelled(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows before their labels have come."""
    return frame.drop(columns="label")


def day(number: int) -> date:
    """Of the window of that number, from 0."""
    return FIRST + timedelta(days=number)


def today() -> date:
    return datetime.now(UTC).date()


def policy(*require: dict[str, Any], monitor: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "policy": "letters",
        "version": 3,
        "seed": 5,
        "datasets": {"test": {"path": "test.csv"}, "production": {"path": "production.csv"}},
        "columns": {"id": "id", "label": "label", "prediction": "prediction", "time": "at"},
        "candidate": {"task": "tabular-classification", "version": "1.0.0", "load": {"kind": "predictions"}},
        "require": list(require) or [ACCURACY],
        "monitor": monitor or {},
    } | changed


class Project:
    """A folder with a policy, its test set and windows."""

    def __init__(self, folder: Path, made: dict[str, Any]) -> None:
        self.folder = folder
        rows("2025-01-01", 400, seed=9).to_csv(folder / "test.csv", index=False)
        self.write(made)

    def write(self, made: dict[str, Any]) -> None:
        """The policy, anew."""
        (self.folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")

    def monitor(self, *frames: pd.DataFrame, workers: int = 0) -> subprocess.CompletedProcess[str]:
        """The command on one file with these rows."""
        pd.concat(frames).to_csv(self.folder / "window.csv", index=False)
        return self.command(workers=workers)

    def command(self, *, workers: int = 0) -> subprocess.CompletedProcess[str]:
        """The command on the file that is there."""
        cache = str(self.folder / "cache")
        return audit("monitor", "policy.yaml", "--window", "window.csv", cwd=self.folder, workers=workers, AUDIT_CACHE=cache)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.folder / "reports" / "ledger.sqlite")

    def entries(self) -> list[dict[str, Any]]:
        """What the ledger says of windows, whole."""
        return [one.whole() for one in self.ledger.verified() if one.kind == "window"]

    def results(self) -> dict[str, Any]:
        """Of the newest window."""
        found: dict[str, Any] = json.loads((self.folder / "reports" / self.entries()[-1]["run"] / "results.json").read_text())
        return found
