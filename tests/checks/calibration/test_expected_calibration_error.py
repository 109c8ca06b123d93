from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from audit.errors import CannotMeasure
from audit.evidence import Lines
from audit.stats import CalibrationError
from tests.classified import shuffled, three_scored
from tests.figures import curve, marks, rows
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHECK = "calibration/expected_calibration_error"
ALPHA = 0.025


def said(n: int, seed: int, *, off: float = 0.0) -> pd.DataFrame:
    """Scores from .1 to .8 whose event comes true `off` more often than they say."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.1, 0.8, n)
    return pd.DataFrame({"label": (rng.random(n) < score + off).astype(int), "score": score, "gender": rng.choice(["f", "m"], n)})


def test_a_worked_example() -> None:
    """Two bins: mean .15 with no event, mean .85 with one of two."""
    frame = pd.DataFrame({"label": [0, 0, 1, 0], "score": [0.1, 0.2, 0.8, 0.9]})
    found = measure(CHECK, subject(frame), bins=2)
    assert found.members[0].estimate.value == pytest.approx((0.15 + 0.35) / 2)
    bins = marks(found.figures[0])
    assert bins.x == pytest.approx((0.15, 0.85))
    assert bins.y == (0.0, 0.5)
    assert rows(found.figures[0]) == (2, 2)
    assert bins.lower == pytest.approx((0, 0.0126), abs=1e-4)  # exact ends of 0 of 2 and of 1 of 2
    assert bins.upper == pytest.approx((0.8419, 0.9874), abs=1e-4)


def plain(score: NDArray[np.float64], hit: NDArray[np.bool_], bins: int) -> float:
    """Equal-mass calibration error by sorting and splitting."""
    order = np.argsort(score)
    return float(sum(abs(score[part].mean() - hit[part].mean()) * len(part) for part in np.array_split(order, bins)) / len(score))


@pytest.mark.parametrize("bins", [5, 15])
def test_agrees_with_a_plain_implementation(bins: int) -> None:
    """Rows that divide evenly among the bins, as numpy splits them."""
    frame = said(600, 3)
    expected = plain(frame.score.to_numpy(), frame.label.to_numpy() == 1, bins)
    assert measure(CHECK, subject(frame), bins=bins).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


def of_equal_width(score: NDArray[np.float64], hit: NDArray[np.bool_], bins: int) -> float:
    """As Guo et al. (ICML 2017) have it: over (0, 1/m], (1/m, 2/m], ... the sum of each bin's share times |accuracy - confidence|."""
    edges = np.linspace(0, 1, bins + 1)
    parts = [(score > low) & (score <= high) for low, high in pairwise(edges)]
    return float(sum(abs(hit[part].mean() - score[part].mean()) * part.mean() for part in parts if part.any()))


@pytest.mark.parametrize("bins", [2, 10, 15])
def test_bins_of_equal_width_agree_with_the_published_formula(bins: int) -> None:
    """Skewed and rounded probabilities, so that some bins are empty and some rows lie on an edge."""
    rng = np.random.default_rng(bins)
    score = np.maximum(rng.beta(6, 1, 500).round(2), 0.01)
    frame = pd.DataFrame({"label": (rng.random(500) < score**2).astype(int), "score": score})
    found = measure(CHECK, subject(frame), bins=bins, binning="equal_width")
    assert found.members[0].estimate.value == pytest.approx(of_equal_width(score, frame.label.to_numpy() == 1, bins), abs=1e-12)
    assert found.members[0].estimate.value != measure(CHECK, subject(frame), bins=bins).members[0].estimate.value
    assert "equal-width bins" in found.members[0].estimate.method
    diagram = found.figures[0]
    assert isinstance(diagram, Lines)
    assert diagram.foot.startswith("Bins of equal width. ")
    assert sum(rows(diagram)) == 500
    top = measure(CHECK, subject(frame), bins=bins, binning="equal_width", target="top").members[0].estimate.value
    confidence, hit = np.maximum(score, 1 - score), (score > 0.5) == (frame.label.to_numpy() == 1)
    assert top == pytest.approx(of_equal_width(confidence, hit, bins), abs=1e-12)


