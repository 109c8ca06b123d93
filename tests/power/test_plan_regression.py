"""A plan for a model that gives numbers: what each gate can prove, before the model is there."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.commands.validate import policy_warnings
from audit.errors import CannotMeasure, InputError
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets
from audit.power import PlanOptions, plan_policy
from audit.power.analysis import end_probabilities
from audit.power.gate import NO_SPREAD
from audit.power.member import DecisionRule, PlannedMember
from audit.power.simulated_model import Numbers, SimulatedModel
from audit.progress import Silent
from audit.stats import Mean, MeanDifference
from tests.support import dataset

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates.interface import Outputs
    from audit.power import Gate, Plan

ROWS = 600


def table(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    price = rng.normal(50, 20, ROWS)
    columns = {name: price + rng.normal(0, 5, ROWS) for name in ("said", "old")}
    return pd.DataFrame({"price": price, **columns, "region": rng.choice(["n", "s"], ROWS)})


def planned(folder: Path, *require: str) -> Plan:
    """The plan of some requirements on a table of prices."""
    for seed, role in enumerate(("test", "later")):
        table(seed).to_csv(folder / f"{role}.csv", index=False)
    lines = "".join(f"  - {{{one}}}\n" for one in require)
    text = "policy: prices\ntier: 3\ndatasets: {test: {path: test.csv}, later: {path: later.csv}}\n"
    text += "columns: {label: price, prediction: said}\ncandidate: {task: tabular-regression, load: {kind: predictions}}\n"
    text += f"champion: {{load: {{kind: predictions}}, columns: {{prediction: old}}}}\nrequire:\n{lines}"
    (folder / "policy.yaml").write_text(text, encoding="utf-8")
    return plan_policy(PlanOptions(folder / "policy.yaml", out=folder / "reports"), Silent())


def gate(plan: Plan) -> Gate:
    (one,) = plan.gates
    return one


def numbers_of(outputs: Outputs) -> NDArray[np.float64]:
    found = outputs.values  # noqa: PD011  # no data frame
    assert found is not None
    return found


def test_a_simulated_model_explains_what_its_strength_says() -> None:
    """At strength 0 it gives the mean; the share explained is c² / (1 + c²) with c = exp(strength) - 1; a comparator errs in part alike."""
    data = dataset(pd.DataFrame({"label": np.random.default_rng(0).normal(5, 2, 20_000)}))
    population = Numbers({"test": data}, 1)
    true = data.numbers("label")
    for strength in (0.0, 0.5, 1.28, 3.0):
        said = numbers_of(SimulatedModel(population, (), strength).predict(data))
        clarity = np.expm1(strength) ** 2
        assert 1 - np.mean((true - said) ** 2) / true.var() == pytest.approx(clarity / (1 + clarity), abs=0.01)
    models = SimulatedModel(population), SimulatedModel(population, comparator=True)
    first, second = (numbers_of(one.predict(data)) - true for one in models)
    assert 0.75 < np.corrcoef(first, second)[0, 1] < 0.9


def test_numbers_that_are_all_alike_are_no_population() -> None:
    with pytest.raises(CannotMeasure, match="no two different numbers"):
        Numbers({"test": dataset(pd.DataFrame({"label": [3.0, 3.0]}))}, 1)


@pytest.mark.parametrize(
    "line",
    [
        "check: performance/mean_absolute_error, max: 6, by: [region]",
        "check: performance/root_mean_squared_error, max: 6",
        "check: performance/r2, min: 0.8",
        "check: performance/pinball_loss, alpha: 0.9, max: 3",
        "check: fairness/error_difference, max: 4, by: [region]",
        "check: drift/prediction_drift, max: 0.2, on: later, reference: test",
        "check: performance/mean_absolute_error, against: champion, margin: 2",
        "check: performance/r2, against: champion, margin: 0.05",
    ],
)
def test_a_gate_says_from_what_value_it_passes(tmp_path: Path, line: str) -> None:
    """On the good side of the bound, with an interval that reaches it."""
    found = gate(planned(tmp_path, line))
    assert found.infeasible_because is None
    assert found.passes_from is not None
    assert (found.passes_from > found.bound.limit) == found.bound.floor


def test_a_bound_that_a_usual_model_misses_is_not_called_out_of_reach(tmp_path: Path) -> None:
    """How widely errors scatter is the model's own; only too few rows bar every model."""
    (near, few) = planned(
        tmp_path,
        "check: fairness/error_difference, max: 0.5, by: [region]",
        "check: fairness/error_difference, id: few, max: 0.5, by: [region], min_n: 5000",
    ).gates[::-1]
    assert near.infeasible_because is None
    assert "nearly exact" in near.note
    assert few.infeasible_because is not None
    assert "at least 5,000 needed" in few.infeasible_because


