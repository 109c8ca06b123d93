"""The public data sets of `real_data`: how their tables and models are made, and the policy that audits each."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("AUDIT_DATA", ROOT.parent / "shared" / "data"))
WORK = ROOT / ".audit" / "real-data"
SEED = 20260101
SLICES = "fairness/discovered_slices"
YOUNG = 25
"""Years up to which the literature on the German credit data calls an applicant young."""


@dataclass(frozen=True)
class Example:
    """One data set: how its tables and model are made, and the policy that audits them."""

    name: str
    what: str
    needs: str
    """File below the data folder."""
    prepare: Callable[[Path, Path], dict[str, object]]
    """From the raw file and the working folder to the policy."""


def _split(frame: pd.DataFrame, label: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half for training, half for testing, stratified, under row names of their own."""
    frame.insert(0, "id", [f"row-{number}" for number in range(1, len(frame) + 1)])
    train, test = train_test_split(frame, test_size=0.5, random_state=SEED, stratify=frame[label])
    for role, part in (("train", train), ("test", test)):
        part.to_csv(folder / f"{role}.csv", index=False)
    return train, test


def _tabular(train: pd.DataFrame, label: str, features: list[str]) -> Pipeline:
    """Logistic regression on standardised numbers and one-hot categories."""
    numeric = [name for name in features if pd.api.types.is_numeric_dtype(train[name])]
    other = [name for name in features if name not in numeric]
    encode = make_column_transformer((StandardScaler(), numeric), (OneHotEncoder(handle_unknown="ignore"), other))
    return make_pipeline(encode, LogisticRegression(max_iter=2000)).fit(train[features], train[label])


def _policy(
    name: str, task: str, columns: Mapping[str, object], candidate: Mapping[str, object], require: list[dict[str, object]]
) -> dict[str, object]:
    roles = ("train", "test", "reference", "production")
    return {
        "policy": name,
        "seed": SEED,
        "tier": 3,
        "system": {"purpose": "show the auditor on real data", "owner": {"contact": "maintainers@example.org"}},
        "datasets": {role: {"path": f"{role}.csv"} for role in roles if (WORK / name / f"{role}.csv").exists()},
        "columns": dict(columns),
        "candidate": {"task": task, **candidate},
        "require": require,
    }


def _of_table(folder: Path, train: pd.DataFrame, columns: Mapping[str, object], require: list[dict[str, object]]) -> dict[str, object]:
    """The policy of a logistic regression, which is trained on all columns of `train` but the label and saved in the folder."""
    label = str(columns["label"])
    features = [str(name) for name in train.columns if name != label]
    skops.io.dump(_tabular(train, label, features), folder / "model.skops")
    load = {"kind": "sklearn", "path": "model.skops"}
    return _policy(folder.name, "tabular-classification", {"id": "id", **columns, "features": features}, {"load": load}, require)


