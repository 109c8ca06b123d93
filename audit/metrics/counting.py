"""Counts in a data set: a census where all rows are there; in a sample, what the count proves of all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.stats import Census, SampledCount

if TYPE_CHECKING:
    from audit.datasets import Dataset


def count_rows(data: Dataset, count: int, *, judged_alone: bool, against_sample: bool = False) -> Census | SampledCount:
    """Rows of some kind.

    `judged_alone`: whether a row shows that it is of the kind without the other rows of its data set. `against_sample`: whether it is
    held against a data set of which some rows are not there, so that further rows may be of the kind.
    """
    population = data.rows if data.sample is None else data.sample.population
    if against_sample:
        return SampledCount(count, data.rows, population, most=population)
    if data.sample is None:
        return Census(count, data.rows)
    per_row = judged_alone and data.sample.at_random
    return SampledCount(count, data.rows, population, most=population - data.rows + count, per_row=per_row)


def count_findings(data: Dataset, count: int) -> Census | SampledCount:
    """Findings, of which a row may hold any number: nothing bounds how many the rows hold that were not drawn."""
    return Census(count, data.rows) if data.sample is None else SampledCount(count, data.rows, data.sample.population)
