"""The report says how often a test set has served."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from audit.ledger.test_set_usage import Exchanged
from audit.record import LookFacts
from audit.report import render
from audit.report import text as prose
from audit.report.charts.history import looks
from audit.report.scope import set_usage
from tests.report import example

THIRD = LookFacts(
    "test", decisions=4, candidates=3, number=3, alpha=0.025, most=5, spending="pocock", level=0.0046, left=0.0073,
    exchanged=(Exchanged("3f" * 32, 2), Exchanged("9a" * 32, 1)),
)  # fmt: skip
LATE = replace(THIRD, number=6, candidates=6, level=0.0, left=0.0, exchanged=())
UNPLANNED = LookFacts("test", decisions=30, candidates=24, number=24, alpha=0.025)
ALONE = LookFacts("test", decisions=1, candidates=1, number=1, alpha=0.025)


def said(one: LookFacts) -> str:
    (view,) = set_usage(replace(example.promote(), looks=(one,)))
    return " ".join(view.said)


def test_a_look_in_words() -> None:
    """1 - .975^3 is .0731."""
    assert said(THIRD) == (
        "Three different candidates were held against `test` in four runs, this one included. "
        "This is look 3 of 5 (pocock): a pass was judged at an error of 0.46\u00a0% in place of 2.5\u00a0%; 0.73\u00a0% is left for "
        "later candidates. "
        "Had each been judged at an error of 2.5\u00a0%, at least one of three candidates that lie just on the bound would pass by luck "
        "with a chance of 7.31\u00a0%, were their errors independent. "
        "The file was exchanged twice under a policy of this name. Other rows stood here before: "
        "3f3f3f3f3f3f… (two candidates) and 9a9a9a9a9a9a… (one candidate)."
    )


def test_a_ledger_without_history_is_said_to_be_so() -> None:
    """Else a ledger that was deleted, or laid elsewhere, would read as a test set that nobody has looked at."""
    run = replace(example.promote(), looks=(ALONE,))
    told = "The ledger was empty before this run; what another ledger counted on this data is not included."
    first, later = (set_usage(replace(run, ledger_head=head))[0].said for head in (None, "ab" * 32))
    assert told in first
    assert told not in later
    assert told in re.sub(r"\s+", " ", render(replace(run, ledger_head=None)))


def test_a_used_up_set_is_said_to_be_so() -> None:
    assert "This is look 6 of 5: the test set is used up, and nothing on it passes." in said(LATE)
    assert "this is look six: too late" in looks(LATE).drawing  # type: ignore[union-attr]  # it has a plan


def test_a_look_too_early_to_use_anything_is_not_too_late() -> None:
    """O'Brien and Fleming's first look of a thousand: 1e-1088 is no error, and all of it is left for later."""
    early = replace(THIRD, number=1, candidates=1, most=1000, level=0.0, left=0.025)
    assert not early.exhausted
    assert "a pass was judged at an error of 0\u00a0% in place of 2.5\u00a0%; 2.5\u00a0% is left for later candidates." in said(early)


def test_a_set_without_a_plan_has_toldand_no_picture() -> None:
    """1 - .975^24 is .455."""
    assert "each candidate was judged as if it were the only one" in said(UNPLANNED)
    assert "at least one of 24 candidates that lie just on the bound would pass by luck with a chance of 45.5\u00a0%" in said(UNPLANNED)
    assert "chance" not in said(ALONE)
    assert looks(UNPLANNED) is None


def test_the_picture_by_hand() -> None:
    """Five boxes on 336 units: two of others, this one, two empty; the bar's parts are .0131, .0046 and .0073 of .025."""
    drawing = looks(THIRD)
    assert drawing is not None
    found = re.findall(r'<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)" height="16" class="([\w-]+)"', drawing.drawing)
    boxes, bar = [one for one in found if one[1] == "22"], [one for one in found if one[1] == "78"]
    assert [mark for *_, mark in boxes] == ["barf", "barf", "datadot", "ink3l", "ink3l"]
    assert [float(x) for x, *_ in boxes] == pytest.approx([1 + 67.2 * place for place in range(5)], abs=0.01)
    assert [mark for *_, mark in bar] == ["ink3l", "barf", "datadot"]
    assert [float(width) for *_, width, _ in bar[1:]] == pytest.approx([336 * 0.0131 / 0.025, 336 * 0.0046 / 0.025], abs=0.01)
    assert float(bar[2][0]) == pytest.approx(float(bar[1][2]), abs=0.01)


def test_an_earlier_candidate_again_leaves_the_count_as_it_is() -> None:
    """The second of four, looked at again: four boxes are used, and its own is the second."""
    drawing = looks(replace(THIRD, number=2, candidates=4))
    assert drawing is not None
    assert drawing.title == "Looks at test: 4 of 5 used"
    assert re.findall(r'y="22"[^>]*class="([\w-]+)"', drawing.drawing) == ["barf", "datadot", "barf", "barf", "ink3l"]


@pytest.mark.parametrize("most", [1, 40, 41, 1000])
def test_any_number_of_looks_fits(most: int) -> None:
    """Up to forty are boxes; a thousand are one bar."""
    drawing = looks(replace(THIRD, most=most, number=1, candidates=1))
    assert drawing is not None
    assert drawing.drawing.count("<rect") <= 43
    ends = [float(x) + float(width) for x, width in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', drawing.drawing)]
    assert max(ends) <= 336


def test_the_page_holds_it() -> None:
    html = render(replace(example.promote(), looks=(THIRD, replace(UNPLANNED, role="<b>holdout"))))
    assert "Use of the test sets" in html
    assert "Looks at test: 3 of 5 used" in html
    assert "&lt;b&gt;holdout" in html
    assert "Use of the test sets" not in render(example.promote())


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (0.025, "2.5\u00a0%"),
        (0.0046, "0.46\u00a0%"),
        (1e-4, "0.01\u00a0%"),
        (4.9e-7, "one in 2,000,000"),
        (1e-20, "less than one in a billion"),
        (0.0, "0\u00a0%"),
    ],
)
def test_small_errors_are_said_as_people_say_them(level: float, told: str) -> None:
    assert prose.error(level) == told
