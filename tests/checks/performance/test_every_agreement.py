"""What holds of Matthews correlation and Cohen's kappa, which are of the whole confusion table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit.catalog import discover
from audit.errors import CannotMeasure
from tests.classified import PAIRS, counts, shuffled, table
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

each = pytest.mark.parametrize("check", ["performance/matthews_correlation", "performance/cohen_kappa"])


@each
@given(pairs=PAIRS, names=st.permutations("abc"))
def test_renaming_reordering_and_swapping_change_nothing(check: str, pairs: list[tuple[str, str]], names: list[str]) -> None:
    new = dict(zip("abc", names, strict=True))
    assume({b for _, b in pairs} == {a for a, _ in pairs} and len({a for a, _ in pairs}) > 1)
    before = measure(check, subject(table(pairs))).members[0].estimate.value
    for changed in ([(new[a], new[b]) for a, b in pairs], [(b, a) for a, b in pairs]):
        assert measure(check, subject(shuffled(table(changed)))).members[0].estimate.value == pytest.approx(before)


@each
def test_guessing_is_worth_nothing_and_the_reverse_less(check: str) -> None:
    assert measure(check, subject(counts(10, 10, 40, 40))).members[0].estimate.value == pytest.approx(0)
    found = measure(check, subject(counts(0, 50, 50, 0)))
    assert found.members[0].estimate.value == pytest.approx(-1)
    assert discover()[check].lowest == -1
    assert status(check, found, min=-0.9) == "inconclusive"
    assert status(check, found, min=0.0) == "fail"


@each
def test_a_class_missing_from_a_slice_bars_a_pass(check: str) -> None:
    """Also where the class is predicted there: of one true class there is nothing to agree on."""
    frame = pd.concat([counts(60, 0, 0, 60).assign(region="north"), counts(0, 0, 5, 60).assign(region="south")])
    found = measure(check, subject(frame, by=(("region",),)))
    assert [str(one.name) for one in found.members] == ["region=north"]
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [("region=south", "no row is truly yes: add rows to this slice")]
    assert status(check, found, min=0.5) == "inconclusive"
    alone = measure(check, subject(table([("a", "a")] * 200)))
    assert alone.unmeasured[0].reason == "every row is truly a: add rows of another class"


@each
def test_too_few_rows_of_a_class_bar_a_pass(check: str) -> None:
    found = measure(check, subject(counts(10, 0, 0, 990)))
    assert found.members[0].estimate.support == 10
    assert status(check, found, min=0.1) == "inconclusive"


@each
def test_the_interval_decides(check: str) -> None:
    """Both are .6 here."""
    found = measure(check, subject(counts(40, 10, 10, 40)))
    assert [status(check, found, min=bound) for bound in (0.3, 0.55, 0.65, 0.85)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(check, unplugged(found), min=bound) for bound in (0.55, 0.65)] == ["pass", "fail"]


@each
def test_rows_of_one_person_widen_the_interval(check: str) -> None:
    frame = pd.concat([counts(20, 6, 6, 20)] * 4)
    widths = []
    for person in (np.arange(len(frame)), np.tile(np.arange(52), 4)):
        low, high = measure(check, subject(frame.assign(person=person), group="person")).members[0].estimate.bounds(0.025, 0.025)
        widths.append(high - low)
    assert widths[1] > 1.5 * widths[0]


@each
def test_coverage(check: str) -> None:
    """Two classes alike in size, each right in nine of ten rows: both are .8."""
    rng, trials = np.random.default_rng(1), 150

    def draw() -> pd.DataFrame:
        label = rng.integers(0, 2, 200)
        return pd.DataFrame({"label": label, "prediction": np.where(rng.random(200) < 0.9, label, 1 - label)})

    assert max(misses(lambda: measure(check, subject(draw())).members[0].estimate, 0.8, trials)) <= most(0.025, trials)


@each
def test_what_cannot_be_measured_is_refused(check: str) -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(check, subject(pd.DataFrame({"prediction": ["a"]})))
