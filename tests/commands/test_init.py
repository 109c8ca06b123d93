"""`audit init` writes a policy that the loader takes, whatever it finds, and never overwrites one."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.catalog import discover
from audit.commands import init as init_command
from audit.errors import InputError, PolicyError
from audit.pipeline import preconditions
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets
from audit.pipeline.run import Options, audit_policy
from audit.policy import LoadedPolicy, load
from audit.progress import Silent
from tests import realdata
from tests.command import AUDIT, installed

PREDICTIONS = "row_id,y_true,pred,Gender,amount\n" + "".join(
    f"{i},{'yes' if i % 3 == 0 else 'no'},no,{'fm'[i % 2]},{i}\n" for i in range(30)
)
TEXTS = "id,text,label\n" + "".join(f"{i},letter number {i},{i % 2}\n" for i in range(20))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder called `letters`, as the current directory."""
    (tmp_path / "letters").mkdir()
    monkeypatch.chdir(tmp_path / "letters")
    return tmp_path / "letters"


def proposed(path: Path) -> LoadedPolicy:
    """The starter policy, held against the catalogue and its data."""
    loaded = load_policy(path)
    preconditions.check_columns(loaded, read_datasets(loaded))
    return loaded


def test_a_file_of_predictions(folder: Path) -> None:
    (folder / "scored.csv").write_text(PREDICTIONS, encoding="utf-8")
    path = init_command.write(Path())
    assert path == Path("policies/letters.yaml")
    policy = proposed(path).policy
    assert policy.policy == "letters"
    assert policy.datasets["test"].path == "scored.csv"
    assert (policy.columns.id, policy.columns.label, policy.columns.prediction) == ("row_id", "y_true", "pred")
    assert policy.columns.positive == "yes", "the rarer class"
    assert policy.columns.sensitive == ("Gender",)
    assert policy.candidate.load is not None
    assert policy.candidate.load.kind == "predictions"
    assert {"performance/accuracy", "fairness/equal_opportunity_difference"} <= {one.check for one in policy.require}


