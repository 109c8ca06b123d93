"""What tests of promotions share: a small fitted model in a file, a policy over it, its run, and the signatures of its quorum."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.registry import Version
from audit.registry.interface import File
from tests import signing

if TYPE_CHECKING:
    from pathlib import Path

GOOD, OTHER, BAD = 1.0, 0.5, -1.0
"""Weights of the feature that decides: two models that pass, and one that is wrong nearly always."""
NAME = "small"
CANDIDATE = {"task": "tabular-classification", "load": {"kind": "sklearn", "path": "model.skops"}}


def model(folder: Path, weight: float = GOOD) -> Path:
    """A fitted classifier of two features, in the format of skops."""
    (folder / "model.skops").write_bytes(_file(weight))
    return folder / "model.skops"


@cache
def _file(weight: float) -> bytes:
    """Once for all: the format holds the time at which it was written."""
    from sklearn.linear_model import LogisticRegression
    from skops import io as skops

    fitted = LogisticRegression().fit(pd.DataFrame({"a": [-1.0, 1.0, -2.0, 2.0], "b": [0.0, 1.0, 1.0, 0.0]}), [0, 1, 0, 1])
    fitted.coef_ = np.array([[weight, 0.0]])
    fitted.intercept_ = np.array([0.0])
    return bytes(skops.dumps(fitted))


def rows(folder: Path) -> None:
    """The labelled rows of its test set."""
    rng = np.random.default_rng(3)
    made = pd.DataFrame({"id": range(600), "a": rng.normal(size=600), "b": rng.normal(size=600)})
    made.assign(label=(made["a"] + rng.normal(scale=0.3, size=600) > 0).astype(int)).to_csv(folder / "test.csv", index=False)


def policy(**changed: Any) -> dict[str, Any]:
    """One requirement, which models of positive weight pass."""
    of_model: dict[str, Any] = {"columns": {"id": "id", "label": "label", "features": ["a", "b"]}, "candidate": CANDIDATE}
    return signing.policy(signing.PASSING, **(of_model | changed))


def audited(folder: Path, weight: float = GOOD, **changed: Any) -> Path:
    """The bundle of a run over such a model."""
    rows(folder)
    model(folder, weight)
    return signing.audited(folder, policy(**changed))


def signed(folder: Path, weight: float = GOOD, **changed: Any) -> Path:
    """The same with the quorum of its tier."""
    bundle = audited(folder, weight, **changed)
    signing.sign(bundle, "Olga Owner", "owner")
    signing.sign(bundle, "Rita Reviewer", "independent-reviewer")
    return bundle


def version(move: str, content: bytes = b"weights", **changed: Any) -> Version:
    """A version of one file."""
    sha256 = hashlib.sha256(content).hexdigest()
    told = {
        "move": move,
        "replaces": None,
        "kind": "sklearn",
        "max_length": None,
        "candidate_sha256": sha256,
        "bundle_sha256": "ab" * 32,
        "run": "r",
        "policy": NAME,
        "policy_sha256": "cd" * 32,
        "decision": "promote",
        "valid_until": None,
        "files": (File(name="model.skops", sha256=sha256, size=len(content)),),
    }
    return Version.model_validate(told | changed)
