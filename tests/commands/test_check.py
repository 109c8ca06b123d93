"""`audit check` holds its options against the same rules as a policy."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from audit import catalog
from audit.commands import check as check_command
from audit.errors import AuditError, InputError, ToolError
from audit.phrases import message
from tests.command import audit
from tests.running import table

if TYPE_CHECKING:
    import subprocess

    from audit.evidence import Evidence
    from audit.subject import Subject


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("adhoc")
    table().assign(w=1.0, only="one").to_csv(made / "test.csv", index=False)
    return made


def check(folder: Path, check_id: str, *more: str) -> subprocess.CompletedProcess[str]:
    return audit("check", check_id, "--data", "test.csv", *more, cwd=folder)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("performance/accuracy", "--min", "0.8"), 0),
        (("performance/accuracy", "--min", "0.95"), 1),
        (("performance/accuracy", "--min", "0.9"), 1),
        (("performance/accuracy",), 0),
        (("performance/f1", "--param", "average=macro", "--min", "0.8"), 0),
        (("fairness/demographic_parity_difference", "--by", "only", "--max", "0.5"), 3),
        (("performance/accuracy", "--column", "weight=w", "--min", "0.8"), 3),
    ],
)
def test_exit_codes(folder: Path, given: tuple[str, ...], code: int) -> None:
    """0 pass or measured without a bound, 1 not met or not settled, 3 not measured."""
    done = check(folder, *given)
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.parametrize(
    "given",
    [
        ("performance/accuracy", "--max", "0.99"),
        ("performance/accuracy", "--min", "-1"),
        ("performance/accuracy", "--min", "nan"),
        ("performance/accuracy", "--min", "inf"),
        ("fairness/demographic_parity_difference", "--by", "group", "--min", "-0.5"),
        ("fairness/demographic_parity_difference", "--max", "0.5"),
        ("performance/accuracy", "--by", "region", "--min", "0.8"),
        ("performance/accuracy", "--param", "bins=3", "--min", "0.8"),
        ("performance/f1", "--param", "average=macro", "--param", "average=micro", "--min", "0.8"),
        ("performance/accuracy", "--column", "label=label", "--column", "label=prediction", "--min", "0.8"),
        ("performance/accuracy", "--column", "weight=w"),
        ("performance/accuracy", "--column", "label=prediction", "--min", "0.8"),
        ("performance/accuracy", "--column", "prediction=only", "--min", "0.8"),
        ("performance/f1", "--param", "average=[", "--min", "0.8"),
        ("performance/f1", "--param", "average=!!python/name:os.system", "--min", "0.8"),
        ("data/duplicates", "--param", "near='0.9'", "--max", "5"),
        ("data/duplicates", "--param", "near=yes", "--max", "5"),
        ("data/duplicates", "--by", "group", "--max", "5"),
        ("performance/accuracy", "--min", "0.9", "--max", "0.5"),
        ("performance/accuracy", "--by", "group", "--by", "group", "--min", "0.5"),
        ("performance/accuracy", "--by", "group,group", "--min", "0.5"),
        ("performance/accuracy", "--column", "positive=@", "--min", "0.8"),
        ("performance/acuracy", "--min", "0.8"),
        ("drift/psi", "--max", "0.1"),
    ],
)
def test_wrong_options_are_exit_2_with_a_message(folder: Path, given: tuple[str, ...]) -> None:
    done = check(folder, *given)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_evidence_that_is_not_about_all_the_data_is_not_shown_either(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a bound the same is asked of a check as in an audit."""
    real = catalog.discover()["performance/accuracy"]

    def first_rows(seen: Subject, *given: Any) -> Evidence:
        return real.measure(replace(seen, data=seen.data.head(12)), *given)

    changed = dict(catalog.discover()) | {"performance/accuracy": replace(real, measure=first_rows)}
    monkeypatch.setattr(catalog, "discover", lambda: changed)
    with pytest.raises(ToolError, match="examined 12 of 1,200 rows"):
        check_command.measured(check_command.CheckRequest("performance/accuracy", folder / "test.csv"))


