"""A function of the project's own: found, held against its digest, called, and judged on an interval."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.catalog import discover, info
from audit.checks.performance._own_function import FunctionError
from audit.errors import CannotMeasure
from audit.phrases import message
from audit.pipeline import judging
from audit.pipeline.jobs import Job
from audit.policy.schema import Requirement
from audit.stats import GroupJackknife, Mean
from tests.classified import counts, scored, shuffled
from tests.compared import compare, seen, swapped
from tests.compared import table as two_models
from tests.judged import status
from tests.misses import misses, most
from tests.numbered import drawn, regressed
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pathlib import Path

    from audit.decision.finding import Finding
    from audit.evidence import Evidence
    from audit.subject import Subject

CHECK = "performance/custom"
SOURCE = """
import numpy as np

def right(y_true, y_pred):
    return (y_true == y_pred).astype(float)

def f1(y_true, y_pred):
    hits = np.sum((y_true == "yes") & (y_pred == "yes"))
    return 2 * hits / (np.sum(y_true == "yes") + np.sum(y_pred == "yes"))

def saved(y_true, y_pred, frame):
    return np.where(y_true == y_pred, frame["amount"], -1.0)

def sure(y_score):
    return y_score.max(axis=1)

def share(y_true, y_pred, scale=1.0):
    return scale * np.mean(y_true == y_pred)

def off(y_true, y_pred):
    return -np.abs(y_true - y_pred)

def crash(y_true):
    raise RuntimeError("no luck")

def nan(y_true):
    return np.full(len(y_true), np.nan)

def text(y_true):
    return "much"

def short(y_true):
    return np.ones(3)

def digits(y_true):
    return ["1.5"] * len(y_true)

def nothing(y_true):
    pass

def complex_numbers(y_true):
    return np.full(len(y_true), 1 + 1j)

def masked(y_true):
    return np.ma.masked_array(np.ones(len(y_true)), mask=[True] + [False] * (len(y_true) - 1))

def ragged(y_true):
    return [[1.0], [1.0, 2.0]]

def either(y_true):
    return 1.0 if len(y_true) == 20 else np.ones(len(y_true))

def by_place(y_true, /):
    return 1.0

built_in = sum

def quotes(y_true):
    raise KeyError("jane@example.org, 0794 612 3458 of 1500 rows")

def leaves(y_true):
    raise SystemExit(0)

def deep(y_true):
    return np.linalg.inv(np.zeros((2, 2)))

def asks(y_true, threshold):
    return 1.0

def spoils(y_true, y_pred):
    y_pred[:] = y_true
    return (y_true == y_pred).astype(float)

constant = 3
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "cost.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def digest(project: Path) -> str:
    return hashlib.sha256((project / "metrics" / "cost.py").read_bytes()).hexdigest()


def asked(project: Path, made: Subject, name: str, **more: Any) -> Evidence:
    return measure(CHECK, replace(made, project=str(project)), function=f"metrics.cost:{name}", **({"sha256": digest(project)} | more))


def test_values_a_row_are_a_mean_by_hand(project: Path) -> None:
    """Right rows save their amount, wrong ones cost 1: (5 + 7 - 1 + 2) / 4."""
    frame = pd.DataFrame({"label": ["a", "b", "a", "b"], "prediction": ["a", "b", "b", "b"], "amount": [5.0, 7.0, 3.0, 2.0]})
    found = asked(project, subject(frame), "saved")
    assert found.members[0].estimate.value == pytest.approx(13 / 4)
    assert isinstance(found.members[0].estimate, Mean)
    assert found.unit == "saved"
    assert found.notes == (f"Measured by the project's own metrics.cost:saved, in a file of digest {digest(project)}.",)


def test_one_number_is_that_of_scikit_learn_in_every_slice(project: Path) -> None:
    from sklearn.metrics import f1_score

    frame = counts(100, 20, 15, 165).assign(region=["north", "south"] * 150)
    found = asked(project, subject(shuffled(frame), by=(("region",),)), "f1")
    for one, (_, part) in zip(found.members, frame.groupby("region"), strict=True):
        assert one.estimate.value == pytest.approx(f1_score(part.label, part.prediction, pos_label="yes"), abs=1e-12)
        assert isinstance(one.estimate, GroupJackknife)