def test_rows_that_nothing_tells_apart_are_no_repeats(folder: Path) -> None:
    """Predictions by group alone are alike without being the same case; beside an amount they are compared."""
    checks = []
    for number, header in enumerate(("label,prediction,gender", "label,prediction,amount", "label")):
        lines = [",".join([str(i % 2), str(i % 2), "fm"[i % 2]][: header.count(",") + 1]) for i in range(30)]
        (folder / "scored.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        checks.append({one.check for one in proposed(init_command.write(Path(), f"letters-{number}")).policy.require})
    assert ["data/duplicates" in one for one in checks] == [False, True, False]


def test_texts_without_a_model_are_fine_tuned(folder: Path) -> None:
    for name in ("train", "test"):
        (folder / f"{name}.csv").write_text(TEXTS, encoding="utf-8")
    (folder / "production.jsonl").write_text("".join(json.dumps({"id": i, "text": f"note {i}"}) + "\n" for i in range(9)), encoding="utf-8")
    policy = proposed(init_command.write(Path())).policy
    assert list(policy.datasets) == ["train", "test", "production"]
    assert policy.candidate.task == "text-classification"
    assert policy.candidate.fine_tune is not None
    assert policy.columns.positive is None, "0/1 labels speak for themselves"
    production = policy.datasets["production"].columns
    assert production is not None
    assert "label" in production.model_fields_set
    assert production.label is None


def test_a_transformers_folder_is_found(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data/test.csv").write_text(TEXTS, encoding="utf-8")
    (folder / "models/mine").mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / "models/mine" / name).write_bytes(b"{}")
    load_spec = proposed(init_command.write(Path())).policy.candidate.load
    assert load_spec is not None
    assert (load_spec.kind, load_spec.path) == ("transformers", "models/mine")


def test_a_skops_file_is_found(folder: Path) -> None:
    (folder / "test.csv").write_text(PREDICTIONS.replace(",pred,", ",guess,"), encoding="utf-8")
    (folder / "model.skops").write_bytes(b"")
    load_spec = proposed(init_command.write(Path())).policy.candidate.load
    assert load_spec is not None
    assert (load_spec.kind, load_spec.path) == ("sklearn", "model.skops")


def test_numbers_for_labels_are_no_classes(folder: Path) -> None:
    """A regression policy, its bound a first guess in the labels' own unit: half of what always giving the middle is off by."""
    header, rows = "target,prediction,score,gender,size\n", [f"{i * 1000},{i * 1000 + 5},7,{'fm'[i % 2]},{i}\n" for i in range(50)]
    (folder / "test.csv").write_text(header + "".join(rows), encoding="utf-8")
    policy = proposed(init_command.write(Path())).policy
    assert (policy.candidate.task, policy.columns.score) == ("tabular-regression", None)
    found = {one.check: one for one in policy.require}
    assert found["performance/mean_absolute_error"].max == 6200
    assert found["performance/mean_absolute_error"].by == (("gender",),)
    assert "performance/r2" in found


def test_numbers_without_a_model_wait_for_one(folder: Path) -> None:
    (folder / "test.csv").write_text("target,size\n" + "".join(f"{i * 1.5},{i}\n" for i in range(50)), encoding="utf-8")
    policy = proposed(init_command.write(Path())).policy
    assert policy.candidate.task == "tabular-regression"
    assert [one.check for one in policy.require] == ["performance/mean_absolute_error", "performance/r2", "data/duplicates"]
    assert policy.candidate.load is not None
    assert policy.candidate.load.path == "models/model.skops", "a place for the model, without which nothing runs"


def test_texts_with_numbers_for_labels_say_so(folder: Path) -> None:
    (folder / "test.csv").write_text("text,target\n" + "".join(f"note {i},{i * 1.5}\n" for i in range(50)), encoding="utf-8")
    assert "# target has too many values for classes" in init_command.write(Path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["007", "2026", "true"])
def test_a_name_that_is_no_word_is_quoted(folder: Path, name: str) -> None:
    (folder / "test.csv").write_text(PREDICTIONS, encoding="utf-8")
    assert proposed(init_command.write(Path(), name)).policy.policy == name


def test_a_file_in_the_way_of_the_policies_is_left_alone(folder: Path) -> None:
    (folder / "test.csv").write_text(PREDICTIONS, encoding="utf-8")
    (folder / "policies").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match=r"^policies: the policy cannot be written there \(File exists\); move what is in the way$"):
        init_command.write(Path())
    assert (folder / "policies").read_text(encoding="utf-8") == "mine"