def test_bins_of_equal_width_cover_too() -> None:
    """A model .1 off everywhere whose probabilities crowd near .8, so that some bins hold few rows."""
    ends = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        score = 0.1 + 0.7 * rng.beta(5, 1, 600)
        found = CalibrationError.of(score, rng.random(600) < score + 0.1, rng, binning="equal_width")
        ends.append(found.bounds(ALPHA, ALPHA))
    assert np.mean([low > 0.1 for low, _ in ends]) <= 0.05
    assert np.mean([high < 0.1 for _, high in ends]) <= 0.05


def test_the_top_class_of_several() -> None:
    frame = three_scored(600)
    found = measure(CHECK, subject(frame, scores=("a", "b", "c")))
    table = frame[["a", "b", "c"]].to_numpy()
    hit = np.array(list("abc"))[table.argmax(axis=1)] == frame.label.to_numpy()
    assert found.members[0].estimate.value == pytest.approx(plain(table.max(axis=1), hit, 15), abs=1e-12)
    assert "most probable class" in found.notes[0]
    of_b = measure(CHECK, subject(frame, scores=("a", "b", "c"), positive="b"), target="positive")
    assert of_b.members[0].estimate.value == pytest.approx(plain(table[:, 1], frame.label.to_numpy() == "b", 15), abs=1e-12)


def test_the_top_class_is_the_most_probable_one_whatever_the_model_answers() -> None:
    """A threshold may answer with a less probable class; how true the probability is does not hang on it."""
    frame = three_scored(300)
    answered = frame.assign(prediction="a")
    found = [measure(CHECK, subject(table, scores=("a", "b", "c"))).members[0].estimate.value for table in (frame, answered)]
    assert found[0] == found[1]


def test_each_slice_is_binned_by_itself() -> None:
    frame = said(300, 11).assign(gender=np.repeat(["f", "m"], 150), label=lambda table: table.label * (table.gender == "f"))
    found = measure(CHECK, subject(frame, by=(("gender",),)))
    parts = [frame[frame.gender == group] for group in ("f", "m")]
    expected = [plain(part.score.to_numpy(), part.label.to_numpy() == 1, 15) for part in parts]
    assert [one.estimate.value for one in found.members] == pytest.approx(expected, abs=1e-12)
    assert [one.estimate.n for one in found.members] == [150, 150]


def test_two_classes_look_at_the_positive_one_unless_told() -> None:
    frame = said(300, 1)
    assert "Probability of 1." in measure(CHECK, subject(frame)).notes[0]
    top = measure(CHECK, subject(frame), target="top").members[0].estimate.value
    score = frame.score.to_numpy()
    confidence, hit = np.maximum(score, 1 - score), (score >= 0.5) == (frame.label.to_numpy() == 1)
    assert top == pytest.approx(plain(confidence, hit, 15), abs=1e-12)


def test_swapping_classes_or_reordering_rows_changes_nothing() -> None:
    frame = said(400, 2).assign(score=lambda table: table.score.round(2))
    here = measure(CHECK, subject(frame)).members[0].estimate
    assert measure(CHECK, subject(shuffled(frame))).members[0].estimate.value == pytest.approx(here.value)
    swapped = frame.assign(label=1 - frame.label, score=(1 - frame.score).round(2))
    assert measure(CHECK, subject(swapped)).members[0].estimate.value == pytest.approx(here.value, abs=0.01)


def test_a_calibrated_model_is_not_failed_for_its_noise() -> None:
    """Three hundred rows: the point is above .05 nearly always, the interval never clearly."""
    looks = [measure(CHECK, subject(said(300, seed))) for seed in range(60)]
    assert np.mean([status(CHECK, found, max=0.05) == "fail" for found in looks]) == 0
    assert np.mean([status(CHECK, unplugged(found), max=0.05) == "fail" for found in looks]) > 0.7


def test_the_interval_decides() -> None:
    """Truly .2 off in 1,500 rows."""
    found = measure(CHECK, subject(said(1500, 5, off=0.2)))
    assert [status(CHECK, found, max=bound) for bound in (0.3, 0.2, 0.1)] == ["pass", "inconclusive", "fail"]


def test_coverage() -> None:
    """A model .1 off everywhere, so that its error is .1 over any bins."""
    seeds, trials = iter(range(1000)), 150
    found = misses(lambda: measure(CHECK, subject(said(800, next(seeds), off=0.1))).members[0].estimate, 0.1, trials)
    assert max(found) <= most(ALPHA, trials)


