"""Audit models on real data sets and print what came out, as the tables of `docs/real-data.md`.

Run: python benchmarks/real_data.py [--only NAME]... [--write docs/real-data.md]

With --only the page keeps what it says of the other sets.

The data are not part of the repository: name their folder with AUDIT_DATA. Sets that are not there are left out, and said.
Tables, models and policies that are made from them go to `.audit/real-data/`, which git ignores.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import skops.io
import yaml
from sklearn.compose import make_column_transformer
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
INTRODUCTION = """# Results on real data

Printed by `python benchmarks/real_data.py --write docs/real-data.md` on 2 processor cores. The data are public sets that are not
part of this repository; the bounds are plausible ones, chosen before the first run and not tuned to promote. Seconds differ from
machine to machine; the figures do not. Slices are those that nobody named and that `fairness/discovered_slices` found to be served
worse than the rest, each on rows that the search did not see.
"""
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
    return _of_table(
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
            {"check": "robustness/feature_noise", "scale": 0.1, "min": 0.65, "severity": "medium"},
            {"check": "data/train_test_leakage", "max": 0},
            {"check": "data/label_errors", "on": "train", "max": 0.30, "severity": "low"},
            {"check": SLICES, "max": 0.20, "severity": "medium"},
        ],
    )


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
            {"check": "calibration/expected_calibration_error", "max": 0.05, "severity": "medium"},
            {"check": "fairness/demographic_parity_difference", "by": ["race", "sex"], "max": 0.10},
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


EXAMPLES = (
    Example("german_credit", "1,000 loan applicants, logistic regression", "german_credit/german.csv.gz", german_credit),
    Example("law_school", "20,798 law students, logistic regression", "law_school/law_school.csv.gz", law_school),
    Example("bank_marketing", "40,004 calls that offer a deposit, logistic regression", "bank_marketing/bank.csv.gz", bank_marketing),
    Example("elec2", "45,312 half-hours of electricity prices, logistic regression", "elec2/elec.csv.gz", elec2),
    Example("sst2", "film reviews, MiniLM fine-tuned on 2,000 sentences", "sst2/train.csv.gz", sst2),
)


def audit(example: Example) -> tuple[dict[str, object], float]:
    """The results of one audit by the installed command, and the seconds that it took."""
    folder = WORK / example.name
    folder.mkdir(parents=True, exist_ok=True)
    policy = example.prepare(DATA / example.needs, folder)
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy, sort_keys=False))
    command = [str(Path(sys.executable).with_name("audit")), "run", "policy.yaml", "-o", "reports"]
    before, started = set((folder / "reports").glob("*/results.json")), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    written = list(set((folder / "reports").glob("*/results.json")) - before)
    if done.returncode not in {0, 1, 3, 4} or not written:
        sys.exit(f"{example.name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    found: dict[str, object] = json.loads(written[0].read_text())
    return found, seconds


def table(example: Example, found: dict, seconds: float) -> str:  # type: ignore[type-arg]  # parsed JSON
    """One section of the page."""
    lines = [
        f"## {example.name}: {example.what}",
        "",
        f"Decision **{found['decision']}**, exit code {found['exit_code']}, {seconds:.0f} s with imports and training.",
        "",
        "| requirement | status | value | interval | n | bound | worst member | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found["findings"]:
        head, threshold = one["headline"], one["threshold"]
        bound = " and ".join(
            f"{word} {threshold[key]:g}" for key, word in (("min", "at least"), ("max", "at most")) if threshold[key] is not None
        )
        if head is None:
            lines.append(f"| {one['id']} | {one['status']} | | | | {bound} | {one['message']} | |")
            continue
        low, high = (f"{end:.3f}" for end in head["interval"])
        value, seconds_taken = f"{head['value']:.3f}", f"{found['run']['timings'][one['id']]:.1f}"
        cells = (one["id"], one["status"], value, f"{low} to {high}", f"{head['n']:,}", bound, _named(head["member"]), seconds_taken)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *_slices(found)]) + "\n"


def weak(found: dict) -> list[str]:  # type: ignore[type-arg]  # parsed JSON
    """What is said of the slices that nobody named and that are worse than the rest beyond chance."""
    notes = [note for one in found["findings"] if one["check"] == SLICES for note in one["notes"]]
    return [note.removeprefix("Weak: ") for note in notes if note.startswith("Weak: ")]


def _slices(found: dict) -> list[str]:  # type: ignore[type-arg]  # parsed JSON
    told = weak(found)
    if not told:
        return ["", "Slices found: none that is worse than the rest beyond chance."]
    return ["", f"Slices found: {len(told)}.", "", *(f"- {one}" for one in told)]


def _named(member: object) -> str:
    if member is None:
        return "overall"
    if isinstance(member, list):
        return " against ".join(_named(part) for part in member)
    return ", ".join(f"{key}={value}" for key, value in member.items()) if isinstance(member, dict) else str(member)


HEAD = ("| data | rows tested | decision | slices found | seconds to find them | seconds in all |", "|---|---|---|---|---|---|")


def line(example: Example, found: dict, seconds: float) -> str:  # type: ignore[type-arg]  # parsed JSON
    """A set's line of the table at the top."""
    looked = next(one for one in found["findings"] if one["check"] == SLICES)
    rows, took = found["datasets"][looked["on"]]["rows"], found["run"]["timings"][looked["id"]]
    cells = (example.name, f"{rows:,}", found["decision"], str(len(weak(found))), f"{took:.1f}", f"{seconds:.0f}")
    return f"| {' | '.join(cells)} |"


def before(page: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    """Lines and sections of a page that was written earlier, by the name of their set."""
    text = page.read_text(encoding="utf-8") if page is not None and page.exists() else ""
    top, *sections = text.split("\n## ")
    names = {example.name for example in EXAMPLES}
    lines = {cell: row for row in top.splitlines() if (cell := row.removeprefix("| ").split(" ")[0]) in names}
    return lines, {section.split(":")[0]: f"## {section.rstrip()}\n" for section in sections}


def main() -> None:
    """Audit every set that is there, print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[example.name for example in EXAMPLES], default=[])
    parser.add_argument("--write", type=Path, help="the page; with --only the other sets' parts stay as they are there")
    given = parser.parse_args()
    lines, sections = before(given.write)
    for example in EXAMPLES:
        if given.only and example.name not in given.only:
            continue
        if not (DATA / example.needs).exists():
            sections[example.name] = f"## {example.name}: left out\n\n{example.needs} is not there (AUDIT_DATA).\n"
            continue
        results, seconds = audit(example)
        lines[example.name], sections[example.name] = line(example, results, seconds), table(example, results, seconds)
        print(sections[example.name], flush=True)
    top = "\n".join([*HEAD, *(lines[one.name] for one in EXAMPLES if one.name in lines)]) + "\n"
    print(top)
    if given.write:
        found = [sections[one.name] for one in EXAMPLES if one.name in sections]
        given.write.write_text("\n".join([INTRODUCTION, top, *found]), encoding="utf-8")


if __name__ == "__main__":
    main()
