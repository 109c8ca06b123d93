"""Samples: drawn with the policy's seed, or declared; what a count in one proves of all rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare

from audit import catalog, phrases
from audit.datasets import Columns, sampling
from audit.datasets.column_store import InMemory
from audit.datasets.reading import read
from audit.datasets.sampling import Sample, draw
from audit.errors import InputError, PolicyError
from audit.metrics.counting import count_findings
from audit.pipeline.compatibility import load_policy
from audit.pipeline.jobs import sampled
from audit.pipeline.prepare import read_datasets
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from audit.stats import Census, SampledCount

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from audit.datasets import Dataset


def table(folder: Path, rows: int, name: str = "a.parquet") -> Dataset:
    frame = pd.DataFrame({"n": np.arange(rows), "user": np.arange(rows) // 3, "word": [f"w{row % 7}" for row in range(rows)]})
    frame.to_parquet(folder / name, index=False, row_group_size=max(1, rows // 3))
    return read("test", folder / name, Columns())


def test_every_row_is_equally_likely(tmp_path: Path) -> None:
    data = table(tmp_path, 20)
    drawn = [draw(data, rows=5, share=None, seed=seed).cells.column("n").to_numpy() for seed in range(400)]
    assert all(len(set(rows)) == 5 and (np.diff(rows) > 0).all() for rows in drawn)
    assert chisquare(np.bincount(np.concatenate(drawn), minlength=20)).pvalue > 0.001


def test_a_seed_gives_one_sample_whichever_way_it_is_picked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table(tmp_path, 1000)
    one = draw(data, rows=None, share=0.1, seed=7)
    assert isinstance(one.cells, InMemory)
    monkeypatch.setattr(sampling, "_MOST_CELLS", 0)
    again, other = draw(data, rows=100, share=None, seed=7), draw(data, rows=100, share=None, seed=8)
    assert not isinstance(again.cells, InMemory)
    for name in data.cells.names:
        pd.testing.assert_series_equal(one.cells.column(name), again.cells.column(name))
    assert one.sha256 == again.sha256 != other.sha256
    assert one.sample == Sample(1000, at_random=True)
    assert one.remarks == ("a sample is audited, drawn at random with the policy's seed: 100 of 1,000 rows.",)
    place = int(one.cells.column("n")[3])
    assert (one.shown(3), one.ids[3]) == (str(place + 1), str(place + 1))


def test_entities_are_kept_whole(tmp_path: Path) -> None:
    table(tmp_path, 99)
    data = read("test", tmp_path / "a.parquet", Columns(group="user"))
    drawn = draw(data, rows=30, share=None, seed=1)
    users = drawn.cells.column("user").to_numpy()
    assert (np.bincount(users)[np.unique(users)] == 3).all()
    assert len(np.unique(users)) == 10
    assert drawn.sample == Sample(99, at_random=False)
    assert drawn.remarks[-1].endswith("10 of 33 entities in column 'user', with all their rows, 30 of 99.")


def test_a_sample_of_all_rows_is_none(tmp_path: Path) -> None:
    drawn = draw(table(tmp_path, 10), rows=10, share=None, seed=0)
    assert (drawn.sample, drawn.rows) == (None, 10)
    assert drawn.remarks == ("`sample` asks for as many rows as there are: all 10 are audited.",)


def test_a_declared_sample_stands_for_more_rows(tmp_path: Path) -> None:
    data = table(tmp_path, 100)
    assert sampling.declare(data, share=0.25, how="random").sample == Sample(400, at_random=True)
    assert sampling.declare(data, share=0.25, how="other").sample == Sample(400, at_random=False)
    both = sampling.declare(draw(data, rows=10, share=None, seed=0), share=0.25, how="random")
    assert both.sample == Sample(400, at_random=True)
    assert both.whole is not None
    assert both.whole.sample == Sample(400, at_random=True)


def test_rows_without_an_entity_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"user": ["a", None]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(InputError, match="names no entity in column 'user'"):
        draw(read("test", tmp_path / "a.csv", Columns(group="user")), rows=1, share=None, seed=0)


POLICY = """
policy: samples
seed: 3
datasets:
  test: {{path: test.csv{test}}}
  train: {{path: train.csv{train}}}
