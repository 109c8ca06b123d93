"""Distance between the distributions of each feature in two windows, by the statistic that the policy names.

Purpose      Show which features have moved between the reference and the current window, whether chance explains it, and how far.
Risk         High: the model answers for cases unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  One feature at a time: a change of how features go together is not seen (drift/mmd sees it). Change is not harm.
             ks, cramer_von_mises and wasserstein compare numbers, chi_squared compares categories, jensen_shannon and hellinger compare
             both, numbers by quantile bins of the reference. A missing cell ranks below every number and is a category of its own;
             wasserstein leaves it out. wasserstein is in standard deviations of the reference (by its quartiles), and cells more than
             ten of these from its median count as ten away, without which heavy tails have no interval. p-values are corrected over
             features (Holm). An alarm needs an interval beyond the bound: a significant change below the bound passes.
Reference    Smirnov 1939; Anderson, Annals of Mathematical Statistics 1962; Pearson 1900 and Cramer 1946; Lin, IEEE Trans.
             Information Theory 1991; Hellinger 1909; Kantorovich 1942. Rabanser et al., Failing loudly, NeurIPS 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, get_args

import numpy as np
from pydantic import Field, model_validator

from audit.check import Params
from audit.checks.drift import _alibi, _contexts, _numbers, drift_check
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Unmeasured
from audit.metrics import usable_features, windows
from audit.stats import BinnedDistance, KolmogorovSmirnov, NormDistance, Sketched
from audit.stats.distribution_distance import Divergence, cramer_von_mises, wasserstein
from audit.stats.hypothesis_tests import holm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.checks.drift._contexts import Comparison
    from audit.metrics.bins import Bins
    from audit.metrics.usable_features import Rule
    from audit.metrics.windows import Feature
    from audit.stats import Estimate
    from audit.subject import Subject

_FIGURES = 12
_BINS = 20
_FARTHEST = 10.0
"""Standard deviations from the reference's median at which a cell counts for the Wasserstein distance at most."""
_NORMAL_QUARTILES = 1.349
"""Distance of the quartiles of a normal law in its standard deviations."""
Norm: TypeAlias = Literal["ks", "cramer_von_mises", "wasserstein"]
Statistic: TypeAlias = Norm | Divergence
_ALIBI = ("ks", "cramer_von_mises", "chi_squared")
_UNITS: dict[Statistic, str] = {
    "ks": "KS distance",
    "cramer_von_mises": "Cramér-von Mises distance",
    "wasserstein": "Wasserstein distance (reference's standard deviations)",
    "chi_squared": "Cramér's V",
    "jensen_shannon": "Jensen-Shannon distance",
    "hellinger": "Hellinger distance",
}


class DistanceParams(Params):
    """What is compared, how, and by which part."""

    statistic: Statistic = "ks"
    """ks, cramer_von_mises, wasserstein (numbers), chi_squared (categories), jensen_shannon, hellinger (both)."""
    columns: tuple[str, ...] | None = None
    """Columns, or `text (words)`, `text (characters)`, `text (share of letters)`; all that the statistic can compare where neither
    they nor `by` is given."""
    bins: Annotated[int, Field(ge=2, le=100)] = 10
    """Quantile bins of a numeric feature, for jensen_shannon and hellinger."""
    context: tuple[str, ...] = ()
    """Columns, such as [store], given which features are compared: a change of their mix alone is no drift. Not with
    cramer_von_mises or wasserstein."""
    backend: _alibi.Backend = "audit"
    """Whose p-values are shown; alibi-detect comes with the extra `drift`, and its licence limits production use."""

    @model_validator(mode="after")
    def _offered(self) -> DistanceParams:
        if self.backend == "alibi-detect" and self.statistic not in _ALIBI:
            msg = f"alibi-detect has no {self.statistic}: it has {', '.join(_ALIBI)}; leave `backend` out for the others"
            raise ValueError(msg)
        if self.context and self.statistic in {"cramer_von_mises", "wasserstein"}:
            msg = f"{self.statistic} cannot be compared given a context: use ks, or leave `context` out"
            raise ValueError(msg)
        _alibi.refuse_context(self.backend, self.context)
        return self


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    feature: Feature
    estimate: KolmogorovSmirnov | NormDistance | BinnedDistance | Sketched
    p: float