@given(st.integers(0, 1000))
def test_one_number_and_values_a_row_agree(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Of the same share: the value is the same, and the ends nearly."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "metrics").mkdir()
    (folder / "metrics" / "cost.py").write_text(SOURCE, encoding="utf-8")
    frame = scored(400, seed)
    each, whole = (asked(folder, subject(frame), name).members[0].estimate for name in ("right", "share"))
    assert whole.value == pytest.approx(each.value)
    (low, high), (down, up) = each.bounds(0.025, 0.025), whole.bounds(0.025, 0.025)
    assert 0.6 < (up - down) / (high - low) < 1.8


def test_probabilities_are_given_too(project: Path) -> None:
    frame = scored(100)
    expected = np.maximum(frame.score, 1 - frame.score).mean()
    assert asked(project, subject(frame), "sure").members[0].estimate.value == pytest.approx(expected)


def test_it_is_given_copies(project: Path) -> None:
    """A function that writes into what it is given changes nobody else's numbers."""
    made = subject(counts(5, 5, 5, 5))
    assert asked(project, made, "spoils").members[0].estimate.value == 1.0
    assert asked(project, made, "right").members[0].estimate.value == 0.5


def test_the_interval_decides(project: Path) -> None:
    made = subject(counts(200, 30, 40, 130))
    for name in ("right", "share"):
        found = asked(project, made, name)
        value, (low, high) = found.members[0].estimate.value, found.members[0].estimate.bounds(0.025, 0.025)
        middle = (value + low) / 2
        assert [status(CHECK, found, min=bound) for bound in (low - 0.01, middle, high + 0.01)] == ["pass", "inconclusive", "fail"]
        assert status(CHECK, unplugged(found), min=middle) == "pass"
    few = asked(project, subject(counts(30, 0, 1, 30)), "share")
    assert status(CHECK, few, min=0.1) == "inconclusive"


def test_coverage(project: Path) -> None:
    rng, trials = np.random.default_rng(4), 60

    def draw() -> pd.DataFrame:
        label = rng.random(300) < 0.4
        right = rng.random(300) < 0.9
        return pd.DataFrame({"label": np.where(label, "yes", "no"), "prediction": np.where(label == right, "yes", "no")})

    truth = 2 * 0.36 / (0.4 + 0.36 + 0.06)
    assert max(misses(lambda: asked(project, subject(draw()), "f1").members[0].estimate, truth, trials)) <= most(0.03, trials)


def test_rows_of_one_person_widen_the_interval(project: Path) -> None:
    frame = pd.concat([counts(40, 12, 12, 40)] * 4)
    for name in ("right", "share"):
        widths = []
        for person in (np.arange(len(frame)), np.tile(np.arange(104), 4)):
            low, high = asked(project, subject(frame.assign(person=person), group="person"), name).members[0].estimate.bounds(0.025, 0.025)
            widths.append(high - low)
        assert widths[1] > 1.5 * widths[0]


@pytest.mark.parametrize("name", ["right", "share"])
def test_two_models_are_compared_on_the_same_rows(project: Path, name: str) -> None:
    frame = two_models(600, noise=1.0)
    params: dict[str, Any] = {"function": f"metrics.cost:{name}", "sha256": digest(project)}
    params |= {} if name == "right" else {"lowest": None, "highest": None}
    own, old = (replace(seen(one, positive=1), project=str(project)) for one in (frame, swapped(frame)))
    found = compare(CHECK, own, **params)
    apart = measure(CHECK, own, **params).members[0].estimate.value - measure(CHECK, old, **params).members[0].estimate.value
    assert found.members[0].estimate.value == pytest.approx(apart, abs=1e-12)
    low, high = found.members[0].estimate.bounds(0.025, 0.025)
    alone = measure(CHECK, own, **params).members[0].estimate.bounds(0.025, 0.025)
    assert low < apart < high
    assert high - low < 1.3 * (alone[1] - alone[0])
    assert found.unit == f"{name} difference from the champion"


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("crash", FunctionError, "raised RuntimeError: no luck"),
        ("nan", FunctionError, "20 values that are no finite numbers"),
        ("text", FunctionError, "gave text, where numbers are due"),
        ("digits", FunctionError, "gave text, where numbers are due"),
        ("nothing", FunctionError, "gave a NoneType, where numbers are due"),
        ("complex_numbers", FunctionError, "gave complex numbers, where"),
        ("masked", FunctionError, "masked cells"),
        ("ragged", FunctionError, r"gave a list, which is not numbers \("),
        ("short", FunctionError, r"cost:short \(cost\.py:\d+\) gave an array of shape \(3,\) for 20 rows"),
        ("either", FunctionError, "gave one number for a slice and one a row for a part of it"),
        ("by_place", CannotMeasure, "takes y_true by its place alone"),
        ("built_in", CannotMeasure, "takes iterable by its place alone"),
        ("asks", CannotMeasure, "asks for threshold; it is given what it asks for of y_true, y_pred, y_score, frame"),
        ("constant", CannotMeasure, "defines no function 'constant'"),
        ("absent", CannotMeasure, "defines no function 'absent'"),
        ("sure", CannotMeasure, r"columns\.score"),
    ],
)
def test_what_a_function_does_wrong_is_an_error_and_never_a_pass(project: Path, name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        asked(project, subject(counts(5, 5, 5, 5)), name)


def test_a_file_that_changed_or_lies_elsewhere_is_not_run(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    made = subject(counts(5, 5, 5, 5))
    named = digest(project)
    (project / "metrics" / "cost.py").write_text("raise SystemExit(0)", encoding="utf-8")
    with pytest.raises(CannotMeasure, match=f"has the digest {digest(project)}, and the policy names another"):
        asked(project, made, "right", sha256=named)
    outside = tmp_path_factory.mktemp("outside") / "cost.py"
    outside.write_text(SOURCE, encoding="utf-8")
    (project / "metrics" / "cost.py").unlink()
    (project / "metrics" / "cost.py").symlink_to(outside)
    for function in ("metrics.cost:right", "metrics.other:right", "json:dumps"):
        with pytest.raises(CannotMeasure, match="in the project folder"):
            measure(CHECK, replace(made, project=str(project)), function=function, sha256=named)


@pytest.mark.parametrize("function", ["os", "../x:y", "/etc/x:y", "a..b:c", "a.b:c()", "a:b.c"])
def test_a_name_that_is_no_module_and_function_is_refused(project: Path, function: str) -> None:
    with pytest.raises(ValidationError, match="function"):
        measure(CHECK, subject(counts(5, 5, 5, 5)), function=function, sha256=digest(project))
    with pytest.raises(ValidationError, match="sha256"):
        measure(CHECK, subject(counts(5, 5, 5, 5)), function="metrics.cost:right")


def test_a_range_makes_rows_alike_provable(project: Path) -> None:
    """All of 300 right: without a range nothing bounds what was not seen; a value outside it is an error."""
    made = subject(counts(150, 0, 0, 150))
    assert status(CHECK, asked(project, made, "right"), min=0.9) == "inconclusive"
    assert status(CHECK, asked(project, made, "right", lowest=0.0, highest=1.0), min=0.9) == "pass"
    with pytest.raises(FunctionError, match=r"cost:right gave values from 1 to 1, outside of `highest: 0\.5`"):
        asked(project, made, "right", highest=0.5)


def ended(project: Path, name: str, **more: Any) -> Finding:
    """What the engine makes of it."""
    check = discover()[CHECK]
    params = {"function": f"metrics.cost:{name}", "sha256": digest(project)} | more
    asked_for = Requirement(check=CHECK, id=CHECK, min=-9, params=params)
    made = replace(subject(counts(5, 5, 5, 5)), project=str(project))
    (found,) = judging.findings([Job(asked_for, check, info(CHECK), check.params.model_validate(params), made, 0, 0.95, "x")])
    return found


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("crash", "raised RuntimeError: no luck (metrics/cost.py:{line})"),
        ("leaves", "raised SystemExit: 0 (metrics/cost.py:{line})"),
        ("deep", "raised LinAlgError: Singular matrix (metrics/cost.py:{line})"),
    ],
)
def test_a_crash_is_told_as_the_projects_own_with_its_line(project: Path, name: str, told: str) -> None:
    """The line is that of the project's file, also where a library raised below it."""
    line = SOURCE.splitlines().index(f"def {name}(y_true):") + 2
    found = ended(project, name)
    assert found.status == "error"
    assert message(found) == (
        f"the project's function metrics.cost:{name} {told.format(line=line)}: "
        "mend the function, set `sha256` to the new digest of its file, and audit again"
    )