columns: {{id: id, text: text, label: label, prediction: prediction}}
candidate: {{task: text-classification, load: {{kind: predictions}}}}
require:
  - {{check: performance/accuracy, min: 0.5}}
  - {{check: data/train_test_leakage, max: {max}, severity: medium}}
  - {{check: data/duplicates, max: {max}, severity: medium}}
  - {{check: drift/schema, reference: train, max: 0, severity: medium}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """1,000 rows of test, of which none is in train, repeated, or holds personal data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    for name, start in (("test", 0), ("train", 5000)):
        texts = [f"note {chr(97 + row % 26)}{chr(97 + row // 26 % 26)}{chr(97 + row // 676)} of {name}" for row in range(1000)]
        label = np.arange(1000) % 2
        frame = pd.DataFrame({"id": np.arange(start, start + 1000), "text": texts, "label": label, "prediction": label})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def audited(folder: Path, test: str = "", train: str = "", most: int = 0) -> dict[str, Any]:
    (folder / "policy.yaml").write_text(POLICY.format(test=test, train=train, max=most))
    done = audit_policy(folder / "policy.yaml", Options(folder / "reports", "audit run"), Silent())
    return {one.requirement.id.partition("/")[2]: one for one in done.audit.findings} | {"audit": done.audit}


def estimates(found: dict[str, Any], names: Sequence[str]) -> list[object]:
    return [found[name].evidence.members[0].estimate for name in names]


COUNTS = ("train_test_leakage", "duplicates")


def test_counts_of_all_rows_are_a_census(project: Path) -> None:
    found = audited(project)
    assert estimates(found, COUNTS) == [Census(0, 1000)] * 2
    assert [found[name].status for name in COUNTS] == ["pass"] * 2


def test_nothing_found_in_a_sample_proves_nothing_of_all_rows(project: Path) -> None:
    """A count of 0 in 100 rows does not pass `max: 0`, whichever check counts; a bound on random rows may pass a larger one."""
    found = audited(project, test=", sample: {rows: 100}")
    assert estimates(found, COUNTS) == [
        SampledCount(0, 100, 1000, most=900, per_row=True),
        SampledCount(0, 100, 1000, most=900),
    ]
    assert [found[name].status for name in COUNTS] == ["inconclusive"] * 2
    assert found["schema"].status == "pass"
    finding = found["train_test_leakage"]
    assert phrases.message(finding).startswith("rows 0 [0, 34]; required: at most 0.")
    assert phrases.would_pass(finding) == "Needs a larger sample, or all rows: those that were not drawn decide."
    assert found["audit"].datasets[0].population == 1000
    assert any("a sample is audited" in one.text for one in found["audit"].verdict.reasons)
    high = SampledCount(0, 100, 1000, most=900, per_row=True).bounds(0.025, 0.025)[1]
    found = audited(project, test=", sample: {rows: 100}", most=int(high))
    assert [found[name].status for name in COUNTS] == ["pass", "inconclusive"]
    assert audited(project, test=", sample: {rows: 100}", most=int(high) - 1)["train_test_leakage"].status == "inconclusive"


def test_what_is_found_in_a_sample_is_there(project: Path) -> None:
    """Half of the rows are in train: any sample finds some, and fails."""
    test = pd.read_csv(project / "test.csv")
    train = pd.read_csv(project / "train.csv")
    train.loc[:499, "text"] = test["text"][:500]
    train.to_csv(project / "train.csv", index=False)
    found = audited(project, test=", sample: {share: 0.05}", most=400)
    assert found["train_test_leakage"].status == "inconclusive"
    assert audited(project, test=", sample: {share: 0.05}", most=100)["train_test_leakage"].status == "fail"
    assert found["audit"].verdict.decision == "block"
    assert any(one.rule == "trained-on" for one in found["audit"].verdict.reasons)


def test_a_declared_sample(project: Path) -> None:
    found = audited(project, test=", sampled: {share: 0.1, how: other}", most=10)
    assert estimates(found, COUNTS)[0] == SampledCount(0, 1000, 10_000, most=9000)
    assert [found[name].status for name in COUNTS] == ["inconclusive"] * 2
    assert audited(project, test=", sampled: {share: 0.1, how: random}", most=36)["train_test_leakage"].status == "pass"


def test_a_training_set_of_which_rows_are_missing(project: Path) -> None:
    """Test rows may stand among those that are not there: nothing found is no pass. A drawn sample is looked up in all rows."""
    found = audited(project, train=", sampled: {share: 0.5, how: random}", most=999)
    assert estimates(found, COUNTS)[0] == SampledCount(0, 1000, 1000, most=1000)
    assert found["train_test_leakage"].status == "inconclusive"
    found = audited(project, train=", sample: {share: 0.01}")
    assert estimates(found, COUNTS)[0] == Census(0, 1000)


def test_a_tenth_of_a_declared_sample_blocks_as_a_tenth_of_all_rows_does(project: Path) -> None:
    """100 of 1,000 test rows were learned from; the file holds a fifth of the training rows, and so about 20 of them."""
    test, train = pd.read_csv(project / "test.csv"), pd.read_csv(project / "train.csv")
    train.loc[:24, "text"] = test["text"][:25]
    train.to_csv(project / "train.csv", index=False)
    for declared, blocks in ((", sampled: {share: 0.2, how: random}", True), ("", False)):
        reasons = audited(project, train=declared)["audit"].verdict.reasons
        assert any(one.rule == "trained-on" and one.finding is not None for one in reasons) is blocks


def test_samples_of_one_test_set_share_its_looks(project: Path) -> None:
    """Another seed draws other rows, and gives nobody a fresh test set."""
    (project / "policy.yaml").write_text(POLICY.format(test=", sample: {rows: 100}", train="", max=0))
    one = read_datasets(load_policy(project / "policy.yaml"))["test"]
    text = (project / "policy.yaml").read_text().replace("seed: 3", "seed: 4")
    (project / "policy.yaml").write_text(text)
    other = read_datasets(load_policy(project / "policy.yaml"))["test"]
    assert one.sha256 != other.sha256
    assert one.whole is not None
    assert other.whole is not None
    assert one.whole.sha256 == other.whole.sha256


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (", sample: {}", r"policy.yaml:5:34: datasets.test.sample: has neither `rows` nor `share`; keep exactly one"),
        (", sample: {rows: 5, share: 0.5}", r"datasets.test.sample: has both `rows` and `share`; keep exactly one"),
        (", sample: {share: 1.0}", r"datasets.test.sample.share: "),
        (", sample: {rows: 0}", r"datasets.test.sample.rows: "),
        (", sampled: {share: 0.1}", r"datasets.test.sampled(\.how)?: "),
        (", sampled: {share: 10, how: random}", r"datasets.test.sampled.share: "),
    ],
)
def test_mistakes_are_at_their_place(project: Path, keys: str, message: str) -> None:
    (project / "policy.yaml").write_text(POLICY.format(test=keys, train="", max=0))
    with pytest.raises(PolicyError, match=message):
        load_policy(project / "policy.yaml")


def test_findings_in_a_sample_have_no_upper_bound(tmp_path: Path) -> None:
    """A row that was not drawn may hold any number of them."""
    data = table(tmp_path, 100)
    assert count_findings(data, 2) == Census(2, 100)
    drawn = count_findings(draw(data, rows=10, share=None, seed=0), 2)
    assert drawn == SampledCount(2, 10, 100)
    assert drawn.bounds(0.025, 0.025) == (2, math.inf)


def test_a_census_that_knows_nothing_of_samples_is_not_run(tmp_path: Path) -> None:
    """Such as that of a plug-in."""
    data = table(tmp_path, 100)
    check = replace(catalog.discover()["data/duplicates"], counts_samples=False)
    drawn = draw(data, rows=10, share=None, seed=0)
    assert sampled([data], check) is None
    told = "test is a sample, and this check counts all rows: leave `sample` and `sampled` out, or the check"
    assert sampled([data, drawn], check) == told
    assert sampled([drawn], replace(check, census=False)) is None
    assert {one for one, found in catalog.discover().items() if found.census and not found.counts_samples} == {
        "finetuning/training_record",
        "governance/declared_fields",
    }
