"""Real people with a model's predictions, for tests that hold the fairness checks against other libraries."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from tests import realdata

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("law_school", "german_credit", "bank_marketing")


@cache
def table(name: str) -> pd.DataFrame:
    """Label, prediction and score of a logistic model of the numeric columns, with a column `group` and one `sex` or `marital`."""
    return {"law_school": _law, "german_credit": _german, "bank_marketing": _bank}[name](realdata.path(name))


def _law(folder: Path) -> pd.DataFrame:
    rows = pd.read_csv(folder / "law_school.csv.gz")
    groups = pd.DataFrame({"group": rows["race"], "second": rows["male"].map({1.0: "male", 0.0: "female"})})
    return _predicted(rows["pass_bar"] == 1, rows[["decile1b", "lsat", "ugpa", "fam_inc", "tier"]], groups)


def _german(folder: Path) -> pd.DataFrame:
    rows = pd.read_csv(folder / "german.csv.gz")
    sex = (rows["personal_status"] == "A92").map({True: "female", False: "male"})
    groups = pd.DataFrame({"group": (rows["age"] <= 25).map({True: "to 25", False: "over 25"}), "second": sex})
    return _predicted(rows["credit"] == 1, rows[["month", "credit_amount", "number_of_credits", "residence_since", "age"]], groups)


def _bank(folder: Path) -> pd.DataFrame:
    rows = pd.read_csv(folder / "bank.csv.gz")
    decade = pd.cut(rows["age"], [0, 30, 45, 60, 120], labels=["to 30", "to 45", "to 60", "over 60"]).astype(str)
    groups = pd.DataFrame({"group": decade, "second": rows["marital"]})
    return _predicted(rows["y"] == "yes", rows[["age", "balance", "campaign", "pdays", "previous"]], groups)


def _predicted(label: pd.Series[bool], features: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """By a model that weighs both classes alike, so that it predicts either."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced")).fit(features, label)
    score = model.predict_proba(features)[:, 1].round(12)
    return groups.assign(label=label.astype(int), prediction=(score > 0.5).astype(int), score=score)
