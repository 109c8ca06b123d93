from __future__ import annotations

import importlib
import json
import math
import pkgutil
from dataclasses import is_dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import InputError
from audit.stats import (
    Amplification,
    Auc,
    AucDifference,
    AverageDifference,
    AverageGapChange,
    AveragePrecision,
    BinnedDistance,
    CalibrationError,
    Census,
    ClassMean,
    Coefficient,
    Confusion,
    Departure,
    Difference,
    Explained,
    GapChange,
    GroupJackknife,
    KolmogorovSmirnov,
    Mean,
    MeanDifference,
    MeanDiscrepancy,
    MeanRatio,
    NormDistance,
    PairedAuc,
    PairedConfusion,
    PairedDifference,
    PairedMean,
    PairedPrecision,
    Proportion,
    Quantile,
    Ratio,
    RootMeanSquare,
    SmoothCalibrationError,
    SquaredDistance,
    StabilityIndex,
    WeightedMean,
    WeightedShare,
)
from audit.stats.stored import KINDS, from_json, to_json

if TYPE_CHECKING:
    from audit.stats import Estimate

counts = st.integers(1, 10**6)
shares = st.floats(0, 1)
effects = st.floats(1, 50)
plain = counts.flatmap(lambda n: st.builds(Proportion, st.integers(0, n), st.just(n)))
clustered = counts.flatmap(lambda n: st.builds(Proportion, st.integers(0, n), st.just(n), st.integers(1, n), effects))
proportions = plain | clustered
tables = st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any).map(tuple)
confusions = st.builds(Confusion, st.tuples(tables), st.sampled_from(["f1", "recall"]), st.sampled_from(["macro", "binary"])) | st.lists(
    tables, min_size=1, max_size=3
).flatmap(
    lambda some: st.builds(
        Confusion, st.just(tuple(some)), st.just("precision"), st.just("weighted"), st.just(tuple(range(1, len(some) + 1)))
    )
)
bins = st.lists(st.tuples(shares, proportions), min_size=1, max_size=15)
aucs = st.builds(Auc, shares, st.floats(0, 1), counts, counts, counts, st.none() | counts, effects)
paired_aucs = st.tuples(counts, counts, counts, shares, shares, st.floats(-1, 1)).map(
    lambda d: PairedAuc(Auc(d[3], 0.001, d[0], d[1], d[2]), Auc(d[4], 0.001, d[0], d[1], d[2]), d[5])
)
falling = st.lists(st.floats(0.01, 3), min_size=4, max_size=30).map(lambda steps: [float(x) for x in np.cumsum(steps)])
coefficients = st.builds(
    lambda up, effect, n, entities: Coefficient(
        0.5, (*(0.5 - x for x in up[::-1]), 0.5, *(0.5 + x for x in up)), (*up[::-1], 0.0, *(-x for x in up)), effect, n, n, entities
    ),
    falling,
    effects,
    counts,
    st.none() | st.integers(2, 10**6),
)
inside, small = st.floats(0.01, 0.99), st.floats(1e-6, 0.05)
precisions = st.builds(AveragePrecision, inside, small, small, effects, st.just(40), st.just(90), st.just(40), st.none() | counts)
areas = st.builds(Auc, inside, small, st.just(40), st.just(90), st.just(40))
pseudo_values = st.builds(Mean, shares, st.floats(0.001, 10), st.floats(-5, 5), st.integers(2, 100), counts)
paired_precisions = st.builds(PairedPrecision, precisions, precisions, st.floats(-1, 1))
three_cells = ((0, 0, 0), (0, 1, 0), (1, 1, 1))
paired_confusions = st.builds(
    PairedConfusion,
    st.just(three_cells),
    st.just(((3, 1, 2), (0, 0, 4))),
    st.sampled_from(["mcc", "f1"]),
    st.just("macro"),
    st.just((2, 3)),
)
means = st.builds(Mean, shares, st.floats(0.001, 10), st.floats(-5, 5), st.integers(2, 10**6), counts, st.just(0.0))
roots = st.builds(RootMeanSquare, means)
squares = st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 10)), min_size=3, max_size=20)
mean_ratios = squares.map(lambda some: MeanRatio.of(np.array([u for u, _ in some]), np.array([v for _, v in some])))
paired_differences = st.builds(PairedDifference, counts, counts, counts, counts, st.none() | st.integers(2, 10**6), effects)
gap_changes = st.builds(GapChange, paired_differences, paired_differences)
shared_by = st.floats(1, 10**6)
differences = st.builds(Difference, proportions, proportions) | st.builds(Difference, proportions, proportions, st.floats(-1, 1), shared_by)
estimates = st.one_of(
    gap_changes,
    st.builds(Amplification, gap_changes, gap_changes),
    st.builds(AverageGapChange, gap_changes, gap_changes),
    st.builds(MeanDifference, means, means).map(lambda one: Amplification(one, one)),
    paired_differences,
    roots,
    mean_ratios,
    st.builds(Explained, mean_ratios),
    st.builds(MeanDifference, means, means) | st.builds(MeanDifference, roots, roots, st.floats(-1, 1), st.booleans(), shared_by),
    proportions,
    confusions,
    differences,
    st.builds(WeightedMean, means, counts),
    counts.flatmap(lambda n: st.builds(WeightedShare, shares, st.just(n), st.floats(0.5, n), st.none() | counts)),
    st.builds(AverageDifference, differences, differences)
    | st.builds(AverageDifference, differences, differences, st.floats(-1, 1), shared_by),
    st.builds(Ratio, proportions, proportions) | st.builds(Ratio, proportions, proportions, st.floats(-1, 1), shared_by),
    aucs,
    st.builds(AucDifference, aucs, aucs),
    paired_aucs,
    paired_confusions,
    precisions,
    paired_precisions,
    st.builds(GroupJackknife, shares, pseudo_values, counts, counts),
    st.tuples(areas, precisions, paired_precisions).map(lambda some: ClassMean(some, ((1.0, 0.2, 0.1),) * 3)),
    bins.flatmap(lambda some: st.builds(CalibrationError, st.just(tuple(c for c, _ in some)), st.just(tuple(p for _, p in some)), shares)),
    coefficients,
    st.builds(Departure, coefficients, st.sampled_from([0.0, 1.0])),
    st.builds(SquaredDistance, shares, shares, st.floats(1e-6, 1), st.integers(2, 20), counts, st.none() | st.integers(2, 10**6)),
    st.integers(100, 10**6).map(
        lambda n: SmoothCalibrationError(
            0.05, (0.02, 0.1, 1.0), (0.1, 0.05, 0.01), (0.02, 0.01, 0.001), (1e-4, 1e-4, 1e-5), 0.03, 0.4, Proportion(40, n)
        )
    ),
    st.builds(Census, st.floats(-1e9, 1e9), counts),
    st.builds(
        Mean,
        shares,
        st.floats(0.001, 10),
        st.floats(-5, 5),
        st.integers(2, 10**6),
        counts,
        st.none() | st.just(-1.0),
        st.none() | st.just(2.0),
    ),
    st.builds(PairedMean, st.builds(Mean, shares, st.floats(0.001, 10), st.floats(-5, 5), st.integers(2, 10**6), counts)),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40).map(lambda some: Quantile.of(np.array(some), 0.9)),
    st.builds(KolmogorovSmirnov, shares, counts, counts),
    st.builds(BinnedDistance, st.sampled_from(["chi_squared", "hellinger"]), shares, shares, st.integers(2, 20), counts, counts),
    st.builds(NormDistance, shares, st.tuples(shares, shares, shares), shares, shares, counts, counts, st.none() | st.just(1.0)),
    st.builds(StabilityIndex, shares, st.integers(2, 20), counts, counts),
    st.builds(MeanDiscrepancy, st.floats(-1, 1), shares, st.tuples(shares, shares, shares), shares, counts, counts),
)


