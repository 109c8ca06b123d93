"""The gap between groups after fine-tuning against the gap of the base model's probe, on the same rows."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.errors import CannotMeasure
from audit.evidence import Intervals
from audit.stats import Difference, Proportion
from audit.subject import Subject
from tests.grouped import by_name
from tests.judged import status
from tests.support import dataset, measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence
    from audit.finetune.base import Base

CHECK = "fairness/bias_amplification"
FORTH, BACK = "gender=f against gender=m", "gender=m against gender=f"


def cells(group: str, both: int, later: int, earlier: int, neither: int) -> pd.DataFrame:
    """So many rows to which both give the class, only the tuned model, only the base, neither; labels are as the base has them."""
    rows = [("y", "y")] * both + [("y", "n")] * later + [("n", "y")] * earlier + [("n", "n")] * neither
    made = pd.DataFrame(rows, columns=["prediction", "old"])
    return made.assign(gender=group, label=made["old"])


def widened(frame: pd.DataFrame, **more: Any) -> Evidence:
    """Saved answers in place of both models': what a base and its probe would have said."""
    columns = {name: more.pop(name) for name in ("group", "positive") if name in more}
    now = {"test": dataset(frame, **({"positive": "y"} | columns))}
    before = {"test": dataset(frame.assign(prediction=frame["old"]), **({"positive": "y"} | columns))}

    class Earlier(SavedPredictions):
        def predict(self, _data: Any) -> Any:
            return super().predict(before["test"])

    base = cast("Base", SimpleNamespace(probe=Predictions(Earlier(before))))
    by = more.pop("by", (("gender",),))
    return measure(CHECK, Subject(now["test"], Predictions(SavedPredictions(now)), datasets=now, by=by, base=base, **more))