def measure(subject: Subject, params: DistanceParams, _rng: Generator) -> Evidence:
    """The distance of each feature between the two windows."""
    reference, current = windows.pair(subject)
    named = windows.chosen_columns(subject, params.columns)
    found, lacking = windows.features(reference, current, named)
    rules = usable_features.unnamed_rules(named, reference, current)
    comparison = _contexts.compare(subject, params.context)
    features, unmeasured = _comparable(comparison.features(found, named), rules, params.statistic, lacking=bool(lacking))
    results = [(feature, _compare(feature, params, comparison)) for feature in features]
    compared = [one for _, one in results if isinstance(one, _Compared)]
    unmeasured += tuple(Unmeasured(feature.slice, one) for feature, one in results if isinstance(one, str))
    members = tuple(Member(one.feature.slice, one.estimate) for one in compared)
    farthest = [one.feature for one in sorted(compared, key=lambda one: -one.estimate.value)[:_FIGURES]]
    return Evidence(
        members=members,
        unit=_UNITS[params.statistic],
        rows=reference.rows + current.rows,
        unmeasured=(*lacking, *unmeasured, *comparison.unmeasured),
        figures=tuple(comparison.binned(feature, _BINS)[0].figure(feature.name, reference.role, current.role) for feature in farthest),
        notes=(
            *windows.change_notes(members),
            *_p_notes(compared),
            *comparison.notes,
            *_numbers.missing_notes([feature for feature in features if feature.numeric]),
            *windows.cluster_notes(subject),
            *((_alibi.licence(),) if params.backend == "alibi-detect" else ()),
        ),
        backend=_alibi.name(params.backend),
    )


def _comparable(
    found: Sequence[Feature], rules: Sequence[Rule], statistic: Statistic, *, lacking: bool
) -> tuple[tuple[Feature, ...], tuple[Unmeasured, ...]]:
    """The features that the statistic can compare, and the others as unmeasured; refused where the policy names one of these."""
    if statistic in get_args(Norm):
        return _numbers.numeric(found, rules, lacking=lacking)
    if not found and not lacking:
        msg = "no feature column and no text: name columns.features"
        raise CannotMeasure(msg)
    if statistic != "chi_squared":
        return usable_features.divide(found, usable_features.scattered, *rules)
    numbers = [feature.name for feature in found if feature.numeric]
    if numbers and (not rules or len(numbers) == len(found)):
        msg = f"chi_squared compares categories, not numbers ({', '.join(numbers)}): use ks, cramer_von_mises or wasserstein for them"
        raise CannotMeasure(msg)
    return usable_features.divide(found, _number, usable_features.scattered, *rules)


def _number(feature: Feature) -> str | None:
    return "it holds numbers: use ks, cramer_von_mises or wasserstein for it" if feature.numeric else None


def _compare(feature: Feature, params: DistanceParams, comparison: Comparison) -> _Compared | str:
    """One feature's distance and p-value, or the reason why it has none."""
    if params.backend == "alibi-detect" or params.statistic in {"cramer_von_mises", "wasserstein"}:
        feature.refuse_profiles()
    sizes = comparison.sizes
    if params.statistic in get_args(Divergence):
        return _by_bins(feature, params, comparison)
    if params.statistic == "wasserstein":
        sides = _in_spreads(feature)
        if isinstance(sides, str):
            return sides
        present = [
            max(1, round(size * len(side) / len(feature_side)))
            for size, side, feature_side in zip(sizes, sides, (feature.reference, feature.current), strict=True)
        ]
        area = wasserstein(*sides, (present[0], present[1]))
        return _Compared(feature, area, area.p_value)
    before, now = _numbers.ranked(feature)
    if params.statistic == "cramer_von_mises":
        root = cramer_von_mises(before, now, sizes)
        p = _alibi.cramer_von_mises(before, now)[1] if params.backend == "alibi-detect" else root.p_value
        return _Compared(feature, root, p)
    if params.backend == "alibi-detect":
        distance, p = _alibi.kolmogorov_smirnov(before, now)
        return _Compared(feature, KolmogorovSmirnov(distance, *sizes), p)
    measured = _numbers.kolmogorov_smirnov(feature, comparison)
    return _Compared(feature, measured, _kolmogorov(_least(measured).value, *sizes))


