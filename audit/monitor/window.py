"""A file cut into the windows that it holds, and what each is known by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import numpy as np

from audit.datasets.addresses import DATABASES, WEB, Address, is_address, problem
from audit.datasets.identity import cells_sha256
from audit.errors import InputError, PolicyError
from audit.formatting import rows_in_words
from audit.monitor.periods import BIN, Span, moments, span_of, zone
from audit.pipeline import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.datasets.profiles.profile import Profile
    from audit.monitor.scope import Scope
    from audit.policy.monitoring import Monitor, Period
    from audit.policy.schema import Policy

Part: TypeAlias = "tuple[str | None, datetime | None, datetime | None, Dataset]"
"""Key, where it is no digest, start and end of a window, and its rows."""
_KEY = 12
"""Signs of the digest that name a window by count."""


@dataclass(frozen=True)
class Window:
    """Rows of one window."""

    key: str
    start: datetime | None
    """None for a window by count without a column of times."""
    end: datetime | None
    """Of a period the moment after it; of a window by count the time of its last row."""
    data: Dataset
    rows_sha256: str
    """Of all cells but the labels."""
    labels_sha256: str | None
    """Of all cells; None until every row has a label that must have one."""
    unlabelled: int
    """Rows without a label."""

    @property
    def labelled(self) -> bool:
        """Whether its labels have come."""
        return self.labels_sha256 is not None


def read(scope: Scope, file: Path, now: datetime) -> tuple[Window, ...]:
    """The windows of a file, the oldest first."""
    role, spec = scope.spec.on, scope.policy.datasets[scope.spec.on]
    sql = None if spec.path.partition(":")[0] in DATABASES else spec.sql  # a file in place of a database holds the rows themselves
    where = spec.model_copy(update={"path": window_path(file, spec.path), "sql": sql, "unlabelled": None})
    try:
        whole = prepare.read_dataset(replace(scope.loaded, allow_outside=True), role, where, may_lack=frozenset({"label"}))
    except PolicyError as error:  # told at a line of the policy, which names another file
        said = (one.message.removeprefix(f"datasets.{role}.path: ").removeprefix(f"datasets.{role}: ") for one in error.mistakes)
        raise InputError(*(f"--window {text}" for text in said)) from error
    _refuse_unanswered(scope.policy, whole)
    return cut(whole, scope.spec, now, drops=spec.unlabelled == "drop")


def _refuse_unanswered(policy: Policy, whole: Dataset) -> None:
    """Rows whose saved answers are missing would count for drift, and the same rows with answers would then be other ones."""
    roles, load = whole.columns, policy.candidate.load
    if load is None or load.kind != "predictions" or not (roles.prediction is None and roles.score is None and roles.scores is None):
        return
    own = policy.datasets[whole.role].columns
    declared = (policy.columns if own is None else own.over(policy.columns)).named()
    columns = [column for use, column in declared.items() if use.split(".")[0] in {"prediction", "score", "scores"}]
    if columns:
        _refuse(whole, f"has no column {' or '.join(map(repr, columns))}, in which the candidate's answers stand", "add it to the file")


def window_path(file: Path, declared: str) -> str:
    """The path of a window, from anywhere. An address of the web must be on the server that the policy names for this data set."""
    if not is_address(str(file)):
        return str(file.absolute())
    window = Address.of(str(file))
    if wrong := problem(window.written):
        msg = f"--window: the address {wrong}"  # which is not repeated
        raise InputError(msg)
    known = Address.of(declared).server if is_address(declared) else None
    if window.protocol in WEB and window.server != known:
        msg = f"--window {window}: is an address of the web, and the policy names no data set on this server: fetch the file first"
        raise InputError(msg)
    return window.written


def cut(whole: Dataset, spec: Monitor, now: datetime, *, drops: bool) -> tuple[Window, ...]:
    """The windows of a file, the oldest first. `drops`: rows without a label are left out where others have one."""
    if whole.cells.profile is not None:
        return (_window(*_of_profile(whole, whole.cells.profile, spec, now), drops=False),)
    parts = _by_count(whole, spec.window.rows, zone(spec.time_zone)) if not isinstance(spec.window, str) else _by_time(whole, spec, now)
    return tuple(_window(key, start, end, data, drops=drops) for key, start, end, data in parts)


def _of_profile(whole: Dataset, profile: Profile, spec: Monitor, now: datetime) -> Part:
    """The one window that a profile is of: its rows are not at hand, so that it cannot be cut."""
    where, span = zone(spec.time_zone), profile.span
    ends = None if span is None else [datetime.fromisoformat(one).timestamp() for one in span]
    if not isinstance(spec.window, str):
        if whole.rows != spec.window.rows:
            what = f"is a profile of {rows_in_words(whole.rows)}, and a window has {spec.window.rows:,}"
            _refuse(whole, what, "make one profile for each window")
        known = [None, None] if ends is None else [datetime.fromtimestamp(one, where) for one in ends]
        return None, known[0], known[1], whole
    if ends is None:
        _refuse(whole, "is a profile without the times of its rows", "make it anew with --column time=COLUMN")
    first, last = (span_of(one, spec.window, where) for one in ends)
    if first != last:
        _refuse(whole, f"is a profile of rows from {first.key} to {last.key}, and cannot be cut", f"make one for each {spec.window}")
    _refuse_unfinished(whole, spec.window, first, now)
    return first.key, first.start, first.end, whole


def _window(key: str | None, start: datetime | None, end: datetime | None, data: Dataset, *, drops: bool) -> Window:
    label = data.columns.label
    rows_sha256 = cells_sha256(data, without=() if label is None else (label,))
    blank = data.rows if label is None else _blank(data, label)
    labelled = blank == 0 or (drops and blank < data.rows)
    return Window(key or rows_sha256[:_KEY], start, end, data, rows_sha256, cells_sha256(data) if labelled else None, blank)


def _blank(data: Dataset, column: str) -> int:
    profile = data.cells.profile
    return int(np.count_nonzero(data.blank(column))) if profile is None else profile.columns[column].blank


def _by_count(whole: Dataset, size: int, where: tzinfo) -> Iterator[Part]:
    """Windows of so many rows, in the order of the file."""
    if over := whole.rows % size:
        what = f"holds {rows_in_words(whole.rows)}, and a window has {size:,}"
        _refuse(whole, what, f"leave the last {over:,} for a later file" if whole.rows > size else "wait for more rows")
    times = None if whole.columns.time is None else moments(whole.cells.column(whole.columns.time), where)
    for first in range(0, whole.rows, size):
        mask = np.zeros(whole.rows, dtype=bool)
        mask[first : first + size] = True
        own = np.array([]) if times is None else times[mask]
        known = own[np.isfinite(own)]
        ends = [datetime.fromtimestamp(float(one), where) for one in (known.min(), known.max())] if known.size else [None, None]
        yield None, ends[0], ends[1], _part(whole, mask)


def _by_time(whole: Dataset, spec: Monitor, now: datetime) -> Iterator[Part]:
    kind, where, column = spec.window, zone(spec.time_zone), whole.columns.time
    assert isinstance(kind, str)  # noqa: S101  # windows by count are cut by `_by_count`
    if column is None:
        _refuse(whole, "lacks the column that columns.time names", "give each row its time there")
    times = moments(whole.cells.column(column), where)
    _refuse_untimed(whole, column, times)
    _refuse_future(whole, column, times, now)
    spans = _spans(times, kind, where)
    of_row = np.searchsorted(np.array([one.start.timestamp() for one in spans]), times, side="right") - 1
    for place, span in enumerate(spans):
        _refuse_unfinished(whole, kind, span, now)
        yield span.key, span.start, span.end, _part(whole, of_row == place)


def _spans(times: NDArray[np.float64], kind: Period, where: tzinfo) -> list[Span]:
    """The periods that hold a row, in their order."""
    found = (span_of(float(one), kind, where) for one in (np.unique(np.floor(times / BIN)) * BIN).tolist())
    return sorted(dict.fromkeys(found))


def _part(whole: Dataset, mask: NDArray[np.bool_]) -> Dataset:
    return whole if mask.all() else whole.where(mask)


def _refuse_unfinished(whole: Dataset, kind: Period, span: Span, now: datetime) -> None:
    if span.end > now:
        _refuse(whole, f"the {kind} {span.key} is not over before {span.end.isoformat()}", "audit it after that: a window counts once")


def _refuse_untimed(whole: Dataset, column: str, times: NDArray[np.float64]) -> None:
    untimed = np.flatnonzero(~np.isfinite(times))
    if not untimed.size:
        return
    first = int(untimed[0])
    what = f"{untimed.size:,} of {rows_in_words(whole.rows)} have no time in column {column!r} (first: row {whole.shown(first)}"
    _refuse(whole, f"{what}{whole.written(column, first)})", "write times such as 2026-11-30T14:00:00+01:00, or leave these rows out")


def _refuse_future(whole: Dataset, column: str, times: NDArray[np.float64], now: datetime) -> None:
    future = np.flatnonzero(times > now.timestamp())
    if not future.size:
        return
    first = int(future[0])
    when = datetime.fromtimestamp(float(times[first]), UTC)
    what = f"{future.size:,} of {rows_in_words(whole.rows)} lie in the future in column {column!r} (first: row {whole.shown(first)}"
    _refuse(whole, f"{what}, {when:%Y-%m-%dT%H:%M:%SZ})", "mend the times, or monitor.time_zone, or the clock of this machine")


def _refuse(whole: Dataset, what: str, remedy: str) -> NoReturn:
    msg = f"--window {whole.path}: {what}: {remedy}"
    raise InputError(msg)
