"""What tests of checks share: a subject made from a table, and the interval unplugged."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, get_args

from audit.candidates.capabilities import Capability, Training
from audit.candidates.predictions import Predictions
from audit.datasets.column_store import Texts
from audit.testing import dataset, measure, subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates import Candidate, Outputs
    from audit.candidates.capabilities import TrainingRecord


__all__ = ["OWN", "SETTINGS", "USE", "dataset", "labels", "measure", "offers", "scores_of", "subject", "trained"]

OWN = "def right(y_true, y_pred):\n    return (y_true == y_pred).astype(float)\n"
"""A function of a project's own."""
USE = "{source: a test, measured: {since: 2026-01-01, until: 2026-01-31}, expires: 2999-12-31, overrides: {n: 400, overridden: 4}}\n"
"""A file of evidence from use."""
SETTINGS: dict[str, dict[str, Any]] = {
    "performance/fbeta": {"beta": 2.0},
    "performance/top_k_accuracy": {"k": 1},
    "performance/estimated": {"columns": []},
    "performance/custom": {"function": "measure:right", "sha256": hashlib.sha256(OWN.encode()).hexdigest(), "lowest": 0, "highest": 1},
    "fairness/subgroup_auc": {"by": ["group"]},
    "online/declared": {"file": "use.yaml", "kind": "overrides"},
    "drift/new_categories": {"columns": ["group"]},
    "finetuning/knowledge_retention": {"k": 3},
    "fairness/counterfactual_identity": {"terms": {"writer": {"customer": ["customer"], "client": ["client"]}}},
    "fairness/inherited_bias": {
        "templates": ["{}"],
        "tests": {
            "calls": {
                "targets": {"house": ["heater", "valve"], "post": ["invoice", "parcel"]},
                "attributes": {"alarm": ["smoke", "leaking"], "calm": ["thank", "order"]},
            }
        },
    },
}
"""What some checks need said: a weight without default, a file, a list shorter than both classes, words of the example's texts."""


def scores_of(candidate: Candidate, texts: Sequence[str]) -> NDArray[np.float64]:
    """(len(texts), k) a candidate's probabilities of new texts."""
    probabilities = Predictions(candidate).answer(Texts.of(texts)).probabilities
    assert probabilities is not None
    return probabilities


def trained(candidate: Candidate) -> TrainingRecord | None:
    """How a candidate was fine-tuned."""
    training = candidate.get(Training)
    return None if training is None else training.record


def offers(candidate: Candidate) -> set[type]:
    """The types of all that a candidate can do."""
    return {capability for capability in get_args(Capability) if candidate.get(capability) is not None}


def labels(outputs: Outputs) -> NDArray[np.object_]:
    """(n,) the labels that a classifier gave."""
    assert outputs.labels is not None
    return outputs.labels
