"""Ratings of items by raters: their mean, and how far the raters agree."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.online._dated_file import inside
from audit.errors import CannotMeasure
from audit.stats import Mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.checks.online._dated_file import Ratings

_MOST_RATINGS = 5_000_000


def mean(project: str, declared: Ratings, least: float | None) -> tuple[Mean, tuple[str, ...]]:
    """The mean rating, and notes on agreement. CannotMeasure where the table cannot be read or agreement lies below `least`."""
    items, raters, values = _table(project, declared)
    low, high = declared.scale
    by = [Mean.of(values, _codes(whose), low=low, high=high) for whose in (items, raters)]
    widest = max(by, key=lambda one: one.bounds(0.025, 0.025)[1] - one.bounds(0.025, 0.025)[0])
    alpha = krippendorff_alpha(_codes(items), values)
    if least is not None and (alpha is None or alpha < least):
        said = "cannot be told, since no item has two ratings that could differ" if alpha is None else f"is {alpha:.3f}"
        msg = f"{declared.path}: the raters' agreement {said}, and {least:g} is asked for: rate again by a clearer guide"
        raise CannotMeasure(msg)
    agreement = "not defined: no item has two ratings that could differ" if alpha is None else f"{alpha:.3f}"
    people = f"{len(values)} ratings of {len(set(items))} items by {len(set(raters))} raters"
    return widest, (f"{people}. Krippendorff's alpha (interval distances): {agreement}.",)


def _codes(names: list[str]) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = np.unique(np.array(names), return_inverse=True)[1].astype(np.int64)
    return codes


def _table(project: str, declared: Ratings) -> tuple[list[str], list[str], NDArray[np.float64]]:
    """Item, rater and value of every rating."""
    path = inside(project, declared.path)
    items, raters, values = list[str](), list[str](), list[float]()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            if missing := [name for name in ("item", "rater", "rating") if name not in (rows.fieldnames or ())]:
                msg = f"{declared.path} has no column {', '.join(missing)}: it needs item, rater and rating"
                raise CannotMeasure(msg)
            for row in rows:
                items.append(row["item"])
                raters.append(row["rater"])
                values.append(_rating(row["rating"], declared, rows.line_num))
                if len(values) > _MOST_RATINGS:
                    msg = f"{declared.path} has more than {_MOST_RATINGS:,} ratings: declare a random sample of them"
                    raise CannotMeasure(msg)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{declared.path} cannot be read ({error}): name a CSV file with the columns item, rater and rating"
        raise CannotMeasure(msg) from error
    if len(set(zip(items, raters, strict=True))) < len(values):
        msg = f"{declared.path}: a rater rated one item twice: keep the last rating of each"
        raise CannotMeasure(msg)
    if not values:
        msg = f"{declared.path} holds no rating"
        raise CannotMeasure(msg)
    return items, raters, np.array(values)


def _rating(cell: str | None, declared: Ratings, line: int) -> float:
    low, high = declared.scale
    try:
        value = float(cell or "")
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        msg = f"{declared.path}:{line}: {cell!r} is no number from {low:g} to {high:g}, the declared scale"
        raise CannotMeasure(msg)
    return value


def krippendorff_alpha(items: NDArray[np.int64], values: NDArray[np.float64]) -> float | None:
    """Krippendorff's alpha with interval distances (2004, section 11.3); None where no two ratings could differ.

    `items` are (n,) codes and `values` (n,) ratings. Within an item squared differences of pairs are weighted by 1 / (ratings - 1);
    items with one rating are left out.
    """
    sizes = np.bincount(items)
    paired = sizes[items] > 1
    if not paired.any():
        return None
    items, values = items[paired], values[paired] - values[paired].mean()
    sizes, sums, squares = np.bincount(items), np.bincount(items, values), np.bincount(items, values**2)
    some = sizes > 1
    within = float(np.sum(2 * (sizes[some] * squares[some] - sums[some] ** 2) / (sizes[some] - 1)))
    n = len(values)
    expected = 2 * (n * float(np.sum(values**2)) - float(np.sum(values)) ** 2) / (n - 1)
    return None if expected <= 0 else 1 - within / expected
