"""NannyML's estimates beside realised performance, as JSON; run by `production_data --peer` with the interpreter that has nannyml.

Run: PYTHON benchmarks/peer_nannyml.py FOLDER

FOLDER holds california_housing's reference.csv.gz and analysis.csv.gz. The tutorials' data come with nannyml; tables of both are
written to the folder so that other tools can be run on the same rows.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import types
from pathlib import Path

import pandas as pd

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
if importlib.util.find_spec("statsmodels") is None:  # nannyml imports it for a plot that is not drawn here
    sys.modules["statsmodels"], sys.modules["statsmodels.api"] = types.ModuleType("statsmodels"), types.ModuleType("statsmodels.api")
    vars(sys.modules["statsmodels"])["api"] = sys.modules["statsmodels.api"]
if pd.__version__ >= "3":
    pd.options.future.infer_string = False  # nannyml 0.13 reshapes columns of text as arrays of objects
import nannyml  # type: ignore[import-not-found]  # it is installed where this script runs, apart from the project

SCORES = ["roc_auc", "accuracy", "f1"]


def rows(result: pd.DataFrame, metrics: list[str]) -> list[dict[str, object]]:
    """One entry a chunk."""
    found: list[dict[str, object]] = []
    for _, one in result.iterrows():
        told = {metric: [float(one[(metric, "value")]), float(one[(metric, "realized")])] for metric in metrics}
        found.append({"chunk": str(one[("chunk", "key")]), **told})
    return found


def cbpe(reference: pd.DataFrame, current: pd.DataFrame, label: str, **chunks: object) -> list[dict[str, object]]:
    """Estimated and realised scores of each chunk."""
    made = nannyml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="y_pred_proba",
        y_pred="y_pred",
        y_true=label,
        timestamp_column_name="timestamp",
        metrics=SCORES,
        **chunks,
    ).fit(reference)
    return rows(made.estimate(current).filter(period="analysis").to_df(), SCORES)


def dle(reference: pd.DataFrame, current: pd.DataFrame, features: list[str]) -> list[dict[str, object]]:
    """Estimated and realised errors of each chunk."""
    made = nannyml.DLE(
        feature_column_names=features,
        y_pred="y_pred",
        y_true="y_true",
        timestamp_column_name="timestamp",
        metrics=["mae", "rmse"],
        chunk_size=6000,
    ).fit(reference)
    return rows(made.estimate(current).filter(period="analysis").to_df(), ["mae", "rmse"])


def main() -> None:
    """Print the figures of all three."""
    folder = Path(sys.argv[1])
    found = {}
    reference, analysis = (pd.read_csv(folder / f"{part}.csv.gz") for part in ("reference", "analysis"))
    found["california_housing"] = cbpe(reference, analysis, "clf_target", chunk_period="M")
    for name, load in (("car_loan", nannyml.load_synthetic_car_loan_dataset), ("car_price", nannyml.load_synthetic_car_price_dataset)):
        reference, analysis, truth = load()
        whole = analysis.merge(truth, on="id") if "id" in truth.columns else analysis.join(truth)
        reference.to_csv(folder / f"{name}-reference.csv", index=False)
        whole.to_csv(folder / f"{name}-analysis.csv", index=False)
        if name == "car_loan":
            found[name] = cbpe(reference, whole, "repaid", chunk_size=5000)
        else:
            found[name] = dle(reference, whole, [one for one in reference.columns if one not in {"id", "timestamp", "y_true", "y_pred"}])
    print(json.dumps({"version": nannyml.__version__, **found}))


if __name__ == "__main__":
    main()
