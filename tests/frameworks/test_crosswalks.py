"""The crosswalks: every entry typed, every reference to something that is there, nothing that may not be said."""

from __future__ import annotations

from importlib import resources

import pytest
from pydantic import ValidationError

from audit.catalog import discover
from audit.frameworks import CROSSWALKS, Clause, Crosswalk, crosswalks, nist_ai_rmf
from audit.policy.schema import System


def test_every_file_beside_the_framework_is_one_of_them() -> None:
    names = {one.name.removesuffix(".yaml") for one in resources.files("audit.frameworks").iterdir() if one.name.endswith(".yaml")}
    assert names == {*CROSSWALKS, nist_ai_rmf().id}
    assert [one.id for one in crosswalks()] == list(CROSSWALKS)


@pytest.mark.parametrize("crosswalk", crosswalks(), ids=lambda one: one.id)
def test_every_entry_names_what_there_is(crosswalk: Crosswalk) -> None:
    """Families and checks of the catalogue, fields of the policy; ids once; a summary each; something measured or owed."""
    families = {check.split("/")[0] for check in discover()}
    fields = {f"system.{name}" for name in System.model_fields} | {"datasets.licence", "policy.decision_rules"}
    assert len({clause.id for clause in crosswalk.clauses}) == len(crosswalk.clauses) > 0
    for clause in crosswalk.clauses:
        assert set(clause.by) <= families | fields | set(discover()), clause.id
        assert len(clause.by) == len(set(clause.by))
        assert 10 <= len(clause.summary) <= 140
        assert clause.by or clause.owed, clause.id


def test_ids_are_those_of_the_texts() -> None:
    """The profile has twelve risks in sections 2.1 to 2.12; controls are of Annex A; the rules run from 5-300 to 5-304."""
    ids = {one.id: [clause.id for clause in one.clauses] for one in crosswalks()}
    assert ids["nist_ai_600_1"] == [f"2.{number}" for number in range(1, 13)]
    assert all(one.startswith("A.") for one in ids["iso_iec_42001"])
    assert ids["nyc_ll144"] == ["§ 5-301", "§ 5-302", "§ 5-303", "§ 5-304"]
    assert ids["iso_iec_24029"] == ["Part 1", "Part 2", "Part 3"]
    assert {"Art. 9", "Art. 10", "Art. 15", "Annex IV 2(g)"} <= set(ids["eu_ai_act"])


def test_nothing_claims_conformity() -> None:
    for crosswalk in crosswalks():
        text = crosswalk.model_dump_json().lower()
        assert not [word for word in ("compliant", "certified model", "bias free", "conforms") if word in text]


def test_an_entry_of_another_shape_is_refused() -> None:
    good = crosswalks()[0].clauses[0].model_dump()
    for changed in ({"by": "fairness"}, {"summary": None}, {"surplus": 1}):
        with pytest.raises(ValidationError):
            Clause.model_validate(good | changed)