def test_every_class_is_a_member_under_classwise() -> None:
    """Each against the rest; slices are told apart by class, and each class has its diagram."""
    frame = three_scored(600).assign(gender=np.tile(["f", "m"], 300))
    found = measure(CHECK, subject(frame, scores=("a", "b", "c")), target="classwise")
    expected = [plain(frame[one].to_numpy(), frame.label.to_numpy() == one, 15) for one in "abc"]
    assert [str(one.name) for one in found.members] == ["class=a", "class=b", "class=c"]
    assert [one.estimate.value for one in found.members] == pytest.approx(expected, abs=1e-12)
    assert [figure.title.split(", ")[0] for figure in found.figures if isinstance(figure, Lines)] == ["class=a", "class=b", "class=c"]
    split = measure(CHECK, subject(frame, by=(("gender",),), scores=("a", "b", "c")), target="classwise")
    assert {str(one.name) for one in split.members} == {f"gender={g}, class={c}" for g in "fm" for c in "abc"}
    assert len(split.figures) == 3 + 6


def test_each_group_has_its_diagram_the_worst_first() -> None:
    frame = said(600, 11).assign(gender=np.repeat(["f", "m"], 300), label=lambda table: table.label * (table.gender == "f"))
    figures = measure(CHECK, subject(frame, by=(("gender",),))).figures
    drawn = [figure for figure in figures if isinstance(figure, Lines)]
    named = [(figure.title.rpartition(", ")[0], sum(rows(figure))) for figure in drawn if "At temperature" not in figure.title]
    assert named == [("", 600), ("gender=m", 300), ("gender=f", 300)]
    assert max(marks(drawn[-2]).y) == 0


def test_the_title_counts_the_bins_outside_the_band() -> None:
    """Those, and no others, stand out."""
    shifted = said(600, 11).assign(score=lambda table: table.score / 2)
    figure = measure(CHECK, subject(shifted)).figures[0]
    assert isinstance(figure, Lines)
    band, bins = curve(figure, "a calibrated model"), marks(figure)
    outside = {x for x, low, y, high in zip(band.x, band.lower, bins.y, band.upper, strict=True) if not low <= y <= high}
    assert outside
    assert set(curve(figure, "bins outside the band").x) == outside
    assert figure.title == f"{len(outside)} of 15 bins lie outside the band of a calibrated model"


def test_rows_of_one_person_widen_the_band() -> None:
    """Ten rows a person, all alike: the band is that of a tenth of the rows."""
    frame = pd.concat([said(100, 7).assign(person=np.arange(100))] * 10).assign(row=np.arange(1000))
    wide, narrow = (curve(measure(CHECK, subject(frame, group=one)).figures[0], "a calibrated model") for one in ("person", "row"))
    assert wide.upper[7] - wide.lower[7] > 2 * (narrow.upper[7] - narrow.lower[7])


def test_slices_persons_and_the_band() -> None:
    frame = pd.concat([said(200, 7).assign(person=np.arange(200))] * 3)
    found = measure(CHECK, subject(frame, by=(("gender",),), group="person"))
    assert [str(one.name) for one in found.members] == ["gender=f", "gender=m"]
    band = curve(found.figures[0], "a calibrated model")
    assert sum(rows(found.figures[0])) == 600
    assert all(low <= stated <= high for low, stated, high in zip(band.lower, band.x, band.upper, strict=True))
    alone = measure(CHECK, subject(frame, by=(("gender",),)))
    assert found.members[0].estimate.bounds(ALPHA, ALPHA)[1] > alone.members[0].estimate.bounds(ALPHA, ALPHA)[1]


def test_same_seed_same_evidence() -> None:
    frame = said(300, 8)
    assert measure(CHECK, subject(frame), seed=4) == measure(CHECK, subject(frame), seed=4)


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))
    with pytest.raises(CannotMeasure, match=r"columns\.positive"):
        measure(CHECK, subject(three_scored(20), scores=("a", "b", "c")), target="positive")
    for params in ({"bins": 1}, {"target": "second"}, {"of": "positive"}, {"bin": 10}):
        with pytest.raises(ValidationError):
            measure(CHECK, subject(said(20, 0)), **params)
