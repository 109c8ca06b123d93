"""`audit run` with `against`: a champion of saved answers, one of scikit-learn, the base model; and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml

from audit.errors import PolicyError
from audit.phrases import message, remedy
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from tests.compared import table
from tests.running import policy, refused, run

if TYPE_CHECKING:
    from audit.pipeline.run import Outcome

ACCURACY = {"check": "performance/accuracy", "against": "champion", "margin": 0.03}
SAVED = {"load": {"kind": "predictions"}, "columns": {"prediction": "old", "score": "old_score"}}
ROLES = {"label": "label", "prediction": "prediction", "score": "score", "positive": 1}


def comparing(*require: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return policy(*(require or (ACCURACY,)), **({"champion": SAVED, "columns": ROLES} | changed))


def audited(folder: Path, made: dict[str, Any]) -> Outcome:
    """The audit of a policy in this process, from its own folder."""
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    return audit_policy(Path("policy.yaml"), Options(folder / "reports", "audit run"), Silent())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_a_champion_of_saved_answers(here: Path) -> None:
    """The margin bounds the difference; the champion's digest and answers are kept; the report shows what changes."""
    table(1500, noise=0.2).to_csv(here / "test.csv", index=False)
    area = {"check": "performance/roc_auc", "by": ["region"], "against": "champion", "margin": 0.02}
    loss = {"check": "performance/log_loss", "against": "champion", "margin": 0.05}
    outcome = audited(here, comparing(ACCURACY, area, loss))
    assert outcome.audit.verdict.decision == "promote"
    results = json.loads((outcome.place / "results.json").read_text())
    first, second, third = results["findings"]
    assert (first["threshold"], first["against"], first["margin"]) == ({"min": -0.03, "max": None}, "champion", 0.03)
    assert third["threshold"] == {"min": None, "max": 0.05}
    assert first["headline"]["unit"] == "accuracy difference from the champion"
    assert {row["slice"]["region"] for row in second["slices"]} == {"north", "south"}
    assert results["champion"]["kind"] == "predictions"
    assert results["champion"]["sha256"] != results["candidate"]["sha256"]
    assert results["base"] is None
    (own,) = [path for path in first["evidence"] if "performance-accuracy" in path]
    told = pd.read_parquet(outcome.place / own)
    right, old = (told["label"] == told[column] for column in ("prediction", "rival_prediction"))
    assert first["headline"]["value"] == pytest.approx(right.mean() - old.mean(), abs=1e-12)
    report = (outcome.place / "report.html").read_text()
    assert "Is it no worse than the champion, in accuracy?" in report
    assert "not worse than the champion by more than 0.03" in report
    assert f"{(~right & old).sum():,}</td>" in report


def test_a_worse_candidate_is_blocked(here: Path) -> None:
    frame = table(1500, noise=0.2)
    flipped = frame["prediction"].where(frame.index % 8 > 0, 1 - frame["prediction"])
    frame.assign(prediction=flipped, score=0.25 + 0.5 * flipped).to_csv(here / "test.csv", index=False)
    (found,) = audited(here, comparing()).audit.findings
    assert found.status == "fail"
    assert remedy(found).startswith("Read the rows that the champion gets right and the candidate wrong")


def test_the_champion_itself_as_candidate_is_told(here: Path) -> None:
    """A loaded model against the same file: exactly 0, with an interval, and a remark."""
    skops = pytest.importorskip("skops.io", reason="comes with the extra sklearn")
    from sklearn.linear_model import LogisticRegression

    frame = table(600)[["label", "score", "old_score"]].rename(columns={"score": "a", "old_score": "b"})
    frame.to_csv(here / "test.csv", index=False)
    skops.dump(LogisticRegression().fit(frame[["a", "b"]], frame["label"]), here / "m.skops")
    skops.dump(LogisticRegression(C=0.001).fit(frame[["a"]], frame["label"]), here / "old.skops")
    model = {"task": "tabular-classification", "load": {"kind": "sklearn", "path": "m.skops"}}
    made = comparing(candidate=model, columns={"label": "label", "positive": 1})
    other = audited(here, made | {"champion": {"load": {"kind": "sklearn", "path": "old.skops"}}})
    assert other.audit.comparators["champion"].sha256 == hashlib.sha256((here / "old.skops").read_bytes()).hexdigest()
    assert "same-model" not in {reason.rule for reason in other.audit.verdict.reasons}
    same = audited(here, made | {"champion": {"load": {"kind": "sklearn", "path": "m.skops"}}})
    (found,) = same.audit.findings
    assert found.headline is not None
    assert found.headline.value == 0.0
    assert found.headline.interval[0] < 0 < found.headline.interval[1]
    assert "same-model" in {reason.rule for reason in same.audit.verdict.reasons}


