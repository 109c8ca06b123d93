"""What changed between two audits, and between two policies, as the command says it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audit.bundle import diff
from audit.catalog import discover
from audit.cli import app
from tests.findings import finding, requirement
from tests.report.example.runs import audit_run
from tests.running import policy, run, table

if TYPE_CHECKING:
    from pathlib import Path

    from audit.decision.finding import Finding, Status
    from audit.record import AuditRun


def ended(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[str], str]:
    """Exit code, lines of standard output, and standard error."""
    with pytest.raises(SystemExit) as end:
        app.main([str(one) for one in arguments])
    told = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, told.out.splitlines(), told.err


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run that promotes, and one with another model under a looser policy, which blocks."""
    folder = tmp_path_factory.mktemp("bundles")
    accuracy = {"check": "performance/accuracy", "min": 0.8}
    found = []
    for right, require in ((0.9, [accuracy, {"check": "data/class_imbalance", "min": 0.1}]), (0.6, [accuracy | {"min": 0.75}])):
        table(right=right).to_csv(folder / "test.csv", index=False)
        done, results = run(folder, policy(*require))
        assert results is not None, done.stderr
        found.append(folder / "reports" / results["run"]["id"])
    return found[0], found[1]


def test_two_bundles(bundles: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Decision, status, value, interval, bound; what got worse first."""
    code, lines, err = ended(capsys, "diff", *bundles)
    assert (code, err) == (1, "")
    assert lines[:3] == [
        "worse: decision: promote (exit code 0) → block (exit code 1)",
        "worse: performance/accuracy: pass → fail: accuracy 0.900 [0.882, 0.916], n 1,200 → accuracy 0.600 [0.572, 0.627], n 1,200",
        lines[2],
    ]
    assert lines[2].startswith("worse: data/class_imbalance: is no longer measured; was pass share of rows 0.4")
    assert lines[3] == "loosened: require.performance/accuracy.min: 0.8 → 0.75: an easier bound"
    assert {line.split(":")[1].strip() for line in lines[4:-1]} == {"policy", "candidate", "datasets.test"}
    assert lines[-1].startswith("3 worse, 1 loosened")


def test_the_other_way_nothing_got_worse(bundles: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, _ = ended(capsys, "diff", *reversed(bundles))
    assert code == 0
    assert lines[0] == "better: decision: block (exit code 1) → promote (exit code 0)"
    assert not any(line.startswith("worse") for line in lines)


def test_a_bundle_is_no_other_than_itself(bundles: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, "diff", bundles[0], bundles[0]) == (0, ["no difference"], "")


@pytest.mark.parametrize("fault", ["changed", "added", "folder linked", "nothing linked", "gone", "unsealed"])
def test_a_bundle_that_was_touched_is_refused(
    bundles: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    """Whatever file it is, it is named."""
    copy = tmp_path / "copy"
    shutil.copytree(bundles[0], copy)
    if fault == "changed":
        (copy / "results.json").write_text((copy / "results.json").read_text(encoding="utf-8").replace("0.9", "0.99", 1), encoding="utf-8")
    elif fault == "added":
        (copy / "results.json.bak").write_text("{}", encoding="utf-8")
    elif fault.endswith("linked"):
        (copy / "link").symlink_to(tmp_path if fault == "folder linked" else tmp_path / "absent")
    else:
        (copy / ("report.html" if fault == "gone" else "bundle.json")).unlink()
    code, lines, err = ended(capsys, "diff", bundles[0], copy)
    assert (code, lines) == (2, [])
    named = {"changed": "results.json", "added": "results.json.bak", "gone": "report.html", "unsealed": "no bundle"}
    assert named.get(fault, "copy: link: not as the run wrote it") in err


def run_of(one: Finding) -> AuditRun:
    return audit_run([one])


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("pass", "inconclusive", "worse"),
        ("inconclusive", "fail", "worse"),
        ("fail", "error", "worse"),
        ("pass", "not_applicable", "worse"),
        ("not_run", "fail", "better"),
        ("error", "not_run", "other"),
        ("fail", "pass", "better"),
    ],
)
def test_statuses_are_ordered_as_the_decision_takes_them(old: Status, new: Status, kind: str) -> None:
    before, after = (replace(run_of(finding("pass", name="a")), findings=(finding(status, name="a"),)) for status in (old, new))
    (found,) = diff.differences(before, after, discover())
    assert (found.kind, found.place, found.words) == (kind, "a", f"{old} → {new}")


def test_a_comparison_is_compared_by_its_margin() -> None:
    base = run_of(finding("pass", name="a"))
    before, after = (
        replace(base, findings=(replace(finding("pass"), requirement=requirement(id="a", min=None, against="champion", margin=margin)),))
        for margin in (0.01, 0.02)
    )
    (found,) = diff.differences(before, after, discover())
    assert (found.kind, found.place, found.words) == ("loosened", "require.a.margin", "0.01 → 0.02: a wider margin")


POLICY = """\
policy: letters
datasets: {test: {path: test.csv}}
columns: {label: label, prediction: prediction}
candidate: {task: tabular-classification, load: {kind: predictions}}
require:
  - {check: performance/accuracy, by: [region], min: 0.8}
"""


@pytest.fixture
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two policies, the second with an easier bound, as files of the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(POLICY.replace("0.8", "0.7"), encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("policies")
def test_two_policies(capsys: pytest.CaptureFixture[str]) -> None:
    said = "require.performance/accuracy.min: 0.8 → 0.7: an easier bound"
    assert ended(capsys, "diff", "a.yaml", "b.yaml") == (1, [f"loosened: {said}", "1 loosened"], "")
    code, lines, _ = ended(capsys, "diff", "b.yaml", "a.yaml")
    assert (code, lines[0].split(":")[0]) == (0, "tightened")
    assert ended(capsys, "diff", "a.yaml", "a.yaml") == (0, ["no difference"], "")


def test_what_cannot_be_compared_is_exit_code_2(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder with a file, a policy with a mistake, nothing at all."""
    (policies / "bad.yaml").write_text(POLICY.replace("min", "mim"), encoding="utf-8")
    for other in (".", "bad.yaml", "nowhere.yaml"):
        code, lines, err = ended(capsys, "diff", "a.yaml", other)
        assert (code, lines) == (2, [])
        assert err


@pytest.mark.usefixtures("policies")
def test_loosened_is_red_on_a_terminal_alone(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    _, lines, _ = ended(capsys, "diff", "a.yaml", "b.yaml")
    assert lines[0].startswith("\x1b[1;31mloosened: ")
    monkeypatch.delenv("FORCE_COLOR")
    _, lines, _ = ended(capsys, "diff", "a.yaml", "b.yaml")
    assert "\x1b" not in lines[0]
