"""`audit.check` measures what the command measures, whatever kind of array it is given."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import audit
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

RNG = np.random.default_rng(7)
Y = RNG.integers(0, 2, 600)
PREDICTED = np.where(RNG.random(600) < 0.85, Y, 1 - Y)
SCORE = np.clip(0.3 * Y + 0.6 * RNG.random(600), 0, 1)
SEX, AREA = RNG.choice(["f", "m"], 600), RNG.choice(["x", "y"], 600)
FORMS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.asarray,
    "column": lambda values: np.asarray(values)[:, None],
    "series": lambda values: pd.Series(values, index=range(900, 1500)),
    "reversed index": lambda values: pd.Series(values, index=range(600, 0, -1)),
    "frame": lambda values: pd.DataFrame({"one": values}),
    "categorical": lambda values: pd.Series(values).astype("category"),
    "nullable": lambda values: pd.Series(values).convert_dtypes(),
    "index": pd.Index,
    "text": lambda values: [str(value) for value in values],
    "booleans": lambda values: np.asarray(values).astype(bool),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_column_gives_the_same(form: str) -> None:
    """Rows go by their place; an index is not looked at, as in fairlearn."""
    from sklearn.metrics import accuracy_score

    made = FORMS[form]
    found = audit.check("performance/accuracy", made(Y), made(PREDICTED))
    assert (found.value, found.n, found.status) == (accuracy_score(Y, PREDICTED), 600, "measured")
    assert found.interval is not None
    assert found.interval[0] < accuracy_score(Y, PREDICTED) < found.interval[1]


def test_rows_go_by_place_as_in_fairlearn() -> None:
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import accuracy_score

    shifted = [pd.Series(values, index=index) for values, index in ((Y, range(600)), (PREDICTED, range(5, 605)), (SEX, range(600, 0, -1)))]
    theirs = MetricFrame(metrics=accuracy_score, y_true=shifted[0], y_pred=shifted[1], sensitive_features=shifted[2]).by_group
    ours = audit.check("performance/accuracy", shifted[0], shifted[1], sensitive_features=shifted[2])
    assert {one.slice["sensitive_feature_0"]: one.value for one in ours.slices if isinstance(one.slice, dict)} == theirs.to_dict()


def test_sensitive_features_are_crossed_unless_by_splits_them() -> None:
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import accuracy_score

    table = pd.DataFrame({"sex": SEX, "area": AREA})
    crossed = audit.check("performance/accuracy", Y, PREDICTED, sensitive_features=table)
    apart = audit.check("performance/accuracy", Y, PREDICTED, sensitive_features=table, by=["sex", "area"])
    theirs = MetricFrame(metrics=accuracy_score, y_true=Y, y_pred=PREDICTED, sensitive_features=table).by_group
    assert {one.name: one.value for one in crossed.slices} == {f"sex={sex}, area={area}": value for (sex, area), value in theirs.items()}
    assert {one.name for one in apart.slices} == {"sex=f", "sex=m", "area=x", "area=y"}
    assert audit.check("performance/accuracy", Y, PREDICTED, sensitive_features=table, by=[["sex", "area"]]) == crossed
    assert audit.check("performance/accuracy", Y, PREDICTED, sensitive_features=table, by=[]).slices == ()


@pytest.mark.parametrize("groups", [SEX, {"sensitive_feature_0": SEX}, pd.DataFrame({"sensitive_feature_0": SEX}), SEX[:, None]])
def test_a_gap_is_that_of_fairlearn(groups: Any) -> None:
    from fairlearn.metrics import demographic_parity_difference

    found = audit.check("fairness/demographic_parity_difference", Y, PREDICTED, sensitive_features=groups, max=0.5)
    assert found.value == pytest.approx(demographic_parity_difference(Y, PREDICTED, sensitive_features=SEX))
    assert (found.status, found.max, len(found.slices)) == ("pass", 0.5, 2)
    assert isinstance(found.member, list)
    assert {one["sensitive_feature_0"] for one in found.member} == {"f", "m"}


def test_a_missing_group_is_a_slice_of_its_own() -> None:
    groups = [None, *SEX[1:]]
    found = audit.check("performance/accuracy", Y, PREDICTED, sensitive_features=groups)
    assert {one.name: one.n for one in found.slices}["sensitive_feature_0=null"] == 1


@pytest.mark.parametrize("score", [SCORE, pd.Series(SCORE), np.column_stack([1 - SCORE, SCORE]), pd.DataFrame({0: 1 - SCORE, 1: SCORE})])
def test_scores_of_the_positive_class_or_of_each(score: Any) -> None:
    from sklearn.metrics import roc_auc_score

    assert audit.check("performance/roc_auc", Y, y_score=score).value == pytest.approx(roc_auc_score(Y, SCORE))


def test_scores_of_three_classes_come_in_the_order_of_the_sorted_names() -> None:
    rng = np.random.default_rng(1)
    labels, scores = rng.choice(["b", "c", "a"], 600), rng.dirichlet([1, 1, 1], 600)
    found = audit.check("performance/roc_auc", labels, y_score=scores)
    named = audit.check("performance/roc_auc", labels, y_score=pd.DataFrame(scores[:, ::-1], columns=["c", "b", "a"]))
    assert found.value == pytest.approx(named.value)
    assert [one.value for one in found.slices] == [one.value for one in named.slices]


def test_the_positive_class_is_named() -> None:
    labels, predicted = np.where(Y == 1, "bad", "good"), np.where(PREDICTED == 1, "bad", "good")
    found = audit.check("performance/recall", labels, predicted, pos_label="bad")
    assert found.value == pytest.approx(PREDICTED[Y == 1].mean())


def test_weights_and_entities() -> None:
    weights = np.arange(600) % 4 + 1
    plain = audit.check("performance/accuracy", Y, PREDICTED)
    clustered = audit.check("performance/accuracy", Y, PREDICTED, groups=np.repeat(np.arange(60), 10))
    assert clustered.value == plain.value
    assert clustered.interval != plain.interval
    with pytest.raises(InputError, match="weight"):
        audit.check("performance/accuracy", Y, PREDICTED, sample_weight=weights)


def test_tables_for_checks_of_data() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, 2.0], "comment": ["call 030 1234567", "no", "no"]})
    assert audit.check("data/duplicates", X=table, max=0).value == 1
    assert audit.check("data/duplicates", X=table.to_numpy(), max=5).status == "pass"
    leaked = audit.check("data/train_test_leakage", X=table, train=table.head(1), max=0)
    assert (leaked.status, leaked.value) == ("fail", 1)
    assert audit.check("privacy/pii_in_text", X=table, roles={"text": "comment"}).value == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: audit.check("performance/accuracy", Y, PREDICTED[:5]), "y_pred has 5 rows and y_true has 600"),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, sensitive_features=SEX[:5]), "sensitive_feature_0 has 5 rows"),
        (lambda: audit.check("performance/accuracy", Y), "give y_pred or y_score"),
        (lambda: audit.check("performance/accuracy"), "give y_true and y_pred, or a table as X"),
        (lambda: audit.check("performance/accuracy", y_pred=Y), "give y_true"),
        (lambda: audit.check("performance/accuracy", 1, 1), "y_true is int"),
        (lambda: audit.check(Y, PREDICTED), "name one first, such as 'performance/accuracy'"),  # type: ignore[arg-type]  # that is the mistake
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, by=3), "by is 3"),  # type: ignore[arg-type]  # that is the mistake
        (lambda: audit.check("performance/accuracy", Y.astype(complex), PREDICTED), "a column has cells that cannot be written"),
        (lambda: audit.check("performance/accuracy", [1, "1"], [1, 1]), "y_true mixes int and str"),
        (lambda: audit.check("performance/accuracy", [1, None], [1, 1]), "column 'y_true' has no value in 1 of 2 rows"),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, max=0.5), "max: bounds the good side"),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, min=float("nan")), "min: "),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, by="sex"), "by sex: the table has no such column"),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, bins=3), "bins: "),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, confidence=95), "confidence is 95"),
        (lambda: audit.check("performance/roc_auc", Y, y_score=np.ones((600, 3))), "y_score has 3 columns, and y_true names 2"),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, X={"y_true": PREDICTED}), "X has another column 'y_true'"),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, roles={"label": "y_pred"}), "roles names label"),
        (lambda: audit.check("performance/accuracy", Y, PREDICTED, roles={"lable": "y_pred"}), "roles: lable"),
        (lambda: audit.check("drift/ks", X={"a": [1, 2]}, max=0.1), "give the other one as reference"),
        (lambda: audit.check("fairness/equal_opportunity_difference", Y, PREDICTED, max=0.1), "give them as sensitive_features"),
        (lambda: audit.check("performance/accuracy", np.ones((3, 2, 2)), [1, 1, 1]), "y_true has 3 dimensions"),
    ],
)
def test_mistakes_name_the_arguments(given: Callable[[], Any], said: str) -> None:
    """None ends the process, and none speaks of options, policies or temporary files."""
    with pytest.raises((InputError, CannotMeasure)) as found:
        given()
    text = str(found.value)
    assert said in text
    assert not any(word in text for word in ("--", "parquet", "/tmp", "datasets.", "columns."))  # noqa: S108  # no path of it


def test_a_bound_that_cannot_be_measured_is_no_pass() -> None:
    found = audit.check("fairness/demographic_parity_difference", Y, PREDICTED, sensitive_features=["one"] * 600, max=0.5)
    assert (found.status, found.value) == ("not_run", None)
    assert "Traceback" not in found.message


def test_a_result_is_no_boolean() -> None:
    found = audit.check("performance/accuracy", Y, PREDICTED, min=0.8)
    with pytest.raises(TypeError, match=r"compare its status, as in `result.status == 'pass'`"):
        assert found


def test_a_notebook_shows_hostile_names_as_text() -> None:
    groups = ["<script>alert(1)</script>\x1b[2J\n" if value == "f" else "&" for value in SEX]
    shown = audit.check("performance/accuracy", Y, PREDICTED, sensitive_features={"<b>": groups}, min=0.5)._repr_html_()
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[2J" in shown
    assert "\x1b" not in shown
    many = audit.check("performance/accuracy", Y, PREDICTED, sensitive_features=[f"group {place % 120}" for place in range(600)])
    assert (many._repr_html_().count("<tr>"), len(many.to_frame())) == (51, 120)
    assert "and 71 more" in many._repr_html_()


def test_the_import_is_light_and_the_function_stays() -> None:
    """Python would put the module `audit.check` in the place of the function once a check is imported."""
    code = "import sys, audit; assert not {'numpy', 'pydantic', 'pandas'} & set(sys.modules)"
    code += "; import audit.check; from audit.check import Check"
    code += "; assert callable(audit.check) and not isinstance(audit.check, type(sys)); assert set(audit.__all__) <= set(dir(audit))"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        _ = audit.chekc  # type: ignore[attr-defined]  # that is what is tested
