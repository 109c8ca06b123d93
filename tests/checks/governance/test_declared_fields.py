from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.catalog import discover
from audit.policy.declared_facts import OF_DATA, REQUIRED
from audit.policy.schema import DatasetSpec, Person, System
from tests.judged import status
from tests.support import measure, subject

if TYPE_CHECKING:
    from audit.evidence import Evidence

CHECK = "governance/declared_fields"
SEEN = subject(pd.DataFrame({"prediction": ["a"]}))
EVERYTHING = {name: "stated" for fields in REQUIRED.values() for name in fields} | {
    "datasets.test.source": "survey of 2024",
    "datasets.test.licence": "CC0-1.0",
}


def missing(declared: dict[str, object], **params: Any) -> Evidence:
    return measure(CHECK, replace(SEEN, declared=declared), **params)


def names(evidence: Evidence) -> set[str]:
    return {example.row for example in evidence.examples}


def test_a_worked_example() -> None:
    """Tier 2 asks for eight facts here; four are stated, one of them by a placeholder."""
    found = missing(
        {
            "policy.tier": 2,
            "system.purpose": "Sort complaints",
            "system.owner.contact": "a@example.org",
            "system.author": " TBD ",
            "system.out_of_scope": ("credit",),
            "system.affected": (),
        }
    )
    assert names(found) == {"system.author", "system.affected", "system.rollback_plan", "system.limits", "datasets.test.source"}
    assert (found.members[0].estimate.value, found.rows) == (5, 8)
    assert found.notes[0] == "Tier 2 requires 8 declared facts."


@pytest.mark.parametrize("tier", [1, 2, 3])
def test_each_tier_asks_for_all_that_the_tiers_below_it_ask_for(tier: int) -> None:
    assert names(missing({"policy.tier": tier})) >= names(missing({"policy.tier": min(3, tier + 1)}))
    assert missing({**EVERYTHING, "policy.tier": tier}).members[0].estimate.value == 0


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(EVERYTHING))), st.sampled_from([None, "", "  ", "n/a", "Todo", (), [""], {"a", "-"} - {"a"}]))
def test_every_blanked_fact_counts_once(blanked: set[str], blank: object) -> None:
    found = missing({**EVERYTHING, "policy.tier": 1, **dict.fromkeys(blanked, blank)})
    assert names(found) == blanked
    assert found.members[0].estimate.value == len(blanked)


def test_without_a_tier_the_strictest_list_holds() -> None:
    assert missing({}).members[0].estimate.value == len(EVERYTHING)


def test_numbers_and_false_are_stated_facts() -> None:
    assert missing({**EVERYTHING, "policy.tier": 1, "system.costs": 0, "system.oversight": False}).members[0].estimate.value == 0


def test_further_fields_can_be_asked_for() -> None:
    found = missing({**EVERYTHING, "policy.tier": 3}, fields=["system.review", "system.purpose"])
    assert names(found) == {"system.review"}
    assert (
        found.rows
        == 3
        == discover()[CHECK].expected_rows(
            replace(SEEN, declared={"policy.tier": 3}), discover()[CHECK].params.model_validate({"fields": ["system.review"]})
        )
    )


def test_every_required_fact_has_a_place_in_the_policy_file() -> None:
    for name in EVERYTHING:
        part, *rest = name.split(".")
        if part == "datasets":
            assert rest[-1] in DatasetSpec.model_fields
        elif rest[0] == "owner":
            assert rest[1] in Person.model_fields
        else:
            assert rest[0] in System.model_fields
    assert set(OF_DATA) == set(REQUIRED) == {1, 2, 3}


def test_one_missing_fact_fails_a_bound_of_none() -> None:
    found = missing({**EVERYTHING, "policy.tier": 1, "system.purpose": ""})
    assert (status(CHECK, found, max=0), status(CHECK, found, max=1)) == ("fail", "pass")


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ValidationError):
        missing({}, field="system.purpose")
