"""The framework's data, against the numbers that NIST AI 100-1 prints."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from audit.catalog import discover
from audit.check import Characteristic
from audit.frameworks import nist_ai_rmf
from audit.policy.schema import System


def test_has_all_functions_categories_and_subcategories() -> None:
    """NIST AI 100-1 has 4 functions, 19 categories and 72 subcategories, 19, 18, 22 and 13 of them by function."""
    framework = nist_ai_rmf()
    assert [function.id for function in framework.functions] == ["GOVERN", "MAP", "MEASURE", "MANAGE"]
    assert len(framework.categories) == 19
    assert len({line.id for line in framework.subcategories}) == len(framework.subcategories) == 72
    assert Counter(line.function for line in framework.subcategories) == {"GOVERN": 19, "MAP": 18, "MEASURE": 22, "MANAGE": 13}


def test_lines_are_numbered_without_gaps_within_their_category() -> None:
    """Each category's lines run from 1 on, and each belongs to a category that is there."""
    framework = nist_ai_rmf()
    for category in framework.categories:
        own = [line.id for line in framework.subcategories if line.category == category.id]
        assert own == [f"{category.id}.{number}" for number in range(1, len(own) + 1)]
        assert category.id.startswith(f"{category.function} ")
    assert {line.category for line in framework.subcategories} == {category.id for category in framework.categories}


def test_kinds_of_evidence() -> None:
    """A tool can measure 20 lines, 39 are declared, and 13 only a person can state."""
    assert Counter(line.evidence for line in nist_ai_rmf().subcategories) == {"declared": 39, "measured": 20, "organisational": 13}


def test_every_declarable_system_field_serves_a_line() -> None:
    """A declared fact that the policy can hold stands behind at least one line, so that declaring it shows."""
    named = {name for line in nist_ai_rmf().subcategories for name in (*line.by, *line.supporting)}
    unused = {f"system.{name}" for name in System.model_fields} - named
    assert unused == {"system.author"}


def test_every_check_covers_a_characteristic_that_the_framework_names() -> None:
    """A check that covers none would leave coverage unmoved."""
    named = {trait.id for trait in nist_ai_rmf().characteristics}
    assert named == set(get_args(Characteristic))
    assert len(named) == 7
    assert all(check.characteristics and named.issuperset(check.characteristics) for check in discover().values())
