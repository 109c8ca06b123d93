"""`extends: {path: org.yaml, may: tighten}`: a policy that asks less than its baseline is refused at its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import PolicyError
from audit.pipeline import decide
from audit.pipeline.compatibility import load_policy

ORG = """\
policy: org
confidence: 0.95
require:
  - {check: performance/accuracy, by: [gender], min: 0.8}
  - {id: copies, check: data/duplicates, max: 3}
"""
TEAM = """\
datasets: {test: {path: test.csv}}
columns: {label: label, prediction: prediction, positive: 1}
candidate: {task: tabular-classification, load: {kind: predictions}}
"""
LINE = TEAM.count("\n") + 3
"""Of the first line behind the head and the team's own facts."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("org.yaml").write_text(ORG)


def written(more: str, extends: str = "{path: org.yaml, may: tighten}", name: str = "policy.yaml", team: str = TEAM) -> Path:
    Path(name).write_text(f"extends: {extends}\npolicy: mine\n{team}{more}")
    return Path(name)


def refused(more: str) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load_policy(written(more))
    return [str(one) for one in raised.value.mistakes]


def test_what_only_tightens_is_a_policy() -> None:
    more = """\
valid_for: 30d
confidence: 0.99
seed: 4
require:
  - {check: performance/accuracy, min: 0.9, by: [gender, region], severity: critical, limit: 60}
  - {id: copies, max: 0}
  - {check: performance/f1, min: 0.5, severity: low}
"""
    loaded = load_policy(written(more))
    assert [one.min for one in loaded.policy.require] == [0.9, None, 0.5]
    assert decide.policy_remarks(loaded) == ()


@pytest.mark.parametrize(
    ("more", "column", "told"),
    [
        ("confidence: 0.9\n", 13, "confidence: loosens the baseline org.yaml (0.95 → 0.9: a less sure interval); ask no less than it"),
        (
            "waivers: accepted/\n",
            10,
            "waivers: loosens the baseline org.yaml (not set → accepted/: findings may be waived); ask no less than it",
        ),
        ("trust: pickle\n", 8, "trust.pickle: loosens the baseline org.yaml (false → true: pickles may be loaded); ask no less than it"),
        (
            "labels: {map: {y: yes}}\n",
            19,
            "labels.map.y: loosens the baseline org.yaml (not set → yes: two classes count as one); ask no less than it",
        ),
    ],
)
def test_a_looser_key_is_refused_at_its_line(more: str, column: int, told: str) -> None:
    assert refused(more) == [f"policy.yaml:{LINE}:{column}: {told}"]


@pytest.mark.parametrize(
    ("requirement", "told"),
    [
        ("{check: performance/accuracy, min: 0.7}", "require.0.min: loosens the baseline org.yaml (0.8 → 0.7: an easier bound)"),
        ("{check: performance/accuracy, by: []}", "require.0.by: loosens the baseline org.yaml (gender: no longer measured separately)"),
        (
            "{id: copies, enforce: advisory}",
            "require.0.enforce: loosens the baseline org.yaml (required → advisory: it no longer changes the",
        ),
        ("{id: copies, severity: low}", "require.0.severity: loosens the baseline org.yaml (high → low: a lower severity)"),
        ("{id: copies, near: 0.9}", "require.0.near: changes what is measured by the baseline org.yaml (not set → 0.9); leave the key out"),
        (
            "{id: copies, check: data/label_errors, max: 0.5}",
            "require.0: loosens the baseline org.yaml (is no longer required: data/duplicates",
        ),
    ],
)
def test_a_looser_requirement_is_refused_at_its_line(requirement: str, told: str) -> None:
    (found,) = refused(f"require:\n  - {requirement}\n")
    assert found.startswith(f"policy.yaml:{LINE + 1}:")
    assert told in found


def test_every_loosening_is_told_at_once() -> None:
    told = refused("confidence: 0.9\nrequire:\n  - {check: performance/accuracy, min: 0.7, severity: medium}\n")
    assert [one.split(": ")[1] for one in told] == ["confidence", "require.0.min", "require.0.severity"]


def test_a_baseline_binds_every_policy_above_it() -> None:
    """A department may tighten the organisation's baseline; a team that extends the department may not loosen the organisation's."""
    written("require: [{check: performance/accuracy, min: 0.9}]\n", name="department.yaml", team="")
    load_policy(written("require: [{check: performance/accuracy, min: 0.85}]\n", extends="department.yaml"))
    with pytest.raises(PolicyError, match=r"policy.yaml:6:46: require.0.min: loosens the baseline org.yaml \(0.8 → 0.7"):
        load_policy(written("require: [{check: performance/accuracy, min: 0.7}]\n", extends="department.yaml"))


def test_a_plain_base_may_be_loosened_and_is_remarked_on() -> None:
    loaded = load_policy(written("confidence: 0.9\nrequire: [{id: copies, max: 4}]\n", extends="org.yaml"))
    assert [(one.rule, one.text) for one in decide.policy_remarks(loaded)] == [
        ("baseline-loosened", "The base org.yaml is loosened, confidence: 0.95 → 0.9: a less sure interval."),
        ("baseline-loosened", "The base org.yaml is loosened, require.copies.max: 3 → 4: an easier bound."),
    ]


def test_a_chain_of_plain_bases_tells_each_loosening_once() -> None:
    written("confidence: 0.9\n", extends="org.yaml", name="department.yaml", team="")
    loaded = load_policy(written("confidence: 0.8\n", extends="department.yaml"))
    assert [one.text.split(", ", 1) for one in decide.policy_remarks(loaded)] == [
        ["The base department.yaml is loosened", "confidence: 0.9 → 0.8: a less sure interval."],
        ["The base org.yaml is loosened", "confidence: 0.95 → 0.9: a less sure interval."],
    ]


def test_a_base_that_is_no_policy_by_itself_cannot_be_tightened() -> None:
    Path("org.yaml").write_text(ORG.replace("0.95", "7"))
    with pytest.raises(
        PolicyError, match=r"policy.yaml:1:17: extends.path: org.yaml could not be compared with this policy; mend the base"
    ):
        load_policy(written("confidence: 0.99\n"))


@pytest.mark.parametrize("extends", ["{path: org.yaml, may: loosen}", "{may: tighten}", "3", "{path: org.yaml, might: tighten}"])
def test_other_forms_are_refused(extends: str) -> None:
    with pytest.raises(PolicyError, match=r"extends.*; give the path of a base policy, or \{path: org.yaml, may: tighten\}|unknown key"):
        load_policy(written("require: [{check: performance/accuracy, min: 0.85}]\n", extends=extends))


def test_the_merged_text_runs_without_the_base() -> None:
    loaded = load_policy(written("require: [{check: performance/accuracy, min: 0.85}]\n"))
    Path("again.yaml").write_text(loaded.text)
    Path("org.yaml").unlink()
    assert load_policy("again.yaml").policy == loaded.policy.model_copy(update={"extends": None})
