"""Nothing that points to a person reaches the report: no surname that one customer writes often, no address, no number."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from audit.checks.privacy import pii_in_text
from audit.checks.robustness import deepwordbug_gao_2018 as deepwordbug
from audit.checks.robustness._textattack import Outcome
from audit.metrics import bins, excerpts, windows
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from audit.redaction import scanner as pii
from tests.numbered import regressed
from tests.support import dataset, measure, subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audit.evidence import Example

NAME, MAIL, NUMBER = "krumbholtz", "jane@example.org", "0794 612 3458"
ROWS = 60
CASES: tuple[tuple[dict[str, Any], bool], ...] = (({}, True), ({"group": "who"}, False))
"""Whether the policy says whose the rows are, and whether the name may show."""


def letters(rows: int = ROWS) -> pd.DataFrame:
    """One customer signs every third letter; the others write what everybody writes."""
    one = np.arange(rows) % 3 == 0
    signed = f"please help {NAME} again, {MAIL} or {NUMBER}"
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(rows)],
            "text": np.where(one, [f"{signed}, bill {i}" for i in range(rows)], [f"please help again with bill {i}" for i in range(rows)]),
            "label": np.where(np.arange(rows) % 2, "b", "a"),
            "prediction": np.where(np.arange(rows) % 4 < 2, "a", "b"),
            "who": np.where(one, "c0", [f"c{i}" for i in range(rows)]),
        }
    )


def shown(examples: Iterable[Example]) -> str:
    return " ".join(f"{part.text} " for example in examples for part in example.parts) + " ".join(one.note for one in examples)


def test_words_count_by_entity_wherever_texts_are_looked_at() -> None:
    """The name stands in twenty texts: shown where nobody says whose they are, hidden where they are one customer's."""
    frame = letters()
    alone, whose = dataset(frame), dataset(frame, group="who")
    assert NAME in excerpts.words_of(alone, alone.texts()), "so that what follows can fail"
    assert {"please", "help", "again"} <= excerpts.words_of(whose, whose.texts())
    assert NAME not in excerpts.words_of(whose, whose.texts())


def test_rows_far_off_hide_what_one_customer_wrote() -> None:
    frame = letters().assign(label=np.arange(ROWS) * 1.0, prediction=np.where(np.arange(ROWS) % 3 == 0, 500.0, 0.0))
    for group, there in CASES:
        said = shown(measure("performance/mean_absolute_error", regressed(frame, **group)).examples)
        assert (NAME in said) is there
        assert "please help" in said
        assert MAIL not in said
        assert "0794" not in said


def test_attacked_rows_hide_what_one_customer_wrote() -> None:
    """The attack changed the name itself, which nothing but its being rare can hide."""
    frame = letters()
    text = str(frame["text"][0])
    outcome = {0: Outcome(text.replace(NAME, "krumbhotlz").replace("help", "hepl"), 1, broken=True, tried=True, queries=3)}
    for group, there in CASES:
        said = shown(deepwordbug._examples(subject(frame, **group), outcome))
        assert ("krumb" in said) is there
        assert "hepl" in said
        assert MAIL not in said
        assert "0794" not in said


@pytest.mark.full
@pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is None, reason="needs presidio-analyzer")
def test_rows_with_personal_data_hide_the_rest_of_what_one_customer_wrote() -> None:
    frame, scanner = letters(), pii.Scanner(("EMAIL_ADDRESS",), "en")
    for group, there in CASES:
        data = dataset(frame, **group)
        said = shown(pii_in_text.examples(data, scanner, list(pii_in_text.of(data, "text", scanner, 0.5))))
        assert (NAME in said) is there
        assert "EMAIL_ADDRESS" in said
        assert "please help" in said
        assert MAIL not in said


