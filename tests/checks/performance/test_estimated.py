"""Performance without labels, from probabilities that a labelled reference calibrates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from audit.catalog import discover, info
from audit.checks.performance._expected_scores import Rows, expected_score, value
from audit.errors import CannotMeasure
from audit.evidence import storage
from audit.pipeline.jobs import Job
from audit.policy.schema import Requirement
from audit.power.expected import expectation_of
from audit.stats import ExpectedScore
from audit.subject import Subject
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused
from tests.judged import status
from tests.misses import most
from tests.support import dataset, measure
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from audit.checks.performance._expected_scores import Metric
    from audit.evidence import Evidence

CHECK = "performance/estimated"
ROLES: dict[str, Any] = {"label": "label", "prediction": "prediction", "score": "score", "positive": "1"}


def rows(rng: np.random.Generator, n: int, mean: float = 0.0) -> pd.DataFrame:
    """Rows whose stated probability is the true one, with the feature that it is made of."""
    x = rng.normal(mean, 1.5, n)
    p = expit(x)
    return pd.DataFrame({"x": x, "score": p, "prediction": (p >= 0.5).astype(int), "label": (rng.random(n) < p).astype(int)})


def seen(reference: pd.DataFrame, window: pd.DataFrame, *, labelled: bool = False, by: Any = (), **roles: Any) -> Subject:
    """A window that is told no label unless `labelled`."""
    own = ROLES | roles
    of_window = own if labelled else {name: one for name, one in own.items() if name != "label"}
    hidden = window if labelled else window.drop(columns="label", errors="ignore")
    datasets = {"test": dataset(hidden, "test", **of_window), "reference": dataset(reference, "reference", **own)}
    if not labelled:
        datasets["test"] = replace(datasets["test"], columns=datasets["test"].columns.model_copy(update={"label": None}))
    return Subject(
        data=datasets["test"],
        predicted=Predictions(SavedPredictions(datasets)),
        reference=datasets["reference"],
        datasets=datasets,
        by=by,
    )


def of(evidence: Evidence) -> ExpectedScore:
    (member,) = evidence.members
    assert isinstance(member.estimate, ExpectedScore)
    return member.estimate


def test_a_worked_example() -> None:
    """Of 40 reference rows stated at .8 of which 30 come true, and 40 at .3 of which 10 do, in two bins.

    Of the window 3 rows in 4 are stated at .8: they are right in 75 %, as are the others, which are called 0 and are right in 30 of
    40. Its F1: 3 of 4 rows are called 1 and hit in .75; 3/4 * .75 + 1/4 * .25 are expected to be 1.
    """
    frame = pd.DataFrame({"score": [0.8] * 40 + [0.3] * 40, "label": [1] * 30 + [0] * 10 + [1] * 10 + [0] * 30})
    frame = frame.assign(prediction=(frame.score >= 0.5).astype(int))
    window = pd.DataFrame({"score": [0.8] * 30 + [0.3] * 10, "prediction": [1] * 30 + [0] * 10})
    found = {name: of(measure(CHECK, seen(frame, window), metric=name, columns=())) for name in ("accuracy", "f1", "precision", "recall")}
    assert {name: one.value for name, one in found.items()} == {
        "accuracy": pytest.approx(0.75),
        "f1": pytest.approx(2 * 0.5625 / (0.75 + 0.625)),
        "precision": pytest.approx(0.75),
        "recall": pytest.approx(0.5625 / 0.625),
    }
    # each reference row at .8 has weight 3/4 over 40, at .3 1/4 over 40; p (1 - p) is 3/16 in both bins, the bins' rows unbiased (39)
    one = found["accuracy"]
    bayes = 30.5 / 41 * 10.5 / 41 - 3 / 16
    assert one.calibration == pytest.approx((0.75**2 + 0.25**2) * (3 / 16 / 39 + bayes / 40))
    assert one.variance == pytest.approx(one.calibration)  # both kinds of rows are right as often, so that the sample adds nothing
    assert (one.n, one.units) == (40, 40.0)


def test_perfectly_calibrated_scores_expect_their_own_accuracy() -> None:
    rng = np.random.default_rng(0)
    reference, window = rows(rng, 20_000), rows(rng, 2_000, mean=1.0)
    p = window.score.to_numpy()
    found = of(measure(CHECK, seen(reference, window), columns=()))
    assert found.value == pytest.approx(np.maximum(p, 1 - p).mean(), abs=0.006)


@pytest.mark.parametrize(
    ("metric", "truth"), [("f1", f1_score), ("precision", precision_score), ("recall", recall_score), ("roc_auc", roc_auc_score)]
)
def test_certain_probabilities_give_scikit_learns_score(metric: Metric, truth: Callable[..., float]) -> None:
    rng = np.random.default_rng(1)
    score, label = rng.random(60).round(1), rng.integers(0, 2, 60)
    window = Rows(score[:, None], (score >= 0.5)[:, None])
    said = score if metric == "roc_auc" else score >= 0.5
    assert value(metric, label[:, None].astype(float), window) == pytest.approx(truth(label, said))


@pytest.mark.parametrize("metric", ["accuracy", "f1", "precision", "recall", "roc_auc"])
def test_a_window_that_is_the_reference_has_nearly_its_realised_score(metric: Metric) -> None:
    rng = np.random.default_rng(2)
    frame = rows(rng, 4_000)
    sample = Rows(frame[["score"]].to_numpy(), frame[["prediction"]].to_numpy() == 1)
    label = frame[["label"]].to_numpy() == 1
    found = expected_score(metric, sample, label, sample)
    assert found.value == pytest.approx(value(metric, label.astype(float), sample), abs=0.002)


@pytest.mark.parametrize("metric", ["accuracy", "f1", "roc_auc"])
def test_gradient_and_influence_are_derivatives(metric: Metric) -> None:
    """What flipping one label of the reference, and adding one row to the window, does to the score, against doing it."""
    rng = np.random.default_rng(3)
    frame, window = rows(rng, 400), rows(rng, 300, mean=0.5)
    reference, label = Rows(frame[["score"]].to_numpy(), frame[["prediction"]].to_numpy() == 1), frame[["label"]].to_numpy() == 1
    sample = Rows(window[["score"]].to_numpy(), window[["prediction"]].to_numpy() == 1)
    found = expected_score(metric, reference, label, sample)
    redrawn = []
    for seed in range(150):
        draw = np.random.default_rng(seed)
        i, j = draw.integers(0, 400, 400), draw.integers(0, 300, 300)
        redrawn.append(expected_score(metric, reference.part(i), label[i], sample.part(j)).value)
    assert np.sqrt(found.variance) == pytest.approx(np.std(redrawn), rel=0.2)


def test_covariate_shift_is_carried_and_each_end_keeps_its_level() -> None:
    """A rare class in a window where it is less rare, a confident model, and few rows: neither end errs above 2.5 %."""
    trials, cases = 80, [(-4.0, -2.5, 2000, 500), (4.0, 3.0, 1000, 60), (0.0, 1.5, 400, 200)]
    for at, now, m, n in cases:
        many = rows(np.random.default_rng(9), 200_000, mean=now).score.to_numpy()
        truth, misses = np.maximum(many, 1 - many).mean(), np.zeros(2)
        for seed in range(trials):
            rng = np.random.default_rng([seed, n])
            frame, window = rows(rng, m, mean=at), rows(rng, n, mean=now)
            samples = [Rows(one[["score"]].to_numpy(), one[["prediction"]].to_numpy() == 1) for one in (frame, window)]
            low, high = expected_score("accuracy", samples[0], frame[["label"]].to_numpy() == 1, samples[1]).bounds(0.025, 0.025)
            misses += [low > truth, high < truth]
        assert misses.max() / trials <= most(0.025, trials)


def test_a_kind_of_row_that_neither_sample_holds_leaves_the_interval_open() -> None:
    """Every row is called 1, so that nothing is missed: recall is 1 here, and another sample may miss one in 3.7 / 400 at 2.5 %."""
    rng = np.random.default_rng(20)
    score = rng.uniform(0.6, 1.0, 400)[:, None]
    sample = Rows(score, np.ones_like(score, dtype=bool))
    found = expected_score("recall", sample, rng.random((400, 1)) < score, sample)
    low, high = found.bounds(0.025, 0.025)
    assert (found.value, high) == (1.0, 1.0)
    assert low == pytest.approx(1 - 3.69 / (400 * 0.8), abs=0.002)


def test_the_interval_decides() -> None:
    rng = np.random.default_rng(4)
    found = measure(CHECK, seen(rows(rng, 600), rows(rng, 300)), columns=())
    just_below = of(found).value - 0.005
    assert status(CHECK, found, min=just_below) == "inconclusive"
    assert status(CHECK, unplugged(found), min=just_below) == "pass"
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.9)] == ["pass", "fail"]


def test_a_window_of_another_kind_is_never_passed() -> None:
    """The scores look the same; the feature does not. By the scores alone it passes, which the note says rests on them alone."""
    rng = np.random.default_rng(5)
    reference, window = rows(rng, 800), rows(rng, 400)
    window = window.assign(x=window.x + 40)
    blind = measure(CHECK, seen(reference, window, features=["x"]), columns=())
    assert status(CHECK, blind, min=0.6) == "pass"
    assert "Whether the rows of test are like those of reference was not looked at: it rests on the model's answers alone." in blind.notes
    found = measure(CHECK, seen(reference, window, features=["x"]))
    assert (of(found).lowest, of(found).highest) == (0.0, 1.0)
    assert status(CHECK, found, min=0.01) == "inconclusive"
    assert any("400 (100.0%) are like none of reference" in note for note in found.notes)


def test_rows_are_weighted_by_their_features() -> None:
    """Group b is right less often at the same score. A window of it is overrated by its scores alone; the weights find that out."""
    rng = np.random.default_rng(6)

    def group(n: int, share: float) -> pd.DataFrame:
        b = rng.random(n) < share
        score = rng.uniform(0.6, 0.95, n)
        label = rng.random(n) < np.where(b, score - 0.3, score)
        return pd.DataFrame({"b": np.where(b, "yes", "no"), "score": score, "prediction": 1, "label": label.astype(int)})

    reference, window = group(3000, 0.3), group(1500, 0.9)
    truth = 0.775 - 0.3 * 0.9
    scores_alone = of(measure(CHECK, seen(reference, window, features=["b"]), columns=()))
    weighted = of(measure(CHECK, seen(reference, window, features=["b"])))
    assert scores_alone.bounds(0.001, 0.001)[0] > truth
    assert weighted.value == pytest.approx(truth, abs=0.03)
    low, high = weighted.bounds(0.025, 0.025)
    assert low < truth < high


def test_probabilities_that_went_wrong_within_the_reference_are_not_judged() -> None:
    """In the last fifth of the time the classes turn round: what was calibrated on the rest is not true of it."""
    rng = np.random.default_rng(7)
    reference = rows(rng, 2000).assign(when=pd.date_range("2026-01-01", periods=2000, freq="h").astype(str))
    reference.loc[1600:, "label"] = 1 - reference.label[1600:]
    window = rows(rng, 500).assign(when="2026-06-01 00:00:00")
    found = measure(CHECK, seen(reference, window, time="when"), columns=())
    assert not found.members
    assert "an assumption fails: calibrated probabilities of 1 are off by" in found.unmeasured[0].reason
    assert status(CHECK, found, min=0.01) == "inconclusive"
    assert found.context[0].estimate.value > 0.5  # shown all the same


def test_labels_of_the_window_that_disagree_stop_it() -> None:
    """Concept drift: the labels of the same cases turn round. Without labels nothing shows; with them nothing is judged."""
    rng = np.random.default_rng(8)
    reference, window = rows(rng, 1500), rows(rng, 400)
    turned = window.assign(label=1 - window.label)
    unseen = measure(CHECK, seen(reference, turned), columns=())
    assert status(CHECK, unseen, min=0.6) == "pass"
    assert any("where the right answer for the same case has changed, this number does not move" in note for note in unseen.notes)
    found = measure(CHECK, seen(reference, turned, labelled=True), columns=())
    assert not found.members
    assert "labels disagree: 400 of the 400 rows of test have labels" in found.unmeasured[0].reason
    agreeing = measure(CHECK, seen(reference, window, labelled=True), columns=())
    assert agreeing.members
    assert any("Every row has one" in note for note in agreeing.notes)


def test_slices_are_calibrated_by_themselves() -> None:
    rng = np.random.default_rng(10)
    reference = rows(rng, 3000).assign(region=np.where(np.arange(3000) % 2, "north", "south"))
    reference.loc[reference.region == "north", "label"] = rng.integers(0, 2, 1500)  # there the model knows nothing
    window = rows(rng, 600).assign(region=np.resize(["north", "south", "west"], 600))
    found = measure(CHECK, seen(reference, window, by=(("region",),)), columns=())
    told = {str(one.name): one.estimate.value for one in found.members}
    assert told["region=north"] == pytest.approx(0.5, abs=0.05)
    assert told["region=south"] > 0.7
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [
        ("region=west", "no labelled row is in it to calibrate on: add rows to this slice")
    ]


def test_more_classes_add_up_and_their_f1_is_a_mean() -> None:
    """Against the truth that the probabilities are drawn from, within three standard errors."""
    rng = np.random.default_rng(11)

    def draw(n: int) -> tuple[pd.DataFrame, NDArray[np.float64]]:
        p = rng.dirichlet([0.7, 0.5, 0.9], n)
        label = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
        frame = pd.DataFrame(p, columns=["a", "b", "c"]).assign(prediction=np.array(list("abc"))[p.argmax(axis=1)])
        return frame.assign(label=np.array(list("abc"))[label]), p

    (reference, _), (window, p) = draw(4000), draw(1500)
    roles: dict[str, Any] = {"score": None, "scores": {"a": "a", "b": "b", "c": "c"}, "positive": None}
    found = of(measure(CHECK, seen(reference, window, **roles), columns=()))
    assert found.value == pytest.approx(p.max(axis=1).mean(), abs=3 * np.sqrt(found.variance))
    called = np.eye(3)[p.argmax(axis=1)]
    f1 = np.mean(2 * (called * p).sum(axis=0) / (called + p).sum(axis=0))
    macro = of(measure(CHECK, seen(reference, window, **roles), metric="f1", columns=()))
    assert macro.value == pytest.approx(f1, abs=3 * np.sqrt(macro.variance))


def test_one_dominant_customer_widens_the_interval() -> None:
    """Half of the window's rows are one customer's, whose cases are easy."""
    rng = np.random.default_rng(12)
    reference, window = (rows(rng, n).assign(who=np.arange(n) % 100) for n in (1000, 200))
    window = pd.concat([window, rows(rng, 200, mean=3.0).assign(who=0)])
    alone = of(measure(CHECK, seen(reference, window), columns=()))
    grouped = of(measure(CHECK, seen(reference, window, group="who"), columns=()))
    assert grouped.value == alone.value
    assert np.ptp(grouped.bounds(0.025, 0.025)) > 1.5 * np.ptp(alone.bounds(0.025, 0.025))
    assert grouped.support < 10


def test_a_plan_expects_no_value_that_nobody_stated() -> None:
    """Of drift it expects no change; an estimated accuracy of 0 would be no such thing."""
    rng = np.random.default_rng(21)
    sample, found = seen(rows(rng, 60), rows(rng, 60)), {}
    for check_id, bound in ((CHECK, {"min": 0.5}), ("drift/psi", {"max": 0.5})):
        check = discover()[check_id]
        asked = Requirement.model_validate({"check": check_id, "id": check_id, "reference": "reference", **bound})
        found[check_id] = expectation_of(Job(asked, check, info(check_id), check.params(), sample, 0, 0.95, "a test"), {}, None)
    assert found[CHECK] is None
    assert found["drift/psi"] is not None


def test_it_behaves() -> None:
    rng = np.random.default_rng(13)
    reference, window = rows(rng, 300), rows(rng, 120)
    sample = seen(reference, window)
    for metric in ("accuracy", "f1", "roc_auc"):
        found = assert_complete(CHECK, sample, columns=[], metric=metric)
        again = storage.from_bytes(storage.to_bytes(found))
        assert [status(CHECK, one, min=0.5) for one in (found, again)] == ["pass", "pass"]
    assert_order_of_rows_is_irrelevant(CHECK, lambda frame: seen(reference, frame), window, columns=[])
    assert_order_of_rows_is_irrelevant(CHECK, lambda frame: seen(frame, window), reference, columns=[])
    assert_crash_blocks(CHECK, sample, columns=[])


def test_what_cannot_be_measured_is_refused() -> None:
    rng = np.random.default_rng(14)
    reference, window = rows(rng, 200), rows(rng, 100)
    same = seen(reference, window)
    assert same.reference is not None
    assert_refused(CHECK, replace(same, reference=replace(same.reference, sha256=same.data.sha256)), because="are the same file")
    unlabelled = replace(same.reference, columns=same.reference.columns.model_copy(update={"label": None}))
    assert_refused(CHECK, replace(same, reference=unlabelled), because="name their column under columns.label")
    assert_refused(CHECK, seen(reference.assign(score=0.7), window), because="every row of reference has the same score", columns=[])
    assert_refused(CHECK, seen(reference.assign(label=0), window), because="no row is truly 1", columns=[])
    assert_refused(CHECK, seen(reference, window[:0]), because="no rows")
    bare = [one.drop(columns="x") for one in (reference, window)]
    assert_refused(CHECK, seen(*bare), because="set `columns: []` to rest on the answers alone")
    no_score = [one.drop(columns="score") for one in (reference, window)]
    with pytest.raises(CannotMeasure, match="prob"):
        measure(CHECK, seen(*no_score, score=None), columns=())
