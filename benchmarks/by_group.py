"""Metrics by sensitive columns with an interval each: through the checks of the catalogue, and through fairlearn's `MetricFrame`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit import seeds
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.catalog import discover
from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from audit.evidence import Pair, Slice
from audit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.evidence import Evidence

ALPHA = 0.025
"""Error level of each end."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A classified sample with sensitive columns."""

    y_true: NDArray[np.bool_]
    y_pred: NDArray[np.bool_]
    columns: Mapping[str, NDArray[np.str_]]


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of each group: the check whose members or groups show it, and its function on either side."""

    check: str
    params: Mapping[str, object] = field(default_factory=dict)


METRICS: dict[str, Metric] = {
    "accuracy": Metric("performance/accuracy"),
    "balanced_accuracy": Metric("performance/balanced_accuracy"),
    "recall": Metric("performance/recall"),
    "f1": Metric("performance/f1"),
    "f2": Metric("performance/fbeta", {"beta": 2.0}),
    "matthews_correlation": Metric("performance/matthews_correlation"),
    "cohen_kappa": Metric("performance/cohen_kappa"),
    "precision": Metric("fairness/predictive_parity_difference"),
    "selection_rate": Metric("fairness/demographic_parity_difference"),
    "true_positive_rate": Metric("fairness/equal_opportunity_difference"),
    "false_positive_rate": Metric("fairness/false_positive_rate_difference"),
    "false_negative_rate": Metric("fairness/false_negative_rate_difference"),
}
"""Those of fairness show the gaps of every ordered pair of groups besides."""


def functions() -> dict[str, Callable[..., float]]:
    """The same by scikit-learn and fairlearn."""
    import fairlearn.metrics as fl
    import sklearn.metrics as sk

    return {
        "accuracy": sk.accuracy_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
        "recall": sk.recall_score,
        "f1": sk.f1_score,
        "f2": lambda y_true, y_pred: float(sk.fbeta_score(y_true, y_pred, beta=2)),
        "matthews_correlation": sk.matthews_corrcoef,
        "cohen_kappa": sk.cohen_kappa_score,
        "precision": sk.precision_score,
        "selection_rate": fl.selection_rate,
        "true_positive_rate": fl.true_positive_rate,
        "false_positive_rate": fl.false_positive_rate,
        "false_negative_rate": fl.false_negative_rate,
    }


def theirs(rows: Rows, family: Sequence[str], *, metrics: Sequence[str], boot: int) -> Any:
    """A frame of fairlearn with percentile intervals."""
    import pandas as pd
    from fairlearn.metrics import MetricFrame

    known = functions()
    return MetricFrame(
        metrics={name: known[name] for name in metrics},
        y_true=rows.y_true.astype(int),
        y_pred=rows.y_pred.astype(int),
        sensitive_features=pd.DataFrame(rows.columns)[list(family)],
        n_boot=boot,
        ci_quantiles=[ALPHA, 1 - ALPHA],
        random_state=1,
    )


def ours(rows: Rows, families: Sequence[tuple[str, ...]], *, metrics: Sequence[str]) -> dict[str, Evidence]:
    """Each metric's evidence, from the bare table on."""
    import pandas as pd

    frame = pd.DataFrame(rows.columns).assign(label=rows.y_true.astype(int), prediction=rows.y_pred.astype(int))
    data = Dataset("test", "-", InMemory(frame), Columns(label="label", prediction="prediction"), "drawn")  # type: ignore[arg-type]  # never read
    subject = Subject(data=data, predicted=Predictions(SavedPredictions({"test": data})), datasets={"test": data}, by=tuple(families))
    found: dict[str, Evidence] = {}
    for name in metrics:
        asked = METRICS[name]
        check = discover()[asked.check]
        found[name] = check.measure(subject, check.params.model_validate(asked.params), seeds.stream(1, asked.check))
    return found


def intervals(found: Mapping[str, Evidence]) -> int:
    """How many there are, each reckoned once: of every group, and of every ordered pair where the check compares them."""
    return len([one.estimate.bounds(ALPHA, ALPHA) for evidence in found.values() for one in (*evidence.members, *evidence.context)])


def largest_difference(found: Mapping[str, Evidence], references: Sequence[Any]) -> float:
    """Between the values of both: of every group, and of the largest gap of each frame where the check compares."""
    away = [0.0]
    for name, evidence in found.items():
        groups = {one.name.items: one.estimate.value for one in (*evidence.members, *evidence.context) if isinstance(one.name, Slice)}
        for reference in references:
            columns = tuple(reference.by_group.index.names)
            told = {
                tuple(value for _, value in items): value for items, value in groups.items() if tuple(key for key, _ in items) == columns
            }
            expected = {key if isinstance(key, tuple) else (key,): float(value) for key, value in reference.by_group[name].items()}
            if told.keys() != expected.keys():
                msg = f"{name}: groups {sorted(told)} against {sorted(expected)}"
                raise ValueError(msg)
            away += [abs(told[key] - expected[key]) for key in expected]
            if gaps := _gaps(evidence, columns):
                away.append(abs(max(gaps) - float(reference.difference()[name])))
    return max(away)


def _gaps(evidence: Evidence, columns: tuple[str, ...]) -> list[float]:
    pairs = [(one.name, one.estimate.value) for one in evidence.members if isinstance(one.name, Pair)]
    return [value for pair, value in pairs if tuple(key for key, _ in pair.first.items) == columns]