def test_an_error_quotes_nobody(project: Path) -> None:
    """What it quotes of a row may be an address or a telephone number; the report must not tell either."""
    assert "raised KeyError: '(address) (number) of 1500 rows' (metrics/cost.py:" in message(ended(project, "quotes"))


@pytest.mark.parametrize("name", ["nan", "text", "short", "masked", "either"])
def test_what_is_no_number_ends_as_an_error_of_the_project(project: Path, name: str) -> None:
    found = ended(project, name)
    assert found.status == "error"
    assert message(found).startswith(f"the project's function metrics.cost:{name}")
    assert "fault of the tool" not in message(found)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nowhere_at_all\n", "raised ModuleNotFoundError: No module named 'nowhere_at_all' (metrics/cost.py:1)"),
        ("x = 1\nraise SystemExit(0)\n", "raised SystemExit: 0 (metrics/cost.py:2)"),
        ("def right(:\n", "cost.py is no Python (cost.py:1: "),
        ("x = '\0'\n", "cost.py is no Python ("),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_with_its_line(project: Path, source: str, told: str) -> None:
    (project / "metrics" / "cost.py").write_text(source, encoding="utf-8")
    found = ended(project, "right")
    assert found.status == "error"
    assert told in message(found)
    assert "fault of the tool" not in message(found)


def test_numbers_are_given_to_a_function_of_a_regression_model(project: Path) -> None:
    from sklearn.metrics import mean_absolute_error

    frame = drawn(300)
    made = regressed(frame)
    found = asked(project, made, "off")
    assert found.members[0].estimate.value == pytest.approx(-mean_absolute_error(frame.label, frame.prediction))
    more: dict[str, Any] = {"function": "metrics.cost:off", "sha256": digest(project), "lowest": None, "highest": None}
    apart = compare(CHECK, replace(made, project=str(project)), **more)
    old = -mean_absolute_error(frame.label, frame.old)
    assert apart.members[0].estimate.value == pytest.approx(found.members[0].estimate.value - old)


def test_ends_of_a_rows_value_say_nothing_of_one_number_for_all(project: Path) -> None:
    """They would be taken as promised and held to by nothing."""
    made = subject(pd.DataFrame({"label": ["yes", "no"] * 150, "prediction": ["yes", "no"] * 150}))
    with pytest.raises(CannotMeasure, match="`lowest` and `highest` are the ends of a row's value"):
        asked(project, made, "share", highest=0.5)
