"""Members by names that people read."""

from __future__ import annotations

import pytest

from audit.evidence import OVERALL, Evidence, Member, Pair, Slice, Unmeasured
from audit.report.phrases import in_words, label
from audit.stats import Difference, Proportion

NORTH, SOUTH = (Slice((("region", name),)) for name in ("north", "south"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (OVERALL, "overall"),
        (NORTH.further("rate", "false_positive_rate"), "false positive rate, region: north"),
        (NORTH, "region: north"),
        (Slice((("region", None),)), "region: not given"),
        (Slice((("sex", "f"), ("region", "south"))), "sex: f, region: south"),
        (Slice((("parameter", "slope"),)), "slope"),
        (NORTH.further("auc", "bpsn"), "ranking its negatives below the others' positives (BPSN), region: north"),
        (Slice((("amount", "above 27 to 38"),)), "amount: above 27 to 38"),
        (Pair(NORTH, SOUTH), "region: north against region: south"),
        (
            Pair(NORTH.further("rate", "true_positive_rate"), SOUTH.further("rate", "true_positive_rate")),
            "true positive rate, region: north against region: south",
        ),
        (
            Pair(Slice((("window", "now"), ("class", "a"))), Slice((("window", "then"), ("class", "a")))),
            "class: a, window: now against window: then",
        ),
        (Pair(NORTH, OVERALL), "region: north against overall"),
    ],
)
def test_names(name: Slice | Pair, expected: str) -> None:
    assert label(name) == expected


def test_only_names_of_the_evidence_are_replaced_the_longest_first() -> None:
    share = Proportion(1, 2)
    far = Slice((("region", "north"), ("sex", "f")))
    members = (Member(Pair(NORTH, SOUTH), Difference(share, share)), Member(far, share))
    evidence = Evidence(members, "share", 4, unmeasured=(Unmeasured(Slice((("region", "no+where"),)), "no rows"),))
    assert in_words("It fails. region=south falls short.", evidence) == "It fails. Region: south falls short."
    text = "region=north against region=south; region=north, sex=f; region=northern; region=no+where: overall x=1"
    expected = "region: north against region: south; region: north, sex: f; region=northern; region: no+where: overall x=1"
    assert in_words(text, evidence) == expected
    assert in_words(text, None) == text
