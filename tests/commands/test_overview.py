"""`audit overview` measures what fits, judges nothing, and names what it left out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit import catalog
from audit.errors import PolicyError
from audit.pipeline.compatibility import load_policy
from tests.command import audit

if TYPE_CHECKING:
    from pathlib import Path


def table(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, rows)
    prediction = np.where(rng.random(rows) < 0.85, label, 1 - label)
    return pd.DataFrame(
        {"id": range(rows), "label": label, "prediction": prediction, "gender": rng.choice(["f", "m"], rows), "amount": rng.random(rows)}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("overview")
    table().to_csv(made / "test.csv", index=False)
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    done = audit("overview", "test.csv", "--format", "json", "--policy", "policy.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    loaded: dict[str, Any] = json.loads(done.stdout)
    return loaded


def test_every_check_is_measured_or_left_out_with_a_reason(found: dict[str, Any]) -> None:
    measured, left_out = ([one["check"] for one in found[key]] for key in ("measured", "left_out"))
    assert sorted([*measured, *left_out]) == sorted(catalog.discover())
    assert {"performance/accuracy", "fairness/equal_opportunity_difference", "data/duplicates"} <= set(measured)
    reasons = {one["check"]: one["reason"] for one in found["left_out"]}
    assert "broke" not in " ".join(reasons.values())
    assert reasons["drift/mmd"] == "drift/mmd compares two data sets: add --dataset reference=FILE"
    assert reasons["performance/r2"] == "is for numbers, and the label holds no numbers"
    assert reasons["governance/declared_fields"] == "is about what a policy declares"
    assert not re.search(r"status|decision|pass|fail", json.dumps([one | {"notes": []} for one in found["measured"]]).replace("false_", ""))


def test_the_figures_are_those_of_audit_check(folder: Path, found: dict[str, Any]) -> None:
    accuracy = next(one for one in found["measured"] if one["check"] == "performance/accuracy")
    frame = table()
    right = (frame["label"] == frame["prediction"]).groupby(frame["gender"]).mean()
    assert {one["slice"]["gender"]: one["value"] for one in accuracy["slices"]} == right.to_dict()
    assert (accuracy["value"], accuracy["member"]) == (right.min(), {"gender": right.idxmin()})
    said = audit("check", "performance/accuracy", "--data", "test.csv", "--by", "gender", cwd=folder).stdout
    low, high = accuracy["interval"]
    assert f"{right.min():.3f} [{low:.3f}, {high:.3f}]" in said


def test_the_proposed_policy_is_refused_for_its_open_bounds_alone(folder: Path, found: dict[str, Any]) -> None:
    path = folder / "policy.yaml"
    with pytest.raises(PolicyError) as refused:
        load_policy(path)
    assert {one.message.partition(": ")[2] for one in refused.value.mistakes} == {"has no bound and would always pass; add `min` or `max`"}
    assert len(refused.value.mistakes) == len(found["measured"])
    text = path.read_text()
    assert re.search(r"min:  # measured 0\.\d+ \[0\.\d+, 0\.\d+\], gender=[fm]\n", text)
    assert "max:  # measured 0\n" in text
    bounded = re.sub(r"max: ( # measured)", r"max: 0.5\1", re.sub(r"min: ( # measured)", r"min: 0.05\1", text))
    (folder / "bounded.yaml").write_text(bounded)
    done = audit("validate", "bounded.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (0, f"bounded.yaml: valid, {len(found['measured'])} requirements\n"), done.stderr
    again = audit("overview", "test.csv", "--policy", "policy.yaml", cwd=folder)
    assert (again.returncode, path.read_text()) == (2, text)


def test_options_say_what_names_do_not(tmp_path: Path) -> None:
    """Roles, a second data set, how files are read; and the policy repeats them."""
    frame = table().rename(columns={"label": "paid", "gender": "branch"}).assign(paid=lambda one: np.where(one["paid"] == 1, "yes", "no"))
    frame = frame.assign(prediction=np.where(frame["prediction"] == 1, "yes", "no"))
    frame.to_csv(tmp_path / "now.csv", index=False, sep=";")
    frame.head(200).to_csv(tmp_path / "then.csv", index=False, sep=";")
    roles = ("--column", "label=paid", "--column", "positive=yes", "--column", "sensitive=[branch]", "--read", "separator=;")
    done = audit("overview", "now.csv", *roles, "--dataset", "reference=then.csv", "--policy", "p.yaml", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {one["check"]: one for one in json.loads(done.stdout)["measured"]}
    assert {"drift/mmd", "fairness/equal_opportunity_difference", "performance/recall"} <= set(found)
    assert found["drift/ks"]["n"] == 500
    text = (tmp_path / "p.yaml").read_text()
    assert 'test: {path: now.csv, separator: ";"}' in text
    assert 'reference: {path: then.csv, separator: ";"}' in text
    assert "positive: yes, sensitive: [branch]" in text
    with pytest.raises(PolicyError) as refused:
        load_policy(tmp_path / "p.yaml")
    assert all("has no bound" in one.message for one in refused.value.mistakes)


def test_numbers_and_rows_without_a_label(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = pd.DataFrame({"target": rng.random(200) * 100, "size": rng.random(200)})
    numbers.assign(prediction=numbers["target"] + rng.random(200)).to_csv(tmp_path / "numbers.csv", index=False)
    measured = json.loads(audit("overview", "numbers.csv", "--format", "json", cwd=tmp_path).stdout)["measured"]
    assert {"performance/mean_absolute_error", "performance/r2", "data/duplicates"} <= {one["check"] for one in measured}
    assert "performance/accuracy" not in {one["check"] for one in measured}
    numbers[["size"]].to_csv(tmp_path / "bare.csv", index=False)
    done = audit("overview", "bare.csv", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"data/duplicates +rows 0, n 200", done.stdout)
    assert re.search(r"performance/accuracy +--data bare.csv: performance/accuracy needs true labels", done.stdout)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    group = ["::error::x\x1b[2J", "a: b\n- check: evil"] * 150
    table().assign(gender=group).to_csv(tmp_path / "test.csv", index=False)
    done = audit("overview", "test.csv", "--policy", "p.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert not re.search(r"^\s*::", done.stdout, re.MULTILINE)
    with pytest.raises(PolicyError) as refused:
        load_policy(tmp_path / "p.yaml")
    assert all("has no bound" in one.message for one in refused.value.mistakes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("nowhere.csv",), "nowhere.csv"),
        (("test.csv", "--format", "xml"), "--format xml: there is table, json"),
        (("test.csv", "--column", "label=lable"), "--column label=lable"),
    ],
)
def test_mistakes_end_in_2(folder: Path, given: tuple[str, ...], said: str) -> None:
    done = audit("overview", *given, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
