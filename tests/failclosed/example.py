"""A small policy for any check of the catalogue, made from what the check says of itself; without a fault it promotes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import yaml

from audit.tasks import REGRESSION
from tests.support import OWN, SETTINGS, USE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.check import Check

ROWS = 400
ERRING = frozenset({"fairness/equalized_odds_ratio"})
"""Checks that a model without a false alarm leaves without an answer."""
CALM = ("thank you for the kind help", "please send the invoice again", "where can i see my order", "the parcel came on time")
URGENT = ("smoke comes out of the heater", "my child swallowed a part", "someone is in my account now", "the gas valve is leaking")

ANSWERS: dict[bool, dict[str, object]] = {
    False: {"check": "performance/accuracy", "id": "answers", "min": 0.3},
    True: {"check": "performance/mean_absolute_error", "id": "answers", "max": 3.0},
}
"""What a policy must ask of the model's own answers to promote, for classes and for numbers."""


def tables(folder: Path) -> None:
    """Test, training and production tables without any fault, in which nobody is real, a function of their own and evidence from use."""
    (folder / "measure.py").write_text(OWN, encoding="utf-8")
    (folder / "use.yaml").write_text(USE, encoding="utf-8")
    for seed, role in enumerate(("test", "train", "production")):
        rng = np.random.default_rng(seed)
        urgent = rng.permutation(np.arange(ROWS) % 2).astype(bool)
        words = [(URGENT if flag else CALM)[rng.integers(4)] for flag in urgent]
        score = np.clip(np.where(urgent, 0.9, 0.1) + rng.normal(0, 0.05, ROWS), 0.01, 0.99)
        pd.DataFrame(
            {
                "id": [f"{role}-{i}" for i in range(ROWS)],
                "text": [f"{text}, says customer {role} {_letters(i)}" for i, text in enumerate(words)],
                "label": np.where(urgent, "urgent", "routine"),
                "prediction": np.where(score > 0.5, "urgent", "routine"),
                "score": score,
                "old": np.where(urgent ^ (np.arange(ROWS) % 10 == 0), "urgent", "routine"),
                "group": rng.permutation(np.array(["a", "b"])[np.arange(ROWS) % 2]),
                "size": np.where(urgent, 3.0, -3.0) + rng.normal(0, 1, ROWS),
                "weight_kg": rng.normal(0, 1, ROWS),
            }
        ).assign(**_numbers(rng)).to_csv(folder / f"{role}.csv", index=False)


def _numbers(rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """A true number, one that a good model gives for it, and that of a worse one."""
    value = rng.normal(5, 2, ROWS)
    return {"value": value, "estimate": value + rng.normal(0, 0.5, ROWS), "old_estimate": value + rng.normal(0, 0.6, ROWS)}


def _letters(number: int) -> str:
    return "".join(chr(97 + (number // 26**place) % 26) for place in range(3))


def models(folder: Path) -> None:
    """A real text pipeline and a real tabular model, trained on the training table."""
    import skops.io
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train = pd.read_csv(folder / "train.csv")
    text = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(train["text"], train["label"])
    skops.io.dump(text, folder / "text.skops")
    table = LogisticRegression().fit(train[["size", "weight_kg"]], train["label"])
    skops.io.dump(table, folder / "table.skops")


def base(folder: Path) -> None:
    """A tiny BERT, for checks of what fine-tuning did."""
    from tests.tiny_bert import base as tiny

    words = (*URGENT, *CALM, "says customer", *(f"{role} {_letters(i)}" for role in ("test", "train", "production") for i in range(ROWS)))
    tiny(folder / "tiny", words)


def policy(check_id: str, check: Check, *, against: bool = False) -> str:
    """A policy with one requirement, bounded so generously that a sound check passes; `against` compares with a champion."""
    task = check.tasks[0] if check.tasks else "tabular-classification"
    numbers = task in REGRESSION
    text = task == "text-classification" or "text" in check.needs
    label = "old" if check_id.startswith("calibration/") else "label"  # one row in ten is labelled against its score of .9 or .1
    columns: dict[str, object] = {"id": "id", "label": label, "positive": "urgent"}
    columns |= {"text": "text"} if text else {"features": ["size", "weight_kg"]}
    candidate: dict[str, object] = {"load": {"kind": "predictions"}}
    if "base" in check.needs:
        tuned = {"base": "tiny", "on": "train", "epochs": 8, "patience": 8, "learning_rate": 0.003, "max_length": 24}
        candidate = {"fine_tune": tuned}
    elif "model" in check.needs:
        candidate = {"load": {"kind": "sklearn", "path": "text.skops" if text else "table.skops"}}
    else:
        columns |= {"prediction": "old"} if check_id in ERRING else {"prediction": "prediction", "score": "score"}
    if numbers:
        columns = {"id": "id", "label": "value", "prediction": "estimate", "features": ["size", "weight_kg"]}
    made = {
        "policy": "fail-closed",
        "seed": 1,
        "tier": 3,
        "system": {"purpose": "a test", "owner": {"contact": "nobody@example.org"}, "rollback_plan": "none"},
        "datasets": {
            role: {"path": f"{role}.csv", "source": "generated", "licence": "CC0-1.0"} for role in ("test", "train", "production")
        },
        "columns": columns,
        "candidate": {"task": task if numbers else "text-classification" if text else "tabular-classification", **candidate},
        "require": [_requirement(check_id, check), *([] if check.asks_the_model else [ANSWERS[numbers]])],
    }
    if against:
        made["champion"] = {"load": {"kind": "predictions"}, "columns": {"prediction": "old_estimate" if numbers else "old"}}
        made["require"] = [{"check": check_id, "severity": "high", "against": "champion", "margin": 0.2}]
    return yaml.safe_dump(made, sort_keys=False)


def _requirement(check_id: str, check: Check) -> dict[str, object]:
    made: dict[str, object] = {"check": check_id, "severity": "high"}
    span = check.highest - check.lowest
    margin = 0.001 if math.isfinite(span) else 0.0
    if check.better == "higher":
        made["min"] = check.lowest + margin * span if math.isfinite(check.lowest) else 0.1
    else:
        made["max"] = check.highest - margin * span if math.isfinite(check.highest) else 3.0
    if check.range_on is not None and "max" in made:
        made["max"] = 0.999  # of shares, and of two classes
    if check.by == "groups":
        made["by"] = ["group"]
    if "reference" in check.needs:
        made["reference"] = "production"
    if "examples" in check.params.model_fields:
        made["examples"] = 40
    made |= SETTINGS.get(check_id, {})
    return made