def test_words_are_read_as_a_policy_reads_them(tmp_path: Path) -> None:
    """YAML 1.1 reads `no` as false, and no class is called that."""
    (tmp_path / "test.csv").write_text("label,score\n" + "no,0.9\nyes,0.1\n" * 50, encoding="utf-8")
    done = check(tmp_path, "performance/roc_auc", "--column", "positive=no", "--min", "0.9")
    assert done.returncode == 0, done.stdout + done.stderr


def test_misspelt_names_are_told_the_nearest(folder: Path) -> None:
    assert "did you mean 'performance/accuracy'?" in check(folder, "acuracy", "--min", "0.8").stderr
    assert "--param avrage: unknown key; did you mean 'average'?" in check(folder, "performance/f1", "--param", "avrage=macro").stderr


def test_an_endless_bound_is_told_what_to_give(folder: Path) -> None:
    assert check(folder, "performance/accuracy", "--min", "nan").stderr == "--min: is NaN; give a finite number\n"


GONE = Path("gone.csv")
HERE = Path("test.csv")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (check_command.CheckRequest("performance/accuracy", GONE), "--data gone.csv: there is no such file"),
        (
            check_command.CheckRequest("data/train_test_leakage", HERE, others=["train=gone.csv"]),
            "--dataset train=gone.csv: there is no such file",
        ),
        (
            check_command.CheckRequest("performance/accuracy", HERE, columns=["label=labl"]),
            "--data test.csv: --column label: no column 'labl', did you mean 'label'?",
        ),
        (
            check_command.CheckRequest("performance/recall", HERE, columns=["positive=urgent"]),
            "--column positive is 'urgent', but the classes are 0, 1",
        ),
        (
            check_command.CheckRequest("performance/accuracy", HERE, columns=["lable=label"]),
            "--column lable: unknown key; did you mean 'label'?",
        ),
        (
            check_command.CheckRequest("performance/accuracy", HERE, by=["gruop"]),
            "--by gruop: test.csv has no such column; did you mean 'group'? It has id, label,",
        ),
        (
            check_command.CheckRequest("data/duplicates", HERE, params=["columns=[gruop]"]),
            "--param columns: gruop: test.csv has no such column; did you mean 'group'?",
        ),
        (check_command.CheckRequest("performance/accuracy", HERE, columns=["weight=w"]), "--column weight is set for"),
    ],
)
def test_mistakes_are_told_of_what_was_typed(
    folder: Path, asked: check_command.CheckRequest, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no policy here whose keys could be mended."""
    monkeypatch.chdir(folder)
    with pytest.raises(AuditError) as found:
        check_command.measured(asked)
    judged = ""
    with contextlib.suppress(AuditError):
        judged = message(check_command.judged(replace(asked, minimum=0.5)))
    for said in (str(found.value), judged or told):
        assert told in said
        assert not re.search(r"datasets\.|\bcolumns\.|set to null", said)


def guesses(folder: Path, cells: dict[str, list[object]], *said: str) -> tuple[dict[str, str], list[str]]:
    """The roles that a table's columns get, and the remarks."""
    pd.DataFrame(cells).to_csv(folder / "guess.csv", index=False)
    remarks: list[str] = []
    evidence = check_command.measured(check_command.CheckRequest("data/duplicates", folder / "guess.csv", columns=said), remarks.append)
    return {note.split(" ")[0]: note for note in evidence.notes}, remarks


def test_roles_by_name_are_told_and_can_be_taken_away(tmp_path: Path) -> None:
    texts: dict[str, list[object]] = {"text": ["one", "One", "two"], "label": [1, 0, 1], "channel": ["a", "b", "c"]}
    notes, remarks = guesses(tmp_path, texts)
    assert notes["Compared"] == "Compared by text."
    assert len(remarks) == 1
    assert "roles by the names of the columns: text, label;" in remarks[0]
    for said in ("text=", "text=null"):
        notes, remarks = guesses(tmp_path, texts, said)
        assert notes["Compared"] == "Compared by text, channel."
        assert "roles by the names of the columns: label;" in remarks[0]
    assert guesses(tmp_path, texts, "text=channel", "label=")[1] == []


@pytest.mark.parametrize(
    "comments",
    [["called back", None, None] * 20, ["called back", "no answer", "called back"] * 20, [" ", "called back", "x y"] * 20, [None] * 60],
)
def test_a_column_that_reads_like_no_text_is_a_feature(tmp_path: Path, comments: list[object]) -> None:
    """Mostly blank, or a few answers over and over; said to be the text it is one."""
    cells: dict[str, list[object]] = {"comment": comments, "age": list(range(0, 120, 2))}
    notes, remarks = guesses(tmp_path, cells)
    assert notes["Compared"] == "Compared by comment, age."
    assert "comment is not taken for the text" in remarks[0]
    assert guesses(tmp_path, cells, "text=comment")[0]["Compared"] == "Compared by comment."
    assert guesses(tmp_path, {"comment": ["called back", "no answer"] * 3})[0]["Compared"] == "Compared by comment."


def test_a_column_of_thousands_of_values_is_no_column_of_groups(folder: Path) -> None:
    done = check(folder, "performance/accuracy", "--by", "id", "--min", "0.8")
    assert done.returncode == 2
    assert "--by: 'id' splits the rows into 1,200 slices, and 1,000 are the most" in done.stderr


def test_the_prescribed_table_is_printed_where_no_report_is_written(folder: Path) -> None:
    """Rates, ratios to the highest, intervals and exact p, with a bound and without; what is unknown is in no ratio."""
    for bound in ((), ("--min", "0.5")):
        said = check(folder, "fairness/impact_ratio", "--by", "group", *bound).stdout
        lines = [line for line in said.splitlines() if " selected, rate " in line]
        assert [line.split(":")[0].strip() for line in lines] == ["group=a", "group=b", "group=null"]
        assert sum("the highest rate" in line for line in lines) == 1
        assert sum(re.search(r"impact ratio 0\.\d+ \[0\.\d+, 1\.\d+\], exact p 0\.\d+", line) is not None for line in lines) == 1
        assert "unknown category, in no ratio" in lines[2]


def test_names_of_columns_are_known_in_any_case(tmp_path: Path) -> None:
    """Where none is written as usual; `label` beside `Label` is the label."""
    cells: dict[str, list[object]] = {"Label": [1, 0, 1], "PREDICTION": [1, 0, 1], "x": [1, 2, 3]}
    assert "label from Label, prediction from PREDICTION" in guesses(tmp_path, cells)[1][0]
    assert "label, prediction from PREDICTION" in guesses(tmp_path, cells | {"label": [0, 0, 1]})[1][0]


def test_without_a_label_the_columns_are_named(tmp_path: Path) -> None:
    """One column alone shows that the separator is another: nothing was measured, and the file is why."""
    (tmp_path / "test.csv").write_text("label^prediction\n1^1\n0^0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"--data .*test\.csv: performance/accuracy needs true labels.*; it has label\^prediction"):
        check_command.judged(check_command.CheckRequest("performance/accuracy", tmp_path / "test.csv", minimum=0.5))


def test_checks_of_data_take_numbers_for_labels(tmp_path: Path) -> None:
    """Predicted numbers are no misspelt classes, whatever is measured beside them."""
    lines = [f"{i}.5,{i + 1}.25,{i * i}" for i in range(40)]
    (tmp_path / "test.csv").write_text("\n".join(["target,prediction,size", *lines]) + "\n", encoding="utf-8")
    done = check(tmp_path, "data/duplicates", "--max", "0")
    assert done.returncode == 0, done.stderr
