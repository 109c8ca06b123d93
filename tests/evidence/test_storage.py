"""Evidence and whole runs come back equal from their stored form, and nothing else is taken for one."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import record, report
from audit.check import CheckInfo
from audit.errors import InputError
from audit.evidence import (
    Bars,
    Curve,
    Evidence,
    Example,
    Figure,
    Generic,
    Grid,
    Intervals,
    Lines,
    Member,
    Pair,
    Part,
    Point,
    Slice,
    Unmeasured,
    storage,
)
from audit.evidence.storage import from_bytes, table_from_bytes, table_to_bytes, to_bytes, types
from audit.export import json as results_json
from audit.stats import Auc, Census, Difference, Mean, Proportion
from tests.report.example import extremes, runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=12)
counts = st.integers(1, 10**6)
cells = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | texts
slices = st.lists(st.tuples(texts, cells), max_size=3).map(lambda items: Slice(tuple(items)))
names = slices | st.builds(Pair, slices, slices)
proportions = counts.flatmap(lambda n: st.builds(Proportion, st.integers(0, n), st.just(n)))
estimates = st.one_of(
    proportions,
    st.builds(Difference, proportions, proportions),
    st.builds(Census, numbers, counts),
    st.builds(Mean, numbers, st.floats(0, 10), numbers, st.floats(1, 10**6), counts),
    st.builds(Auc, st.floats(0, 1), st.floats(0, 1), counts, counts, counts),
)
members = st.lists(st.builds(Member, names, estimates), max_size=2).map(tuple)


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a figure's field; infinite numbers too, which stand for open ends."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(args)
    if origin is Union or isinstance(hint, type(int | str)):
        return st.one_of(*map(of_type, args))
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(of_type(args[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(of_type, args))
    if is_dataclass(hint):
        hints = get_type_hints(hint, localns=types())
        return st.builds(cast("Any", hint), **{one.name: of_type(hints[one.name]) for one in fields(hint)})
    return {float: st.floats(allow_nan=False), int: st.integers(), str: texts, bool: st.booleans(), type(None): st.none()}[hint]


sizes = st.integers(1, 3)
styles = st.sampled_from(["line", "expected", "points", "exceptions"])
curves = sizes.flatmap(lambda n: st.builds(Curve, texts, *(st.tuples(*[numbers] * n) for _ in range(4)), styles))
known = st.builds(Point, numbers, numbers, st.floats(allow_nan=False))
points = st.none() | known
generic = st.one_of(
    st.builds(Lines, texts, texts, texts, st.lists(curves, min_size=1, max_size=2).map(tuple), st.just(((0.5, 3),)), texts),
    sizes.flatmap(
        lambda n: st.builds(
            Bars,
            texts,
            st.tuples(*[texts] * n),
            st.tuples(*[counts | st.floats(0, 9)] * n),
            st.just(()) | st.tuples(*[st.floats(0, 1)] * n),
            st.tuples(texts, texts),
            slices,
        )
    ),
    sizes.flatmap(
        lambda n: st.builds(
            Grid, texts, st.just(("a",)), st.tuples(*[texts] * n), st.tuples(st.tuples(*[st.none() | counts | numbers] * n)), st.booleans()
        )
    ),
    sizes.flatmap(
        lambda n: st.builds(
            Intervals, texts, st.just(("before", "after")), st.tuples(*[texts] * n), st.tuples(*[st.tuples(points, known)] * n)
        )
    ),
)
evidence = st.builds(
    Evidence,
    members=members,
    unit=texts,
    rows=counts,
    context=members,
    unmeasured=st.lists(st.builds(Unmeasured, names, texts), min_size=1, max_size=2).map(tuple),
    figures=st.lists(st.one_of(generic, *(of_type(one) for one in get_args(Figure) if one not in get_args(Generic))), max_size=2).map(
        tuple
    ),
    examples=st.lists(
        st.builds(Example, texts, st.lists(st.builds(Part, texts, st.sampled_from(["same", "mask"])), max_size=2).map(tuple), texts),
        max_size=2,
    ).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
    backend=texts,
    asides=st.lists(texts, max_size=2).map(tuple),
    background=st.lists(slices, max_size=2).map(tuple),
)


@settings(max_examples=60)
@given(evidence)
def test_evidence_comes_back_equal_and_of_the_same_types(given_: Evidence) -> None:
    found = from_bytes(to_bytes(given_))
    assert found == given_
    assert repr(found.figures) == repr(given_.figures)  # 1, 1.0 and True are equal, and print differently
    assert repr([one.name for one in found.members]) == repr([one.name for one in given_.members])


@given(st.lists(st.tuples(st.integers(), st.none() | st.text(max_size=5), st.floats(width=32), st.booleans(), texts), max_size=5))
def test_a_table_comes_back_with_the_types_of_its_columns(rows: list[tuple[Any, ...]]) -> None:
    kinds = {"count": "object", "word": "object", "share": "float32", "wrong": "bool", "id": "U"}
    rows = [(abs(row[0]) % 2**40, *row[1:]) for row in rows]
    table = {name: np.array([row[place] for row in rows], dtype=kind) for place, (name, kind) in enumerate(kinds.items())}
    found = table_from_bytes(table_to_bytes(table))
    assert list(found) == list(table)
    for name, values in table.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype.kind == values.dtype.kind


def simple() -> Evidence:
    return Evidence((Member(Slice((("region", "north"),)), Proportion(3, 4)),), "accuracy", 4, table={"id": np.array(["a", "b"])})


def test_evidence_with_a_table_comes_back_with_it() -> None:
    found = from_bytes(to_bytes(simple()))
    assert replace(found, table={}) == replace(simple(), table={})
    assert found.table["id"].tolist() == ["a", "b"]


def test_numpy_numbers_are_stored_as_plain_ones() -> None:
    whole, part = cast("Any", np.int64(4)), cast("Any", np.float64(1.5))  # what a check may pass on from an array
    odd = replace(simple(), rows=whole, members=(Member(Slice((("age", part),)), Proportion(3, 4)),))
    found = from_bytes(to_bytes(odd))
    assert type(found.rows) is int
    assert found.members[0].name == Slice((("age", 1.5),))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plain: plain.pop("unit"), "Evidence lacks unit"),
        (lambda plain: plain.update(more=1), "Evidence has the unknown more"),
        (lambda plain: plain.update(rows="4"), "rows: str in place of int"),
        (lambda plain: plain.update(rows=True), "rows: bool in place of int"),
        (lambda plain: plain.update(members=[], unmeasured=[]), "evidence without members"),
        (lambda plain: plain["members"][0]["estimate"].update(kind="Guess"), "members.0.estimate: 'Guess' is no kind of estimate"),
        (lambda plain: plain["members"][0]["name"].update(kind="Place"), "members.0.name: 'Place' is none of Slice, Pair"),
        (lambda plain: plain["members"][0]["name"].update(items=[["region"]]), "members.0.name.items.0: 1 entries in place of 2"),
        (lambda plain: plain.update(figures=[{"kind": "Bars", "title": "t", "labels": ["a"]}]), "figures.0: Bars lacks counts"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(change: Callable[[dict[str, Any]], object], told: str) -> None:
    whole = json.loads(to_bytes(replace(simple(), table={})))
    change(whole["evidence"])
    with pytest.raises(InputError) as refused:
        from_bytes(json.dumps(whole).encode())
    assert told in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"schema": "audit.evidence/2", "evidence": {}}', b"\xff\xfe"])
def test_what_is_no_evidence_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="stored evidence"):
        from_bytes(content)


def test_a_table_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no table"):
        from_bytes(to_bytes(replace(simple(), table={})) + b"not Parquet")


def test_a_value_without_a_stored_form_is_refused_when_it_is_written() -> None:
    with pytest.raises(TypeError, match="unit: bytes in place of str"):
        to_bytes(replace(simple(), unit=b"accuracy"))  # type: ignore[arg-type]  # what a check may do by mistake
    with pytest.raises(TypeError, match="NaN is no number"):
        to_bytes(replace(simple(), members=(Member(Slice((("age", math.nan),)), Proportion(3, 4)),)))


EXAMPLES = [
    *(runs.block, runs.waived, runs.compared, runs.looked_at, runs.conditions, runs.promote, runs.all_errors),
    extremes.crowded,
]


@pytest.mark.parametrize("make", EXAMPLES, ids=lambda make: make.__name__)
def test_a_run_comes_back_equal_and_gives_the_same_report_and_results(make: Callable[[], record.AuditRun]) -> None:
    audit = make()
    found = record.from_text(record.to_text(audit))
    assert plain(found) == plain(audit)
    assert found.policy.model_fields_set == audit.policy.model_fields_set
    assert report.render(found) == report.render(audit)
    assert results_json.text(found) == results_json.text(audit)


def plain(audit: record.AuditRun) -> record.AuditRun:
    """Without what is stored apart: tables of evidence, and the seconds that the run's timings hold."""
    bare = [replace(one, seconds=0.0, evidence=one.evidence and replace(one.evidence, table={})) for one in audit.findings]
    return replace(audit, findings=tuple(bare))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda plain: plain.update(schema="audit.record/2"), "'audit.record/2', and this release reads audit.record/1"),
        (lambda plain: plain["record"]["verdict"].update(decision="promoted"), "verdict.decision: 'promoted' is none of"),
        (lambda plain: plain["record"]["findings"][0].pop("status"), "findings.0: Finding lacks status"),
        (lambda plain: plain["record"]["policy"].update(surprise=1), "policy.surprise: Extra inputs are not permitted"),
    ],
)
def test_a_changed_record_is_refused_with_its_place(change: Callable[[dict[str, Any]], object], told: str) -> None:
    whole = json.loads(record.to_text(runs.block()))
    change(whole)
    with pytest.raises(InputError) as refused:
        record.from_text(json.dumps(whole))
    assert told in str(refused.value)


def test_every_fact_of_a_check_is_in_the_record() -> None:
    stored = json.loads(record.to_text(runs.promote()))["record"]["findings"][0]["check"]
    assert stored.keys() == {one.name for one in fields(CheckInfo)}


def test_a_table_that_is_written_in_batches_comes_back_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_BATCH", 2)
    share = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    columns = {
        "id": storage.Coded(lambda rows: np.arange(rows.start, rows.stop).astype(str), kind="U"),
        "region": storage.Coded(np.array([2, 0, 1, 0, 2]), ["north", "south", None]),
        "share": storage.Coded.of(share),
    }
    storage.write_table(tmp_path / "rows.parquet", columns, 5)
    found = table_from_bytes((tmp_path / "rows.parquet").read_bytes())
    assert found["id"].tolist() == ["0", "1", "2", "3", "4"]
    assert found["region"].tolist() == [None, "north", "south", "north", None]
    assert found["share"].tolist() == share.tolist()