def german_credit(raw: Path, folder: Path) -> dict[str, object]:
    """1,000 loan applicants, without sex and age among the model's features."""
    frame = pd.read_csv(raw)
    frame["credit"] = frame["credit"].map({1: "good", 2: "bad"})
    frame["sex"] = frame["personal_status"].map(lambda code: "female" if code == "A92" else "male")
    frame["age_group"] = frame["age"].map(lambda age: "25 and under" if age <= YOUNG else "over 25")
    features = [name for name in frame.columns if name not in {"credit", "sex", "age_group", "age", "personal_status"}]
    train, _ = _split(frame, "credit", folder)
    columns = {"label": "credit", "positive": "good", "sensitive": ["sex", "age_group"]}
    frame.assign(weight=_reweighing(frame["age_group"], frame["credit"])).to_csv(folder / "everyone.csv", index=False)
    whole = {"check": "fairness/mean_difference", "of": "labels", "by": ["age_group"], "max": 0.10, "severity": "low"}
    made = _of_table(
        folder,
        train[["credit", *features]],
        columns,
        [
            {"check": "performance/accuracy", "min": 0.70},
            {"check": "performance/roc_auc", "min": 0.70},
            {"check": "performance/balanced_accuracy", "by": ["sex", "age_group"], "min": 0.60, "severity": "medium"},
            {"check": "calibration/expected_calibration_error", "bins": 5, "max": 0.2, "severity": "medium"},
            {"check": "fairness/demographic_parity_difference", "by": ["sex", "age_group"], "max": 0.10},
            {"check": "fairness/demographic_parity_ratio", "by": ["sex", "age_group"], "min": 0.80},
            {"check": "fairness/equal_opportunity_difference", "by": ["sex", "age_group"], "max": 0.10},
            {"check": "fairness/equalized_odds_difference", "by": ["sex", "age_group"], "max": 0.20, "severity": "medium"},
            {"check": "fairness/average_odds_difference", "by": ["sex", "age_group"], "max": 0.10, "severity": "medium"},
            {"check": "fairness/predictive_parity_difference", "by": ["sex", "age_group"], "max": 0.10, "severity": "medium"},
            whole | {"id": "labels-of-all-rows", "on": "everyone"},
            whole | {"id": "labels-of-all-rows-reweighed", "on": "reweighed"},
            {"check": "robustness/feature_noise", "scale": 0.1, "min": 0.65, "severity": "medium"},
            {"check": "data/train_test_leakage", "max": 0},
            {"check": "data/label_errors", "on": "train", "max": 0.30, "severity": "low"},
            {"check": SLICES, "max": 0.20, "severity": "medium"},
        ],
    )
    roles = {"everyone": {"path": "everyone.csv"}, "reweighed": {"path": "everyone.csv", "columns": {"weight": "weight"}}}
    return made | {"datasets": made["datasets"] | roles}  # type: ignore[operator]  # a mapping, as `_policy` makes it


def _reweighing(group: pd.Series, label: pd.Series) -> pd.Series:
    """(n,) weights under which group and label are independent: Kamiran & Calders, KAIS 2012."""
    shares = [pd.Series(1.0, label.index).groupby(keys).transform("size") / len(label) for keys in ([group], [label], [group, label])]
    return shares[0] * shares[1] / shares[2]


def law_school(raw: Path, folder: Path) -> dict[str, object]:
    """20,798 students: who passes the bar examination, without race and sex among the model's features."""
    frame = pd.read_csv(raw)
    frame["pass_bar"] = frame["pass_bar"].map({1.0: "passed", 0.0: "failed"})
    frame["sex"] = frame["male"].map({1.0: "male", 0.0: "female"})
    features = ["decile1b", "decile3", "lsat", "ugpa", "zfygpa", "zgpa", "fulltime", "fam_inc", "tier"]
    train, _ = _split(frame.drop(columns="male"), "pass_bar", folder)
    columns = {"label": "pass_bar", "positive": "passed", "sensitive": ["race", "sex"]}
    return _of_table(
        folder,
        train[["pass_bar", *features]],
        columns,
        [
            {"check": "performance/accuracy", "by": ["race", "sex"], "min": 0.80},
            {"check": "performance/balanced_accuracy", "min": 0.60},
            {"check": "performance/roc_auc", "min": 0.80},
            {"check": "performance/average_precision", "min": 0.90, "severity": "medium"},
            {"check": "performance/brier_score", "max": 0.10, "severity": "medium"},
            {"check": "performance/matthews_correlation", "min": 0.30, "severity": "medium"},
            {"check": "calibration/expected_calibration_error", "max": 0.05, "severity": "medium"},
            {"check": "calibration/slope_and_intercept", "max": 0.25, "severity": "medium"},
            {"check": "calibration/smooth_calibration_error", "by": ["race"], "max": 0.05, "severity": "medium"},
            {"check": "fairness/demographic_parity_difference", "by": ["race", "sex"], "max": 0.10},
            {"check": "fairness/impact_ratio", "by": ["sex", "race", ["sex", "race"]], "min": 0.80},
            {"check": "fairness/subgroup_auc", "by": ["race"], "min": 0.75, "severity": "medium"},
            {"check": "fairness/false_negative_rate_difference", "by": ["race", "sex"], "max": 0.10, "severity": "medium"},
            {"check": "fairness/demographic_parity_ratio", "by": ["race"], "min": 0.80, "id": "four-fifths-race"},
            {"check": "fairness/equal_opportunity_difference", "by": ["race", "sex"], "max": 0.10},
            {"check": "fairness/equalized_odds_difference", "by": ["race"], "max": 0.20, "severity": "medium"},
            {"check": "data/class_imbalance", "on": "train", "min": 0.05, "severity": "low"},
            {"check": "drift/psi", "reference": "train", "max": 0.1, "severity": "medium"},
            {"check": SLICES, "max": 0.20, "severity": "medium"},
        ],
    )