def test_a_bound_that_the_mean_meets_is_warned_of(tmp_path: Path) -> None:
    planned(tmp_path, "check: performance/mean_absolute_error, max: 30", "check: performance/r2, min: 0.5")
    loaded = load_policy(tmp_path / "policy.yaml")
    (told,) = policy_warnings(loaded, read_datasets(loaded))
    assert "whoever always answers the mean meets it" in told.message


def test_labels_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    planned(tmp_path, "check: performance/r2, min: 0.5")
    path = tmp_path / "policy.yaml"
    path.write_text(path.read_text().replace("label: price", "label: region"), encoding="utf-8")
    with pytest.raises(InputError, match="holds no number in 600 of 600 rows"):
        plan_policy(PlanOptions(path, out=tmp_path / "reports"), Silent())


def test_groups_are_drawn_once_for_all_their_pairs() -> None:
    """The chance that three groups alike all pass, and that some pair fails, against drawing samples and judging them."""
    rng, rule = np.random.default_rng(0), DecisionRule(0.35, floor=False, count=6)

    def pairs(sizes: tuple[int, ...]) -> list[tuple[MeanDifference, tuple[int, int]]]:
        groups = [Mean.of(np.abs(rng.normal(0, 1, n)), low=0.0) for n in sizes]
        return [(MeanDifference(groups[i], groups[j]), (i, j)) for i in range(3) for j in range(3) if i != j]

    seen = pairs((4000, 3000, 2000))
    small = [(MeanDifference(_cut(one.first, 10), _cut(one.second, 10)), names) for one, names in seen]
    passed, failed = end_probabilities([PlannedMember(one, 0.0, names) for one, names in small], rule)
    low, high = rule.levels
    ends = [[one.bounds(low, high) for one, _ in pairs((400, 300, 200))] for _ in range(400)]
    assert passed == pytest.approx(np.mean([all(b <= 0.35 for _, b in some) for some in ends]), abs=0.08)
    assert failed == pytest.approx(np.mean([any(a > 0.35 for a, _ in some) for some in ends]), abs=0.02)


def _cut(mean: object, parts: int) -> Mean:
    assert isinstance(mean, Mean)
    return replace(mean, units=mean.units // parts, rows=mean.rows // parts)


def test_a_function_whose_values_are_all_alike_on_a_simulated_model_is_not_said_to_be_out_of_reach(tmp_path: Path) -> None:
    """Every row of the simulated model is within 60 of the price: ones without any spread bound nothing, unless the ends are declared."""
    source = "import numpy as np\ndef near(y_true, y_pred):\n    return (np.abs(y_true - y_pred) < 60).astype(float)\n"
    (tmp_path / "own.py").write_text(source, encoding="utf-8")
    said = f"check: performance/custom, function: 'own:near', sha256: {hashlib.sha256(source.encode()).hexdigest()}, min: 0.5"
    found = gate(planned(tmp_path, said))
    assert (found.infeasible_because, found.p_pass, found.note) == (None, None, NO_SPREAD)
    assert gate(planned(tmp_path, f"{said}, lowest: 0, highest: 1")).infeasible_because is None