def _by_bins(feature: Feature, params: DistanceParams, comparison: Comparison) -> _Compared:
    found, sizes = comparison.binned(feature, params.bins)
    kind: Divergence = params.statistic  # type: ignore[assignment]  # one of them, as the caller has seen
    distance = found.distance(kind, sizes)
    if params.backend == "alibi-detect":
        return _Compared(feature, distance, _alibi.chi_squared(found.reference.astype(int), found.current)[1])
    least = _least(distance)
    assert isinstance(least, BinnedDistance)  # noqa: S101  # as what is seen is one
    return _Compared(feature, distance, _pearson(found, sizes) if kind == "chi_squared" and distance is least else least.p_value)


def _least(estimate: Estimate) -> Estimate:
    """The estimate that proves least of a change, where profiles leave several open."""
    return estimate.least if isinstance(estimate, Sketched) else estimate


def _pearson(found: Bins, sizes: tuple[int, int]) -> float:
    """p-value of Pearson's test of homogeneity (1900), on as many rows as are worth independent ones."""
    from scipy.special import chdtrc

    shares = [counts / counts.sum() for counts in (found.reference, found.current)]
    both = (shares[0] * sizes[0] + shares[1] * sizes[1]) / sum(sizes)
    statistic = sum(size * float(((share - both) ** 2 / both).sum()) for share, size in zip(shares, sizes, strict=True))
    return float(chdtrc(max(1, len(both) - 1), statistic))


def _kolmogorov(distance: float, n: int, m: int) -> float:
    """p-value as `scipy.stats.ks_2samp` gives it by `method="asymp"`."""
    from scipy.stats import kstwo

    return float(np.clip(kstwo.sf(distance, max(1, round(n * m / (n + m)))), 0.0, 1.0))


def _in_spreads(feature: Feature) -> tuple[NDArray[np.float64], NDArray[np.float64]] | str:
    """The numbers of both windows from the reference's median, in its standard deviations, or why they cannot be told."""
    sides = [side.astype(float)[~np.isnan(side.astype(float))] for side in (feature.reference, feature.current)]
    if not all(len(side) for side in sides):
        return "one window has no number in it"
    finite = sides[0][np.isfinite(sides[0])]
    low, middle, high = np.quantile(finite, [0.25, 0.5, 0.75]) if len(finite) else (0.0, 0.0, 0.0)
    spread = float(high - low) / _NORMAL_QUARTILES or (float(finite.std()) if len(finite) else 0.0)
    if not 0 < spread < np.inf:
        return "all its numbers in the reference are the same, so no distance can be told in its standard deviations: use ks"
    before, now = (np.clip((side - middle) / spread, -_FARTHEST, _FARTHEST) for side in sides)
    return before, now


def _p_notes(compared: Sequence[_Compared]) -> tuple[str, ...]:
    if not compared:
        return ()
    corrected = holm([one.p for one in compared]).tolist()
    said = ", ".join(f"{one.feature.name} {p:.2g}" for one, p in zip(compared, corrected, strict=True))
    return (f"p-values of no change, corrected over {len(compared)} features (Holm): {said}.",)


CHECK = drift_check(
    measure=measure,
    question="Has the distribution of any feature moved by more than the bound?",
    remedy="Ask where the feature that moved most comes from; if the change is real, label a sample of it and test again.",
    unit="distance",
    params=DistanceParams,
    by="features",
    highest=float("inf"),
)