def test_data_behind_a_link_are_named_by_the_link(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The wall around the project is for the policy's reader to open, with --allow-outside."""
    far = tmp_path_factory.mktemp("far") / "test.csv"
    far.write_text(PREDICTIONS, encoding="utf-8")
    (folder / "test.csv").symlink_to(far)
    path = init_command.write(Path())
    assert load(path, allow_outside=True).policy.datasets["test"].path == "test.csv"


def test_column_names_that_yaml_would_misread_are_quoted(folder: Path) -> None:
    (folder / "a, b.csv").write_text("label,prediction,Region\n" + "no,~,1\nno,no,2\n~,no,3\n", encoding="utf-8")
    policy = proposed(init_command.write(Path())).policy
    assert policy.datasets["test"].path == "a, b.csv"
    assert policy.columns.positive == "~"


def test_a_folder_elsewhere_gets_its_policy_beside_its_data(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/test.csv").write_text(PREDICTIONS, encoding="utf-8")
    path = init_command.write(tmp_path / "elsewhere")
    assert path == tmp_path / "elsewhere/elsewhere.yaml"
    assert proposed(path).project == tmp_path / "elsewhere"
    assert not list(folder.iterdir())


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "test.csv").write_text(PREDICTIONS, encoding="utf-8")
    path = init_command.write(Path())
    path.write_text("mine\n", encoding="utf-8")
    with pytest.raises(InputError, match="is there already; delete it, or write another with --name"):
        init_command.write(Path())
    assert path.read_text(encoding="utf-8") == "mine\n"
    assert init_command.write(Path(), "another") == Path("policies/another.yaml")


@pytest.mark.usefixtures("folder")
def test_a_folder_without_data_is_refused() -> None:
    with pytest.raises(InputError, match="holds no data"):
        init_command.write(Path())
    with pytest.raises(InputError, match="is not a folder"):
        init_command.write(Path("nowhere"))


def test_a_name_that_is_a_path_is_refused(folder: Path) -> None:
    (folder / "test.csv").write_text(PREDICTIONS, encoding="utf-8")
    with pytest.raises(InputError, match="use letters, digits"):
        init_command.write(Path(), "../../escaped")


def test_without_a_label_it_asks(folder: Path) -> None:
    """And writes nothing: a policy that asks nothing of the model would prove nothing."""
    rows = "".join(f"{i},{i % 3},{1 + i % 2}\n" for i in range(30))
    (folder / "credit.csv").write_text("amount,purpose,credit\n" + rows, encoding="utf-8")
    with pytest.raises(InputError, match=r"a few values are credit \(2 values\), purpose \(3 values\): say .* --column label=NAME"):
        init_command.write(Path())
    assert not (folder / "policies").exists()
    with pytest.raises(InputError, match=r"--column label=kredit: credit.csv has no such column; did you mean 'credit'"):
        init_command.write(Path(), columns={"label": "kredit"})
    policy = proposed(init_command.write(Path(), columns={"label": "credit"})).policy
    assert (policy.columns.label, policy.columns.positive) == ("credit", "2")
    assert len([one for one in policy.require if discover()[one.check].asks_the_model]) >= 6


def test_a_score_that_is_no_probability_is_a_feature(folder: Path) -> None:
    rows = "".join(f"{i % 2},{i % 2},{300 + 7 * i}\n" for i in range(30))
    (folder / "test.csv").write_text("label,prediction,score\n" + rows, encoding="utf-8")
    assert proposed(init_command.write(Path())).policy.columns.score is None


@pytest.mark.parametrize(("name", "label"), [("german_credit", "credit"), ("bank_marketing", "y")])
def test_public_tables_end_in_an_audit_or_a_question(folder: Path, name: str, label: str) -> None:
    """As they come they hold no answers of a model, which `audit run` asks for; with answers six checks of the model are judged."""
    frame = pd.read_csv(next(realdata.path(name).glob("*.csv.gz"))).head(1500)
    frame.to_csv(folder / "test.csv", index=False)
    asked = {"label": label}
    path = init_command.write(Path(), "waiting", asked)
    with pytest.raises(PolicyError, match=r"models/model\.skops: there is no such file"):
        audit_policy(path, Options(folder / "reports", "audit run"), Silent())
    wrong = np.random.default_rng(0).random(len(frame)) < 0.1
    classes = frame[label].unique()
    frame.assign(prediction=np.where(wrong, classes[0], frame[label])).to_csv(folder / "test.csv", index=False)
    path = init_command.write(Path(), "answered", asked)
    findings = audit_policy(path, Options(folder / "reports", "audit run"), Silent()).audit.findings
    asking = [one for one in findings if discover()[one.requirement.check].asks_the_model]
    assert len([one for one in asking if one.status in {"pass", "fail", "inconclusive"}]) >= 6
    accuracy = next(one for one in findings if one.requirement.check == "performance/accuracy")
    assert accuracy.status == "pass"


def test_the_positive_class_is_the_one_with_the_higher_score(folder: Path) -> None:
    rows = "".join(f"{'no' if i % 3 else 'yes'},{'no' if i % 3 else 'yes'},{0.9 if i % 3 else 0.1}\n" for i in range(30))
    (folder / "test.csv").write_text("label,prediction,score\n" + rows, encoding="utf-8")
    assert proposed(init_command.write(Path())).policy.columns.positive == "no"


def test_columns_that_cannot_play_the_role_of_their_name_are_left_alone(folder: Path) -> None:
    """An id that repeats, comments that hardly anybody wrote, and a group without a value."""
    rows = "".join(f"{i % 5},{'' if i else 'late'},,{i % 2},{i % 2},{i}\n" for i in range(30))
    (folder / "test.csv").write_text("id,comment,gender,label,prediction,amount\n" + rows, encoding="utf-8")
    columns = proposed(init_command.write(Path())).policy.columns
    assert (columns.id, columns.text, columns.sensitive) == (None, None, ())


def test_a_feature_called_score_is_no_score(folder: Path) -> None:
    """A bureau's score between 0 and 1 beside predictions that do not follow from it, and one without any predictions."""
    rows = "".join(f"{i % 2},{(i // 2) % 2},{i / 30},{i}\n" for i in range(30))
    (folder / "test.csv").write_text("label,prediction,score,amount\n" + rows, encoding="utf-8")
    unused: dict[str, str] = {}
    path = init_command.write(Path(), on_left_out=unused.__setitem__)
    assert proposed(path).policy.columns.score is None
    assert unused == {
        "score": "the predictions do not follow from it, so it is not taken for the score: counts as a feature; "
        "--column score=score makes it the score",
        "amount": "no usual name of a role: counts as a feature",
    }
    (folder / "test.csv").write_text("label,score,amount\n" + "".join(f"{i % 2},{i / 30},{i}\n" for i in range(30)), encoding="utf-8")
    assert load_policy(init_command.write(Path(), "features")).policy.columns.score is None
    assert load_policy(init_command.write(Path(), "said", {"score": "score"})).policy.columns.score == "score"


@pytest.mark.parametrize("name", ["y_score", "probability", "score"])
def test_a_score_of_the_label_is_one(folder: Path, name: str) -> None:
    """By a name that no feature has, or because the predictions follow from it."""
    rows = "".join(f"{i % 2},{int(i >= 12)},{i / 30}\n" for i in range(30))
    (folder / "test.csv").write_text(f"label,prediction,{name}\n" + rows, encoding="utf-8")
    assert proposed(init_command.write(Path())).policy.columns.score == name


def test_a_person_is_asked_for_what_cannot_be_seen(folder: Path) -> None:
    rows = "".join(f"{'ab'[i % 2]},{i % 3},{'yes' if i % 3 else 'no'}\n" for i in range(30))
    (folder / "test.csv").write_text("branch,amount,paid\n" + rows, encoding="utf-8")
    put: list[tuple[str, str]] = []

    def ask(question: str, suggestion: str) -> str:
        put.append((question, suggestion))
        return "branch" if "groups" in question else "Lending" if "answers for the model" in question else suggestion

    policy = proposed(init_command.write(Path(), ask=ask)).policy
    assert [suggestion for _, suggestion in put] == ["paid", "", "no", ""]
    assert (policy.columns.label, policy.columns.positive, policy.columns.sensitive) == ("paid", "no", ("branch",))
    assert policy.system is not None
    assert policy.system.owner is not None
    assert policy.system.owner.team == "Lending"


def test_a_person_is_not_asked_for_what_was_said(folder: Path) -> None:
    (folder / "test.csv").write_text(PREDICTIONS, encoding="utf-8")
    put: list[str] = []

    def ask(question: str, _: str) -> str:
        put.append(question)
        return ""

    said = {"positive": "no", "sensitive": "[Gender]"}
    policy = proposed(init_command.write(Path(), columns=said, ask=ask)).policy
    assert put == ["Who answers for the model? A team or an address; Enter leaves it open"]
    assert (policy.columns.positive, policy.columns.sensitive) == ("no", ("Gender",))
    with pytest.raises(InputError, match=r"--column sensitive\.0=sex: .* has no such column"):
        init_command.write(Path(), "wrong", {"sensitive": "sex"})


def test_the_command_asks_on_a_terminal_alone(folder: Path) -> None:
    rows = "".join(f"{i % 3},{'yes' if i % 3 else 'no'}\n" for i in range(30))
    (folder / "test.csv").write_text("amount,paid\n" + rows, encoding="utf-8")
    done = installed("init", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    code, shown = on_terminal([AUDIT, "init"], folder, "\n\n\n\n")
    assert code == 0, shown
    assert "Which column holds the true answers? amount, paid [paid]:" in shown
    assert "left out: amount: no usual name of a role: counts as a feature" in shown
    assert load_policy(folder / "policies/letters.yaml").policy.columns.positive == "no"


def on_terminal(command: list[str], folder: Path, typed: str) -> tuple[int, str]:
    """The exit code of a command whose streams are a terminal, and what it showed."""
    ours, theirs = os.openpty()
    with subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)
    return child.returncode, shown.decode()
