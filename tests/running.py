"""What tests of `audit run` share: a table, a policy over it, and the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from tests.command import audit

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

ROLES = {"id": "id", "label": "label", "prediction": "prediction"}


def table(rows: int = 1200, right: float = 0.9, seed: int = 3) -> pd.DataFrame:
    """Labels, predictions that are right at a given rate, and two groups."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    hit = np.arange(rows) < round(right * rows)
    prediction = np.where(rng.permutation(hit), label, 1 - label)
    group = rng.choice(np.array(["a", "b", None], dtype=object), rows, p=[0.5, 0.4, 0.1])
    return pd.DataFrame({"id": range(rows), "label": label, "prediction": prediction, "group": group})


def policy(*require: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "policy": "small",
        "version": 3,
        "seed": 5,
        "datasets": {"test": {"path": "test.csv"}},
        "columns": {"id": "id", "label": "label", "prediction": "prediction"},
        "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
        "require": list(require) or [{"check": "performance/accuracy", "min": 0.8}],
    } | changed


def run(
    folder: Path,
    made: dict[str, Any] | str,
    *more: str,
    out: str = "reports",
    command: Callable[..., subprocess.CompletedProcess[str]] = audit,
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any] | None]:
    """The command's outcome and the results of the bundle that it wrote."""
    if not (folder / "test.csv").exists():
        table().to_csv(folder / "test.csv", index=False)
    (folder / "policy.yaml").write_text(made if isinstance(made, str) else yaml.safe_dump(made, sort_keys=False))
    before = set((folder / out).glob("*/results.json"))
    done = command("run", "policy.yaml", "-o", out, *more, cwd=folder, AUDIT_CACHE=str(folder / "cache"))
    new = set((folder / out).glob("*/results.json")) - before
    return done, json.loads(new.pop().read_text()) if new else None


def refused(folder: Path, frame: pd.DataFrame, made: dict[str, Any], *more: str) -> str:
    """What is said of an input that cannot be used."""
    frame.to_csv(folder / "test.csv", index=False)
    done, results = run(folder, made, *more)
    assert (done.returncode, results) == (2, None), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