def bank_marketing(raw: Path, folder: Path) -> dict[str, object]:
    """40,004 telephone calls: who takes out a deposit, without the length of the call, which is known only afterwards."""
    frame = pd.read_csv(raw)
    frame["age_group"] = pd.cut(frame["age"], [0, 30, 60, 120], labels=["30 and under", "31 to 60", "over 60"]).astype(str)
    features = [name for name in frame.columns if name not in {"y", "age_group", "age", "marital", "duration"}]
    train, _ = _split(frame.drop(columns="duration"), "y", folder)
    columns = {"label": "y", "positive": "yes", "sensitive": ["age_group", "marital"]}
    return _of_table(
        folder,
        train[["y", *features]],
        columns,
        [
            {"check": "performance/accuracy", "by": ["age_group", "marital"], "min": 0.75},
            {"check": "performance/roc_auc", "min": 0.70},
            {"check": "performance/recall", "min": 0.15, "severity": "medium"},
            {"check": "performance/average_precision", "min": 0.30, "severity": "medium"},
            {"check": "calibration/brier_decomposition", "max": 0.01, "severity": "medium"},
            {"check": "calibration/expected_calibration_error", "max": 0.05, "severity": "medium"},
            {"check": "fairness/demographic_parity_difference", "by": ["marital"], "max": 0.10},
            {"check": "fairness/equal_opportunity_difference", "by": ["marital"], "max": 0.15, "severity": "medium"},
            {"check": "data/train_test_leakage", "max": 10, "severity": "medium"},
            {"check": SLICES, "max": 0.20, "severity": "medium"},
        ],
    )


def elec2(raw: Path, folder: Path) -> dict[str, object]:
    """45,312 half-hours in order: a model of the first half, watched on the second."""
    frame = pd.read_csv(raw)
    frame["class"] = frame["class"].map({1: "up", 0: "down"})
    frame.insert(0, "id", [f"half-hour-{number}" for number in range(1, len(frame) + 1)])
    cuts = {"train": (0, 10000), "reference": (10000, 14000), "test": (10000, 14000), "production": (41312, 45312)}
    for role, (first, last) in cuts.items():
        frame.iloc[first:last].to_csv(folder / f"{role}.csv", index=False)
    features = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
    columns = {"label": "class", "positive": "up"}
    watched = {"on": "production", "reference": "reference", "severity": "medium"}
    return _of_table(
        folder,
        frame.iloc[:10000][["class", *features]],
        columns,
        [
            {"check": "performance/accuracy", "id": "accuracy-then", "on": "reference", "min": 0.575},
            {"check": "performance/accuracy", "id": "accuracy-now", "on": "production", "min": 0.575},
            {"check": "drift/ks", "max": 0.10} | watched,
            {"check": "drift/psi", "max": 0.20} | watched,
            {"check": "drift/mmd", "max": 0.05} | watched,
            {"check": "drift/prediction_drift", "max": 0.10} | watched,
            {"check": SLICES, "on": "production", "max": 0.20, "severity": "medium"},
        ],
    )


