"""One member a slice: from flags, from any estimate, and unmeasured where the estimate says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.evidence import Slice
from audit.metrics.groups import measurable_slices, measurable_slices_by_class, share_members, slice_members
from audit.stats import Mean, Proportion
from tests.support import subject

if TYPE_CHECKING:
    from audit.metrics.groups import Entities, Rows

FRAME = pd.DataFrame({"region": list("nnnss"), "who": list("aabcc"), "label": list("ababa"), "prediction": list("abbba")})
HIT = np.array([True, True, False, True, False])
NORTH, SOUTH = Slice((("region", "n"),)), Slice((("region", "s"),))


def test_each_slice_has_its_own_share() -> None:
    members = share_members(subject(FRAME, by=(("region",),)), HIT)
    assert [(member.name, member.estimate) for member in members] == [(NORTH, Proportion(2, 3)), (SOUTH, Proportion(1, 2))]


def test_without_slices_there_is_one_member_of_all_rows() -> None:
    (member,) = share_members(subject(FRAME), HIT)
    assert (member.name, member.estimate) == (Slice(), Proportion(3, 5))


def test_an_estimate_is_given_the_entities_of_its_rows_alone() -> None:
    seen: list[list[int]] = []

    def estimate(rows: Rows, entities: Entities) -> Mean:
        assert entities is not None
        seen.append(entities.tolist())
        return Mean.of(HIT[rows].astype(float), entities)

    members = slice_members(subject(FRAME, by=(("region",),), group="who"), estimate)
    assert [len(codes) for codes in seen] == [3, 2]
    assert seen[0][0] == seen[0][1] != seen[0][2]
    assert [member.estimate.value for member in members] == pytest.approx([2 / 3, 1 / 2])


def test_a_slice_that_lacks_something_is_unmeasured_for_that_reason() -> None:
    members, unmeasured = measurable_slices(
        subject(FRAME, by=(("region",),)), lambda rows, ids: "too few: add rows" if rows.sum() < 3 else Proportion.of(HIT[rows], ids)
    )
    assert [member.name for member in members] == [NORTH]
    assert [(one.name, one.reason) for one in unmeasured] == [(SOUTH, "too few: add rows")]


def test_the_class_is_in_the_name_where_there_are_several() -> None:
    seen = subject(FRAME, by=(("region",),))
    truth = FRAME["label"].to_numpy()

    def estimate(target: str, rows: Rows, entities: Entities) -> Proportion:
        return Proportion.of(truth[rows] == target, entities)

    several, _ = measurable_slices_by_class(seen, ("a", "b"), estimate)
    assert [(str(member.name), member.estimate) for member in several] == [
        ("region=n, class=a", Proportion(2, 3)),
        ("region=s, class=a", Proportion(1, 2)),
        ("region=n, class=b", Proportion(1, 3)),
        ("region=s, class=b", Proportion(1, 2)),
    ]
    alone, _ = measurable_slices_by_class(seen, ("a",), estimate)
    assert [member.name for member in alone] == [NORTH, SOUTH]
    named, _ = measurable_slices_by_class(seen, ("a",), estimate, named=True)
    assert [str(member.name) for member in named] == ["region=n, class=a", "region=s, class=a"]