@pytest.mark.full
def test_against_the_base_model(here: Path) -> None:
    """A tuned tiny BERT against its untrained encoder with a linear probe."""
    from tests.tiny_bert import base, letters

    base(here / "tiny")
    for role, rows, seed in (("train", 400, 1), ("test", 300, 2)):
        letters(rows, seed, role).cells.frame().to_csv(here / f"{role}.csv", index=False)
    outcome = audited(
        here,
        {
            "policy": "tuned",
            "seed": 3,
            "datasets": {"train": {"path": "train.csv"}, "test": {"path": "test.csv"}},
            "columns": {"text": "text", "label": "label", "positive": "urgent"},
            "candidate": {"task": "text-classification", "fine_tune": {"base": "tiny", "epochs": 4, "learning_rate": 0.003}},
            "require": [{"check": "performance/accuracy", "against": "base", "margin": 0.2}],
        },
    )
    (found,) = outcome.audit.findings
    assert found.headline is not None
    assert found.evidence is not None
    told = {name: values == found.evidence.table["label"] for name, values in found.evidence.table.items()}
    assert found.headline.value == pytest.approx(told["prediction"].mean() - told["rival_prediction"].mean(), abs=1e-12)
    assert told["rival_prediction"].mean() > 0.6
    results = json.loads((outcome.place / "results.json").read_text())
    assert results["base"]["kind"] == "probe"
    assert "linear probe" in results["base"]["description"]
    assert "the base model" in message(found)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"champion": SAVED | {"columns": {"prediction": "odl"}}},
            "test.csv has no column 'odl' of the champion's answers; did you mean 'old'?",
        ),
        (
            {"champion": SAVED | {"columns": {"scores": {"0": "old_score", "1": "ancient"}}}},
            "test.csv has no column 'ancient' of the champion's answers; it has ",
        ),
        ({"champion": {"load": {"kind": "sklearn", "path": "gone.skops"}}}, "champion.load.path: "),
        ({"champion": {"load": {"kind": "predictions"}}}, "champion.load.kind: the champion's columns are not named"),
        ({"require": [ACCURACY | {"margin": -0.1}]}, "require.0.margin: is -0.1; give a number at least 0"),
        ({"require": [{"check": "performance/accuracy", "against": "champion"}]}, "has no `margin`"),
        ({"require": [{"check": "data/duplicates", "against": "champion", "margin": 1}]}, "data/duplicates compares no two models"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_its_line(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    said = refused(tmp_path, table(200), comparing(**changed))
    assert told in said
    assert said.startswith("policy.yaml:")


@pytest.mark.parametrize(
    ("columns", "place"),
    [({"prediction": "odl"}, "champion.columns.prediction: "), ({"scores": {"0": "old_score", "1": "odl"}}, "champion.columns.scores.1: ")],
)
def test_a_champions_column_that_is_not_there_is_told_once_where_it_is_named(tmp_path: Path, columns: dict[str, Any], place: str) -> None:
    """Not at each line that compares."""
    lines = [ACCURACY, ACCURACY | {"id": "again"}]
    said = refused(tmp_path, table(200), comparing(require=lines, champion=SAVED | {"columns": columns}))
    (told,) = [line for line in said.splitlines() if "odl" in line]
    assert place in told


def test_a_champion_of_other_classes_is_refused(tmp_path: Path) -> None:
    frame = table(200)
    frame.loc[3, "old"] = 2
    made = comparing(champion={"load": {"kind": "predictions"}, "columns": {"prediction": "old"}})
    assert "champion: tells the classes 0, 1, 2, the candidate 0, 1" in refused(tmp_path, frame, made)


def test_a_champion_without_scores_is_refused_at_the_line_that_needs_them(tmp_path: Path) -> None:
    skops = pytest.importorskip("skops.io", reason="comes with the extra sklearn")
    from sklearn.svm import LinearSVC

    frame = table(200)
    skops.dump(LinearSVC().fit(frame[["score"]].rename(columns={"score": "a"}), frame["label"]), tmp_path / "old.skops")
    made = comparing(
        {"check": "performance/roc_auc", "against": "champion", "margin": 0.1}, champion={"load": {"kind": "sklearn", "path": "old.skops"}}
    )
    assert "require.0.against: performance/roc_auc: the champion gives labels without probabilities" in refused(
        tmp_path, frame.assign(a=frame["score"]), made
    )


def test_the_champions_answers_are_no_features(here: Path) -> None:
    """Drift over all features looks at neither of its columns."""
    for role, seed in (("test", 1), ("production", 2)):
        table(400, seed).assign(size=lambda one: one["score"] ** 2).to_csv(here / f"{role}.csv", index=False)
    drift = {"check": "drift/ks", "on": "production", "reference": "test", "max": 0.5}
    both = {role: {"path": f"{role}.csv"} for role in ("test", "production")}
    _, found = audited(here, comparing(ACCURACY, drift, datasets=both)).audit.findings
    assert {str(row.name) for row in found.slices if row.value is not None} == {"column=person", "column=size"}
    assert {str(row.name) for row in found.slices if row.value is None} == {"column=region"}  # no number


def test_a_champion_that_breaks_while_predicting_is_refused_at_its_line(here: Path) -> None:
    """Fitted on columns of numbers, it is given words in a place where it only looks when asked."""
    skops = pytest.importorskip("skops.io", reason="comes with the extra sklearn")
    from sklearn.linear_model import LogisticRegression

    frame = table(200)
    skops.dump(LogisticRegression().fit(frame[["score"]].rename(columns={"score": "a"}), frame["label"]), here / "old.skops")
    frame.assign(a="word").to_csv(here / "test.csv", index=False)
    with pytest.raises(PolicyError, match=r"champion\.load\.path: .*old\.skops: predict refuses these rows"):
        audited(here, comparing(champion={"load": {"kind": "sklearn", "path": "old.skops"}}))


def test_select_and_smoke_runs_compare_too(tmp_path: Path) -> None:
    table(300).to_csv(tmp_path / "test.csv", index=False)
    done, results = run(tmp_path, comparing(), "--smoke")
    assert done.returncode == 3, done.stdout + done.stderr
    assert results is not None
    assert results["findings"][0]["status"] == "not_run"
