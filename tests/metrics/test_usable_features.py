"""A feature that a check cannot use counts as unmeasured, never as unchanged."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.judged import status
from tests.support import measure, subject

if TYPE_CHECKING:
    from audit.evidence import Evidence

DRIFT = {"drift/ks": 0.3, "drift/mmd": 0.1, "drift/psi": 0.3}
"""Bounds that two samples of one distribution meet."""
N = 300
RNG = np.random.default_rng(7)
SAME = [np.round(RNG.normal(size=N), 2) for _ in range(2)]
CODES = [[f"{i:05}" for i in RNG.permutation(90_000)[:N]] for _ in range(2)]
WORDS = ("low", "high", "refused", "unsure")
HALF_NUMBERS = [[WORDS[i % 4] if i % 5 == 0 else str(x) for i, x in enumerate(RNG.normal(shift, 1, N).round(3))] for shift in (0, 50)]


def drift(check: str, name: str, cells: list[Any], **params: Any) -> Evidence:
    """As if read from files, where codes without a leading zero are numbers."""
    frames = [pd.DataFrame({"x": x, name: list(column), "prediction": "a"}) for x, column in zip(SAME, cells, strict=True)]
    frames = [frame.astype({name: int}) if all(re.fullmatch(r"[1-9]\d*", str(cell)) for cell in frame[name]) else frame for frame in frames]
    return measure(check, subject(frames[1], reference=frames[0]), **params)


def days(start: str) -> list[str]:
    return pd.date_range(start, periods=N).strftime("%Y-%m-%d").tolist()


@pytest.mark.parametrize("check", DRIFT)
@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("zip", CODES),
        ("area", [CODES[0], [str(1 + int(code)) for code in CODES[0]]]),
        ("day", [days("2022-01-01"), days("2024-01-01")]),
        ("cust_id", [[str(10_000 + 7 * i) for i in range(N)], [str(30_000 + 7 * i) for i in range(N)]]),
        ("seen", [pd.date_range("2024-01-01", periods=N, freq="h"), pd.date_range("2024-06-01", periods=N, freq="h")]),
        ("number", [[f"a{i}" for i in range(N)], [f"b{i}" for i in range(N)]]),
        ("comment", [[f"said {i} things" for i in range(N)], [f"wrote {i} things" for i in range(N)]]),
        ("income", HALF_NUMBERS),
    ],
)
def test_what_cannot_be_compared_is_unmeasured(check: str, name: str, cells: list[Any]) -> None:
    """Codes, times, identifiers, free texts, and numbers with so many words among them that they are none."""
    found = drift(check, name, cells)
    assert [str(one.name) for one in found.unmeasured] == [f"column={name}"]
    assert status(check, found, max=DRIFT[check]) == "inconclusive"
    assert status(check, drift(check, name, cells, columns=["x"]), max=DRIFT[check]) == "pass"


@pytest.mark.parametrize("check", DRIFT)
@pytest.mark.parametrize("shift", [0, 5000])
def test_a_few_words_among_numbers_change_nothing(check: str, shift: int) -> None:
    """The numbers are compared, and so is the share of words."""
    cells = [["NA" if i in {3, 90} else str(i + moved) for i in RNG.permutation(N)] for moved in (0, shift)]
    found = drift(check, "amount", cells)
    assert found.unmeasured == ()
    assert status(check, found, max=DRIFT[check]) == ("fail" if shift else "pass")


@pytest.mark.parametrize("check", DRIFT)
def test_times_are_compared_where_the_policy_names_them(check: str) -> None:
    cells = [days("2022-01-01"), days("2024-01-01")]
    assert status(check, drift(check, "born", cells, columns=["born"]), max=DRIFT[check]) == "fail"
    assert status(check, drift(check, "born", cells[:1] * 2, columns=["x", "born"]), max=DRIFT[check]) == "pass"


def test_a_declared_category_is_no_number() -> None:
    frames = [pd.DataFrame({"code": RNG.integers(0, 3, N) + shift, "prediction": "a"}) for shift in (0, 0)]
    seen = subject(frames[1], reference=frames[0])
    assert seen.reference is not None
    typed = replace(
        seen, data=replace(seen.data, types={"code": "category"}), reference=replace(seen.reference, types={"code": "category"})
    )
    assert measure("drift/psi", typed).unmeasured == ()
    assert measure("drift/ks", seen).unmeasured == ()
    with pytest.raises(Exception, match="no numeric feature"):
        measure("drift/ks", typed)


def weak(rows: int = 1200) -> pd.DataFrame:
    """Wrong above an income of 40,000."""
    rng = np.random.default_rng(3)
    income = np.round(rng.uniform(20_000, 60_000, rows), 2)
    wrong = rng.random(rows) < np.where(income > 40_000, 0.6, 0.08)
    label = rng.integers(0, 2, rows)
    return pd.DataFrame({"label": label, "prediction": label ^ wrong, "income": income, "region": rng.choice(list("nesw"), rows)})


def test_words_among_numbers_hide_no_weak_slice() -> None:
    frame = weak().astype({"income": str})
    frame.loc[[5, 700], "income"] = "NA"
    found = measure("fairness/discovered_slices", subject(frame))
    assert found.members[0].estimate.value == pytest.approx(0.52, abs=0.1)
    assert "Columns: income, region." in found.notes


@pytest.mark.parametrize("name", ["income", "comment", "uuid"])
def test_a_column_that_no_condition_is_made_of_is_no_proof(name: str) -> None:
    """A third of the incomes are words of many kinds; comments are all different; what only names the rows is left out and told."""
    rng = np.random.default_rng(4)
    label = rng.integers(0, 2, 600)
    cells = {
        "income": [WORDS[i % 4] if i % 3 == 0 else f"{i * 7.5}" for i in range(600)],
        "comment": [f"said {i} things" for i in range(600)],
        "uuid": [f"x{i:04}" for i in range(600)],
    }[name]
    frame = pd.DataFrame({"label": label, "prediction": label, name: cells, "region": rng.choice(list("ns"), 600)})
    for check, bound in (("fairness/discovered_slices", 0.2), ("data/label_errors", 0.9)):
        found = measure(check, subject(frame))
        if name == "uuid":
            assert "uuid is left out: it numbers or names the rows." in found.notes
            assert status(check, found, max=bound) == "pass"
        else:
            assert [str(one.name) for one in found.unmeasured] == [f"column={name}"]
            assert status(check, found, max=bound) == "inconclusive"