@given(estimates)
def test_every_estimate_survives_a_file(estimate: Estimate) -> None:
    """The same fields, and so the same ends at any level."""
    read = from_json(json.loads(json.dumps(to_json(estimate), allow_nan=False)))
    assert read == estimate
    assert type(read) is type(estimate)
    assert read.bounds(0.025, 0.03) == estimate.bounds(0.025, 0.03)


def test_every_kind_can_be_stored() -> None:
    """A class with an interval that the package does not export would be refused when it is written."""
    import audit.stats

    modules = [importlib.import_module(f"audit.stats.{found.name}") for found in pkgutil.iter_modules(audit.stats.__path__)]
    kinds = {name for module in modules for name, one in vars(module).items() if is_dataclass(one) and hasattr(one, "min_support")}
    assert set(KINDS) == {name for name in kinds if not name.startswith("_")}


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    stored = to_json(Proportion(np.int64(3), np.int64(8)))  # type: ignore[arg-type]  # wrong on purpose
    assert json.dumps(stored).startswith('{"kind": "Proportion", "hits": 3, "n": 8, "entities": null, "design_effect": 1.0, ')


def test_what_is_no_estimate_is_refused() -> None:
    with pytest.raises(TypeError, match="no kind of estimate"):
        to_json("0.9")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ValueError, match="holds inf"):
        to_json(Census(math.inf, 3))


