"""False alarms of a monitor in a year without drift, and the days until harm is found.

Run: python -m benchmarks.monitor_year [--fast] [--write docs/monitoring.md]

The budget is one false alarm in 365 daily windows, over the whole class of requirements. Estimates, e-values and thresholds are the
package's own. Only the Shiryaev-Roberts recursion is written again, for many runs at once; a test compares it with the package's
`Detector`.

1. Quiet years: 30 features without drift, 365 windows, one reference a year that all windows share. drift/ks and drift/psi at a floor
   of .1, beside the rules in use: a KS test of each feature a day at 5 %, Benjamini-Hochberg over the features of a day at 5 %, and PSI
   > 0.2. At most 1 % of the years of ours may alarm.
2. False alarms of an error rate with the bound .10: with the true rate on the bound and below it. On the bound the mean time to the
   first alarm must be 365 days or more; runs are cut after five years, which makes it shorter.
   Below it, other estimates on their bounds, which have approximate intervals, with new samples each day: the budget is nominal there.
3. Delays: the rate rises on day 181, after a quiet spell on the bound or below it. From .10 the median is at most 10 days for .15 and
   30 for .12.
4. Drift of 1 of 30 features that drift/ks watches at .1: at once, and slowly over 90 days.
5. What a small reference costs: one feature whose true distance is exactly the floor of .1, with one reference for all windows. Its
   luck stays the same all year, so the budget is not promised here. With it, up to 63 % of the years would alarm.

A limit that is broken is marked, and the exit code is then 1. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audit.stats import KolmogorovSmirnov, StabilityIndex
from audit.stats.e_process import log_e_values, log_threshold
from benchmarks import monitored
from benchmarks.monitored import NEVER, Windows
from benchmarks.page import options, replace_table
from benchmarks.trials import Limit, Progress, percent, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.monitored import Numbers

YEAR, BUDGET, FEATURES = 365, 365, 30
LABELS, BOUND, FLOOR = 50, 0.10, 0.1
QUIET, LEVEL = 180, 0.05
MOST = {(0.10, 0.15): 10, (0.10, 0.12): 30}
"""Days that the median delay may take, by the error rate before and after."""
SIZES = (Windows(2_000, 200), Windows(10_000, 500))


def quiet_years(rng: Generator, sizes: Windows, years: int) -> tuple[list[list[str]], bool]:
    """A row for each rule, and whether ours alarm in few enough years."""
    ks, psi = (np.empty((years, YEAR, FEATURES)) for _ in range(2))
    for year in range(years):
        for feature in range(FEATURES):
            reference = monitored.sorted_uniform(rng, (), sizes.reference)
            ks[year, :, feature] = monitored.distances(reference, monitored.sorted_uniform(rng, (YEAR,), sizes.current))
            psi[year, :, feature] = monitored.indices(rng, sizes, YEAR)
    p = monitored.p_values(ks, sizes)
    ours = {"ours, drift/ks": detected(ks, sizes, "ks"), "ours, drift/psi": detected(psi, sizes, "psi")}
    daily = {
        "KS test at 5 % a day": (p < LEVEL).sum(axis=-1),
        "Benjamini-Hochberg a day": monitored.false_by_benjamini_hochberg(p, LEVEL).astype(int),
        "PSI > 0.2": (psi > 0.2).sum(axis=-1),  # noqa: PLR2004  # the constant in use
    }
    lines, holds = [], True
    for name, days in ours.items():
        share = float(np.mean(days != NEVER))
        good = Limit(0.01).holds(share, years)
        lines.append([name, str(sizes), str(years), percent(share), "", "<= 1.00", "" if good else "BROKEN"])
        holds &= good
    for name, alarms in daily.items():
        share = float(np.mean(alarms.any(axis=-1)))
        lines.append([name, str(sizes), str(years), percent(share), f"{alarms.sum() / years / 12:.1f}", "", ""])
    return lines, holds


def detected(values: Numbers, sizes: Windows, kind: str) -> NDArray[np.int64]:
    """(years,) day of the first alarm of (years, days, features) distances, each feature with its share of the budget."""
    of_year = (monitored.of_values(values[:, day], partial(_estimate, kind, sizes), FLOOR) for day in range(values.shape[1]))
    return monitored.alarm_days(of_year, np.exp(log_threshold(BUDGET, 1 / values.shape[2])))


def _estimate(kind: str, sizes: Windows, value: float) -> KolmogorovSmirnov | StabilityIndex:
    if kind == "ks":
        return KolmogorovSmirnov(value, sizes.reference, sizes.current)
    return StabilityIndex(value, monitored.BINS, sizes.reference, sizes.current)


def on_the_bound(rng: Generator, rate: float, runs: int) -> tuple[list[str], bool]:
    """False alarms of an error rate that stays."""
    days = alarms_of_rates(rng, [rate] * (5 * YEAR), runs)
    lasted = np.where(days == NEVER, 5 * YEAR, days)
    mean, error = float(lasted.mean()), float(lasted.std() / np.sqrt(runs))
    holds = mean + 3 * error >= BUDGET
    within = float(np.mean((days != NEVER) & (days <= YEAR)))
    return [f"{rate:g}", f"{runs:,}", f"{mean:,.0f}", f">= {BUDGET}", percent(within), "" if holds else "BROKEN"], holds


def other_estimates(rng: Generator, windows: int, runs: int) -> Iterator[list[str]]:
    """False alarms of other estimates that stay on their bound; the days of the runs are drawn from so many windows."""
    for name, (estimates, bound) in monitored.on_the_bound(rng, windows).items():
        log_e = np.array([log_e_values(one, bound, floor=False) for one in estimates])
        day = (log_e[rng.integers(0, windows, runs)][:, None] for _ in range(5 * YEAR))
        days = monitored.alarm_days(day, np.exp(log_threshold(BUDGET, 1)))
        lasted = np.where(days == NEVER, 5 * YEAR, days)
        within = float(np.mean((days != NEVER) & (days <= YEAR)))
        yield [name, f"{runs:,}", f"{lasted.mean():,.0f}", percent(within)]


def alarms_of_rates(rng: Generator, rates: list[float], runs: int) -> NDArray[np.int64]:
    """(runs,) day of the first alarm at these true error rates, the only member of its class."""
    found = monitored.error_rates(rng, rates, runs, labels=LABELS, bound=BOUND)
    return monitored.alarm_days(found, np.exp(log_threshold(BUDGET, 1)))


def delay(rng: Generator, before: float, after: float, runs: int) -> tuple[list[str], bool]:
    """Days from a rise of the error rate to the alarm, of runs that were quiet until then."""
    days = alarms_of_rates(rng, [before] * QUIET + [after] * 2 * YEAR, runs)
    late = days[(days > QUIET) | (days == NEVER)]
    waited = np.where(late == NEVER, 2 * YEAR, late - QUIET)
    median, most = float(np.median(waited)), MOST.get((before, after))
    holds = most is None or median <= most
    figures = [f"{median:.0f}", f"{np.quantile(waited, 0.9):.0f}", "" if most is None else f"<= {most}"]
    return [f"{before:g}", f"{after:g}", f"{len(late):,}", *figures, "" if holds else "BROKEN"], holds


def drift_delay(rng: Generator, sizes: Windows, distance: float, over: int, runs: int) -> list[str]:
    """Days until a drifting feature alarms, from the first and from the day on which its distance passes the floor."""
    days = 200
    shifts = monitored.shift_of(distance) * np.minimum(1.0, np.arange(1, days + 1) / max(1, over))
    passed = int(np.argmax(shifts > monitored.shift_of(FLOOR)))
    found = first_alarms(rng, sizes, shifts, runs, weight=1 / FEATURES)
    seen = np.where(found == NEVER, days, found - passed)
    share = float(np.mean(found != NEVER))
    return [f"{distance:g}", f"over {over} days" if over else "at once", str(sizes), str(runs), percent(share),
            f"{np.median(seen):.0f}", f"{np.quantile(seen, 0.9):.0f}"]  # fmt: skip


def first_alarms(rng: Generator, sizes: Windows, shifts: Numbers, runs: int, *, weight: float) -> NDArray[np.int64]:
    """(runs,) day of the first alarm of drift/ks for a feature that is so far off each day; every run has a reference of its own."""
    values = np.empty((runs, len(shifts), 1))
    for run in range(runs):
        current = monitored.moved(monitored.sorted_uniform(rng, (len(shifts),), sizes.current), shifts[:, None])
        values[run, :, 0] = monitored.distances(monitored.sorted_uniform(rng, (), sizes.reference), current)
    of_day = (monitored.of_values(values[:, day], partial(_estimate, "ks", sizes), FLOOR) for day in range(len(shifts)))
    return monitored.alarm_days(of_day, np.exp(log_threshold(BUDGET, weight)))


def on_the_floor(rng: Generator, sizes: Windows, runs: int) -> list[str]:
    """Years with an alarm of a feature that is exactly as far off as the policy allows, by drift/ks and drift/psi."""
    of_ks = first_alarms(rng, sizes, np.full(YEAR, monitored.shift_of(FLOOR)), runs, weight=1.0)
    shift = monitored.shift_of_index(FLOOR)
    psi = np.array([monitored.indices(rng, sizes, YEAR, shift=shift) for _ in range(runs)])
    of_psi = detected(psi[:, :, None], sizes, "psi")
    return [str(sizes), str(runs), *(percent(float(np.mean(found != NEVER))) for found in (of_ks, of_psi))]


def parts(*, fast: bool) -> Iterator[tuple[str, list[list[str]], bool]]:
    """Each table's name with some of its rows, as they come."""
    few = 20 if fast else 1
    for number, sizes in enumerate(SIZES):
        lines, holds = quiet_years(np.random.default_rng([1, number]), sizes, 300 // few)
        yield "quiet", lines, holds
    for rate in (0.10, 0.09, 0.08):
        line, holds = on_the_bound(np.random.default_rng([2, round(100 * rate)]), rate, 20_000 // few)
        yield "bound", [line], holds
    yield "others", list(other_estimates(np.random.default_rng(6), 20_000 // few, 4_000 // few)), True
    for before, after in ((0.10, 0.12), (0.10, 0.15), (0.10, 0.20), (0.08, 0.12), (0.08, 0.15), (0.08, 0.20)):
        line, holds = delay(np.random.default_rng([3, round(100 * before), round(100 * after)]), before, after, 20_000 // few)
        yield "delay", [line], holds
    for sizes in SIZES:
        for distance, over in ((0.2, 0), (0.15, 0), (0.2, 90)):
            yield "drift", [drift_delay(np.random.default_rng([4, over]), sizes, distance, over, 300 // few)], True
    for sizes in (Windows(500, 1_000), Windows(10_000, 1_000), Windows(10_000, 200)):
        yield "floor", [on_the_floor(np.random.default_rng([5]), sizes, 100 // few)], True


HEADS = {
    "quiet": ("30 features without drift", "rows ref / window", "years", "years with an alarm %", "alarms a month", "limit", ""),
    "bound": ("error rate, bound .10", "runs", "mean days to 1st alarm", "limit", "alarm in 1 year %", ""),
    "others": ("other estimates on their bound", "runs", "mean days to 1st alarm", "alarm in 1 year %"),
    "delay": ("error rate before", "from day 181", "runs", "median days", "90 % within", "limit", ""),
    "drift": ("KS distance, floor .1", "reached", "rows ref / window", "runs", "found %", "median days past the floor", "90 % within"),
    "floor": ("exactly on the floor: rows", "years", "drift/ks alarms %", "drift/psi alarms %"),
}  # fmt: skip


def main() -> None:
    """The tables, and what is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = options(parser, "monitor_year", fast="a twentieth of the runs")
    progress = Progress(len(SIZES) * 4 + 3 + 1 + 6 + 3)
    rows: dict[str, list[list[str]]] = {name: [] for name in HEADS}
    broken = 0
    for name, lines, holds in parts(fast=given.fast):
        progress.step(f"{name}: {lines[0][0]}")
        rows[name] += lines
        broken += not holds
    text = "\n\n".join(table(HEADS[name], lines) for name, lines in rows.items())
    text += f"\n\n{broken} limits broken; {progress.seconds():.0f} s"
    print(text)
    if given.write:
        replace_table(given.write, "monitor_year", text)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