def test_a_cell_that_one_customer_fills_often_hides_its_column() -> None:
    frame = pd.DataFrame({"town": ["here"] * 40 + [NAME] * 20, "who": [f"c{i}" for i in range(40)] + ["one"] * 20, "label": "a"})
    (parts,) = excerpts.excerpts(dataset(frame, group="who"), [50])
    assert parts[0].text == "town: …"
    (parts,) = excerpts.excerpts(dataset(frame.drop(columns="who")), [50])
    assert parts[0].text == f"town: {NAME}"


def binned(name: Sequence[object], who: list[str] | None = None) -> tuple[bins.Bins, tuple[str, ...]]:
    frame = pd.DataFrame({"town": name} | ({} if who is None else {"who": who}))
    more = {} if who is None else {"group": "who"}
    data = dataset(frame, **more)
    (found,), _ = windows.features(data, data, ["town"])
    made = bins.of(found, 10)
    return made, made.figure("town", "test", "production").labels


def test_a_picture_of_drift_names_no_value_that_few_share() -> None:
    """Seven rows make a bin, which the index counts as before, and which the picture does not name."""
    made, labels = binned(["here"] * 40 + [NAME] * 7 + [MAIL] * 3)
    assert made.labels == ("here", NAME, "(other)")
    assert labels == ("here", "(other)", "(values of few rows)")
    picture = made.figure("town", "test", "production")
    assert picture.reference == pytest.approx((0.8, 0.06, 0.14))
    assert sum(picture.counts) == pytest.approx(1)


def test_a_picture_of_drift_names_no_value_of_one_customer() -> None:
    who = [f"c{i}" for i in range(40)] + ["one"] * 20
    assert binned(["here"] * 40 + [NAME] * 20, who)[1] == ("here", "(values of few rows)")
    assert binned(["here"] * 40 + [NAME] * 20)[1] == ("here", NAME)
    assert binned([1] * 40 + [7946123] * 20, who)[1] == ("1", "(values of few rows)")


def test_a_whole_bundle_tells_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the report nor results nor any file of evidence but the columns of ids, groups and features holds what was planted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    frame = letters(240).assign(old="a", town=np.where(np.arange(240) % 3 == 0, "Krumbholtzhausen", "here"), account=7946123458)
    frame["area"] = np.where(np.arange(240) % 2, "north", "south")
    frame.to_csv("test.csv", index=False)
    frame.assign(town="here").to_csv("production.csv", index=False)
    require = [
        {"check": "performance/accuracy", "by": ["area"], "min": 0.4},
        {"check": "performance/accuracy", "id": "not-worse", "against": "champion", "margin": 0.1},
        {"check": "fairness/discovered_slices", "max": 0.9},
        {"check": "data/label_errors", "max": 0.9},
        {"check": "data/duplicates", "max": 5},
        {"check": "drift/psi", "reference": "test", "on": "production", "columns": ["town", "text (words)"], "max": 5},
    ]
    policy = {
        "policy": "planted",
        "version": 1,
        "seed": 1,
        "datasets": {"test": {"path": "test.csv"}, "production": {"path": "production.csv"}},
        "columns": {"id": "id", "text": "text", "label": "label", "prediction": "prediction", "positive": "b", "group": "who"},
        "candidate": {"task": "text-classification", "load": {"kind": "predictions"}},
        "champion": {"load": {"kind": "predictions"}, "columns": {"prediction": "old"}},
        "require": require,
    }
    Path("policy.yaml").write_text(yaml.safe_dump(policy))
    place = audit_policy(Path("policy.yaml"), Options(tmp_path / "out", "audit run"), Silent()).place
    assert {one["status"] for one in json.loads((place / "results.json").read_text())["findings"]} <= {"pass", "fail", "inconclusive"}
    found = [path for path in place.rglob("*") if path.is_file()]
    assert {"report.html", "results.json"} <= {path.name for path in found}
    for path in found:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            kept = [name for name in table.columns if name.startswith("feature:") or name in {"id", "group"}]
            said = table.drop(columns=kept).to_csv()
        else:
            said = path.read_text(encoding="utf-8")
        for planted in (NAME, "Krumbholtz", MAIL, "jane@", "0794 612", "612 3458", "7946123458"):
            assert planted not in said, path.name