def frame(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> pd.DataFrame:
    return pd.concat([cells("f", *first), cells("m", *second)], ignore_index=True)


def test_a_worked_example() -> None:
    """The base gives .50 and .35, the tuned model .60 and .30: the gap of .15 became one of .30."""
    found = widened(frame((45, 15, 5, 35), (25, 5, 10, 60)))
    assert by_name(found) == pytest.approx({FORTH: 0.15, BACK: -0.45})
    assert found.members[0].estimate.bounds(0.025, 0.025)[0] == pytest.approx(0.0268, abs=1e-3)
    assert [one.estimate.value for one in found.context] == pytest.approx([0.5, 0.5, 0.6, 0.35, 0.35, 0.3])
    (figure,) = found.figures
    assert isinstance(figure, Intervals)
    assert figure.names == (FORTH,)
    assert [point.value for point in figure.points[0] if point] == pytest.approx([0.15, 0.15, 0.3])
    now = figure.points[0][-1]
    assert now is not None
    assert (now.lower, now.upper) == pytest.approx(Difference(Proportion(60, 100), Proportion(30, 100)).bounds(0.025, 0.025))
    assert "labels 0.150, base model, linear probe 0.150, after fine-tuning 0.300." in found.notes[0]
    assert found.rows == 200


@pytest.mark.parametrize(("later", "worst"), [(0.1, -0.1), (0.2, 0.0), (0.4, 0.2), (-0.1, -0.1), (-0.5, 0.3)])
def test_only_a_wider_gap_is_above_zero(later: float, worst: float) -> None:
    """From a gap of .2: a smaller one is below, one that turned round counts by its size."""
    after, before = [round(100 * (0.5 + later / 2)), round(100 * (0.5 - later / 2))], (60, 40)
    parts = []
    for group, now, then in zip("fm", after, before, strict=True):
        made = pd.DataFrame({"prediction": ["y"] * now + ["n"] * (100 - now), "old": ["y"] * then + ["n"] * (100 - then), "gender": group})
        parts.append(made.assign(label=made["old"]))
    assert max(by_name(widened(pd.concat(parts, ignore_index=True))).values()) == pytest.approx(worst)


rows = st.tuples(*[st.integers(1, 12)] * 4)


@given(rows, rows)
def test_agrees_with_the_definition_and_the_published_one(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> None:
    """The widening pair by pair, and BiasAmp A→T of Wang & Russakovsky from their sums over groups and classes."""
    table = frame(first, second)
    found = widened(table)
    now, then = ((table[column] == "y").groupby(table["gender"]).mean() for column in ("prediction", "old"))
    assert by_name(found)[FORTH] == pytest.approx(now["f"] - now["m"] - abs(then["f"] - then["m"]), abs=1e-9)
    terms = []
    for group, label in product("fm", ["y"]):
        a, t, t_hat = table["gender"] == group, table["old"] == label, table["prediction"] == label
        together = (a & t).mean() > a.mean() * t.mean() + 1e-12
        delta = t_hat[a].mean() - t[a].mean()
        terms.append(delta if together else -delta)
    told = float(found.notes[-1].split(": ")[1].split(" from the labels")[0].replace("−", "-"))
    if abs(then["f"] - then["m"]) > 1e-9:
        assert told == pytest.approx(np.mean(terms), abs=6e-4)


@given(rows, rows)
def test_the_other_class_widens_alike(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> None:
    """With two classes it does not matter which is called positive, but for the order of the pair."""
    table = frame(first, second)
    swapped = by_name(widened(table, positive="n"))
    assert by_name(widened(table)) == pytest.approx({FORTH: swapped[BACK], BACK: swapped[FORTH]}, abs=1e-9)


def test_more_classes_are_looked_at_one_by_one() -> None:
    table = pd.DataFrame(list(product("abc", "abc", "fm")), columns=["prediction", "old", "gender"]).assign(label=lambda one: one["old"])
    found = widened(table, positive=None)
    assert len(found.members) == 6
    assert "class=a" in str(found.members[0].name)


@given(st.lists(st.tuples(*[st.sampled_from("abc")] * 3, st.sampled_from("fm")), min_size=30, max_size=60))
def test_each_of_several_classes_is_told_from_the_rest(made: list[tuple[str, str, str, str]]) -> None:
    """As if that class alone were asked for, with the two others as one; and the published figure over all cells of groups and classes."""
    whole = [(one, one, one, group) for one, group in product("abc", "fm")]  # so that every model knows every class
    table = pd.DataFrame(made + whole, columns=["prediction", "old", "label", "gender"])
    found, terms = by_name(widened(table, positive=None)), []
    for one in "abc":
        alone = table.assign(**{column: np.where(table[column] == one, "y", "n") for column in ("prediction", "old", "label")})
        for name, value in by_name(widened(alone)).items():
            assert found[name.replace("=f", f"=f, class={one}").replace("=m", f"=m, class={one}")] == pytest.approx(value, abs=1e-12)
        now, then = ((alone[column] == "y").groupby(alone["gender"]).mean() for column in ("prediction", "label"))
        overall = float((alone["label"] == "y").mean()) + 1e-12
        terms += [(now[group] - then[group]) * (1 if then[group] > overall else -1) for group in "fm"]
    told = float(widened(table, positive=None).notes[-1].split(": ")[1].split(" from the labels")[0].replace("−", "-"))
    assert told == pytest.approx(np.mean(terms), abs=6e-4)


def test_a_family_of_one_group_is_refused_as_by_every_other_gap() -> None:
    """The policy asks of both columns, and nothing can be said of the one: no half of an answer counts as one."""
    table = frame((45, 15, 5, 35), (25, 5, 10, 60)).assign(country="x")
    by = (("country",), ("gender",))
    told = []
    for check_id in (CHECK, "fairness/demographic_parity_difference", "fairness/equal_opportunity_ratio"):
        with pytest.raises(CannotMeasure, match=r"country: one group only \(country=x\).*name another column under `by`") as refused:
            widened(table, by=by) if check_id == CHECK else measure(check_id, subject(table, by=by, positive="y"))
        told.append(str(refused.value))
    assert len(set(told)) == 1


def test_the_shares_of_every_stage_are_shown_once() -> None:
    """As groups behind the gap; the figure shows the gaps."""
    found = widened(frame((45, 15, 5, 35), (25, 5, 10, 60)))
    assert [str(one.name) for one in found.context][:2] == ["gender=f, stage=labels", "gender=f, stage=base model, linear probe"]
    (figure,) = found.figures
    assert isinstance(figure, Intervals)
    assert not set(figure.names) & {str(one.name) for one in found.context}
    assert len(figure.names) == len(found.members) / 2


def test_a_reference_group() -> None:
    table = pd.concat([frame((45, 15, 5, 35), (25, 5, 10, 60)), cells("x", 5, 5, 5, 5)], ignore_index=True)
    assert len(widened(table).members) == 6
    assert len(widened(table, reference_group="m").members) == 4
    assert "gender=all but f" in str(widened(table, reference_group="pooled_rest").members[0].name)


def test_the_interval_decides() -> None:
    found = widened(frame((45, 15, 5, 35), (25, 5, 10, 60)))
    assert [status(CHECK, found, max=bound) for bound in (0.4, 0.2, 0.1, 0.0)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.2, 0.1)] == ["pass", "fail"]


def test_rows_of_one_person_count_as_one() -> None:
    table = frame((45, 15, 5, 35), (25, 5, 10, 60)).assign(person=np.arange(200) // 4)
    assert widened(table, group="person").members[0].estimate.support == 25


def test_persons_in_both_groups_are_told_of_in_the_gap_at_each_stage() -> None:
    """As by the check of the same gap: half of each group's rows are of persons who have a row in the other one too."""
    table = frame((45, 15, 5, 35), (25, 5, 10, 60)).assign(person=np.r_[np.arange(100), np.arange(50, 150)])
    (figure,) = widened(table, group="person").figures
    assert isinstance(figure, Intervals)
    rates = measure("fairness/demographic_parity_difference", subject(table, by=(("gender",),), group="person", positive="y"))
    (gap,) = [one.estimate for one in rates.members if str(one.name) == FORTH]
    now = figure.points[0][-1]
    assert now is not None
    assert (now.lower, now.upper) == pytest.approx(gap.bounds(0.025, 0.025), abs=1e-12)
    apart = Difference(Proportion.of(np.arange(100) < 60, np.arange(100)), Proportion.of(np.arange(100) < 30, np.arange(100)))
    assert (now.lower, now.upper) != pytest.approx(apart.bounds(0.025, 0.025), abs=1e-4)


def test_refused() -> None:
    table = frame((45, 15, 5, 35), (25, 5, 10, 60))
    with pytest.raises(CannotMeasure, match="not fine-tuned here"):
        measure(CHECK, subject(table, by=(("gender",),), positive="y"))
    with pytest.raises(CannotMeasure, match="one group only"):
        widened(table[table["gender"] == "f"])