def test_a_table_stored_before_there_was_beta_reads_as_it_did() -> None:
    stored = to_json(Confusion(((3, 1, 0, 4),), "f1"))
    assert stored.pop("beta") == 1.0
    assert from_json(stored) == Confusion(((3, 1, 0, 4),), "f1")
    assert from_json(stored | {"beta": 2.0, "metric": "fbeta"}) == Confusion(((3, 1, 0, 4),), "fbeta", beta=2.0)
    with pytest.raises(InputError, match="has tables, metric"):
        from_json({name: one for name, one in stored.items() if name != "copies"})


OLD_SHARE = '{"kind": "Proportion", "hits": 8, "n": 10, "entities": 5, "design_effect": 1.5}'
OLD_MEAN = '{"kind": "Mean", "mean": 1.0, "deviation": 2.0, "skewness": 0.5, "units": 30, "rows": 40, "low": null, "high": null}'
OLD_GAP = f'{{"kind": "Difference", "first": {OLD_SHARE}, "second": {OLD_SHARE}}}'


def test_a_weighted_share_reads_under_its_earlier_field_too() -> None:
    share = WeightedShare(0.3, 100, 40.0)
    plain = to_json(share)
    earlier = {"worth" if name == "effective_n" else name: value for name, value in plain.items()}
    assert from_json(earlier) == from_json(plain) == share
    with pytest.raises(InputError, match="a stored WeightedShare has"):
        from_json(plain | {"worth": 40.0})


def test_two_groups_stored_before_people_were_in_both_read_as_they_did() -> None:
    """By the fields there were then: two samples, and of an average of clustered differences the sum of the margins."""
    share, mean = Proportion(8, 10, 5, 1.5), Mean(1.0, 2.0, 0.5, 30, 40)
    gap = Difference(share, share)
    assert from_json(json.loads(OLD_GAP)) == gap
    assert from_json(json.loads(OLD_GAP.replace("Difference", "Ratio"))) == Ratio(share, share)
    average = from_json(json.loads(f'{{"kind": "AverageDifference", "first": {OLD_GAP}, "second": {OLD_GAP}}}'))
    assert average == AverageDifference(gap, gap)
    assert average.bounds(0.025, 0.03) == pytest.approx(gap.bounds(0.025, 0.03)), "the mean of two margins that add up"
    old = f'{{"kind": "MeanDifference", "first": {OLD_MEAN}, "second": {OLD_MEAN}, "correlation": 0.25, "paired": true}}'
    assert from_json(json.loads(old)) == MeanDifference(mean, mean, 0.25, paired=True)
    with pytest.raises(InputError, match="has first, second, correlation, shared, not first, second, likeness"):
        from_json(json.loads(OLD_GAP) | {"likeness": 0.5})


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({}, "None is no kind"),
        ({"kind": "Wald"}, "'Wald' is no kind"),
        ({"kind": "Proportion", "hits": 1}, "has hits, n, entities"),
        ({"kind": "Proportion", "hits": 5, "n": 3, "entities": None, "design_effect": 1.0}, "needs 0 <= hits <= n"),
        ({"kind": "Proportion", "hits": "many", "n": 3, "entities": None, "design_effect": 1.0}, "cannot be read"),
        ({"kind": "Census", "count": 1.0, "rows": 2, "value": 0.0}, "has count, rows, not count, rows, value"),
    ],
)
def test_a_stored_estimate_that_does_not_fit_is_refused(stored: dict[str, None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_json(stored)
