"""Periods of a time zone and moments of a column."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from audit.monitor.periods import BIN, between, moments, span_of, zone

if TYPE_CHECKING:
    from audit.policy.monitoring import Period


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("moment", "kind", "where", "key", "start", "end"),
    [
        ("2026-11-30T23:59:00Z", "day", "UTC", "2026-11-30", "2026-11-30T00:00:00+00:00", "2026-12-01T00:00:00+00:00"),
        ("2026-11-30T23:59:00Z", "day", "Europe/Berlin", "2026-12-01", "2026-12-01T00:00:00+01:00", "2026-12-02T00:00:00+01:00"),
        ("2026-03-29T12:00:00Z", "day", "Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
        ("2026-10-25T12:00:00Z", "day", "Europe/Berlin", "2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("2026-10-25T00:30:00Z", "hour", "Europe/Berlin", "2026-10-25T02+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"),
        ("2026-10-25T01:30:00Z", "hour", "Europe/Berlin", "2026-10-25T02+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"),
        ("2026-11-30T10:00:00Z", "hour", "Asia/Kolkata", "2026-11-30T15+05:30", "2026-11-30T15:00:00+05:30", "2026-11-30T16:00:00+05:30"),
        ("2027-01-02T10:00:00Z", "week", "UTC", "2026-W53", "2026-12-28T00:00:00+00:00", "2027-01-04T00:00:00+00:00"),
        ("2026-12-31T23:30:00Z", "month", "Europe/Berlin", "2027-01", "2027-01-01T00:00:00+01:00", "2027-02-01T00:00:00+01:00"),
    ],
)
def test_the_period_of_a_moment(moment: str, kind: Period, where: str, key: str, start: str, end: str) -> None:
    found = span_of(at(moment), kind, zone(where))
    assert (found.key, found.start.isoformat(), found.end.isoformat()) == (key, start, end)


@pytest.mark.parametrize("where", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Adelaide", "America/Santiago"])
@pytest.mark.parametrize("kind", ["day", "week", "month"])
def test_periods_follow_one_another_without_gap_or_overlap(kind: Period, where: str) -> None:
    first, last = span_of(at("2025-12-31T12:00:00Z"), kind, zone(where)), span_of(at("2027-01-01T12:00:00Z"), kind, zone(where))
    spans = [first, *between(first, last, kind, zone(where)), last]
    assert all(one.end == after.start for one, after in pairwise(spans))
    assert len({one.key for one in spans}) == len(spans)
    if kind == "day":
        assert len(spans) == 367
        hours = {(one.end - one.start).total_seconds() / 3600 for one in spans}
        assert hours == ({24.0} if where in {"UTC", "Asia/Kathmandu"} else {23.0, 24.0, 25.0})


@pytest.mark.parametrize("where", ["Europe/Berlin", "Asia/Kathmandu"])
def test_a_quarter_of_an_hour_lies_within_one_period(where: str) -> None:
    start = int(at("2026-10-24T20:00:00Z")) // BIN
    for number in range(start, start + 40):
        assert span_of(number * BIN, "hour", zone(where)) == span_of(number * BIN + BIN - 1, "hour", zone(where))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2026-11-30T10:00:00", "2026-11-30 10:00", "2026-11-30T10:00:00Z"], ["09", "09", "10"]),
        (["2026-11-30", "2026-11-30T05:00:00+05:30"], ["2026-11-29T23", "2026-11-29T23:30"]),
    ],
)
def test_times_without_an_offset_are_those_of_the_zone(cells: list[str], expected: list[str]) -> None:
    found = [datetime.fromtimestamp(one, UTC).isoformat() for one in moments(pd.Series(cells, dtype=object), zone("Europe/Berlin"))]
    assert all(hour in text for hour, text in zip(expected, found, strict=True)), found


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series(pd.to_datetime(["2026-07-01T12:00:00", "NaT"])),
        pd.Series(pd.to_datetime(["2026-07-01T12:00:00", "NaT"])).dt.tz_localize("Europe/Berlin"),
        pd.Series([datetime.fromisoformat("2026-07-01T12:00:00+02:00"), None], dtype=object),
        pd.Series(["2026-07-01T12:00:00+02:00", "soon"], dtype=object),
        pd.Series(["2026-07-01T12:00:00", "2026-13-01"], dtype=object),
    ],
)
def test_columns_of_every_type_name_the_same_moment(cells: pd.Series[Any]) -> None:
    found = moments(cells, zone("Europe/Berlin"))
    assert found[0] == at("2026-07-01T10:00:00Z")
    assert found[1] != found[1], "no time is no moment"  # NaN


def test_numbers_are_no_times() -> None:
    assert moments(pd.Series([1764500000, 5]), zone("UTC")).tolist() == pytest.approx([float("nan")] * 2, nan_ok=True)