def sst2(raw: Path, folder: Path) -> dict[str, object]:
    """Sentences of film reviews: MiniLM fine-tuned on 2,000 of them."""
    for role, rows in (("train", 2000), ("test", None)):
        frame = pd.read_csv(raw.with_name(f"{role}.csv.gz"))
        frame["label"] = frame["label"].map({1: "positive", 0: "negative"})
        frame.insert(0, "id", [f"{role}-{number}" for number in range(1, len(frame) + 1)])
        (frame.sample(rows, random_state=SEED) if rows else frame).to_csv(folder / f"{role}.csv", index=False)
    columns = {"id": "id", "text": "text", "label": "label", "positive": "positive"}
    tune = {"base": "minilm", "on": "train", "validation": 0.1, "epochs": 2, "learning_rate": 5.0e-5, "max_length": 64}
    return _policy(
        "sst2",
        "text-classification",
        columns,
        {"fine_tune": tune},
        [
            {"check": "performance/accuracy", "min": 0.82},
            {"check": "performance/f1", "min": 0.82},
            {"check": "performance/roc_auc", "min": 0.90},
            {"check": "performance/log_loss", "max": 0.5, "severity": "medium"},
            {"check": "calibration/expected_calibration_error", "max": 0.15, "severity": "medium"},
            {"check": "robustness/deepwordbug_gao_2018", "examples": 100, "min": 0.05, "severity": "medium"},
            {"check": "data/duplicates", "on": "train", "max": 10, "severity": "medium"},
            {"check": "data/train_test_leakage", "max": 10, "severity": "medium"},
            {"check": "data/label_errors", "on": "train", "max": 0.30, "severity": "low"},
            {"check": "privacy/pii_in_text", "on": "train", "max": 0},
            {"check": SLICES, "max": 0.20, "severity": "medium"},
        ],
    )


def identity_templates(raw: Path, folder: Path) -> dict[str, object]:
    """76,564 generated sentences that name identities, half of them toxic: a model of words that was trained on tweets."""
    tweets = pd.read_csv(DATA / "davidson_hate" / "labeled_data.csv.gz")
    train = pd.DataFrame({"text": tweets["tweet"], "label": tweets["class"].map({0: "toxic", 1: "toxic", 2: "nontoxic"})})
    model = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), LogisticRegression(class_weight="balanced", max_iter=1000))
    skops.io.dump(model.fit(train["text"], train["label"]), folder / "model.skops")
    test = pd.read_csv(raw)[["phrase", "toxicity"]].rename(columns={"phrase": "text", "toxicity": "label"})
    test.insert(0, "id", [f"sentence-{number}" for number in range(1, len(test) + 1)])
    test.to_csv(folder / "test.csv", index=False)
    return _policy(
        folder.name,
        "text-classification",
        {"id": "id", "text": "text", "label": "label", "positive": "toxic"},
        {"load": {"kind": "sklearn", "path": "model.skops"}},
        [
            {"check": "performance/accuracy", "min": 0.70},
            {"check": "performance/roc_auc", "min": 0.80},
            {
                "check": "fairness/subgroup_auc",
                "terms": ["gay", "lesbian", "muslim", "christian", "black", "white", "deaf", "old"],
                "min": 0.75,
            },
            {"check": "fairness/counterfactual_identity", "attributes": ["gender", "religion", "orientation"], "max": 0.05},
            {"check": SLICES, "max": 0.20, "severity": "medium"},
        ],
    )


EXAMPLES = (
    Example("german_credit", "1,000 loan applicants, logistic regression", "german_credit/german.csv.gz", german_credit),
    Example("law_school", "20,798 law students, logistic regression", "law_school/law_school.csv.gz", law_school),
    Example("bank_marketing", "40,004 calls that offer a deposit, logistic regression", "bank_marketing/bank.csv.gz", bank_marketing),
    Example(
        "identity_templates",
        "76,564 generated sentences that name identities, a logistic regression on words of tweets",
        "identity_templates/en_sentence_templates.csv.gz",
        identity_templates,
    ),
    Example("elec2", "45,312 half-hours of electricity prices, logistic regression", "elec2/elec.csv.gz", elec2),
    Example("sst2", "film reviews, MiniLM fine-tuned on 2,000 sentences", "sst2/train.csv.gz", sst2),
)
