"""The planted biases of the benchmark of fine-tuning, on one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.full


def test_every_case_has_settings_that_its_check_takes() -> None:
    from audit.catalog import discover
    from benchmarks.bias_cases import CASES

    for case in CASES:
        discover()[case.check].params.model_validate(case.params)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bias_is_caught_and_its_clean_twin_is_not_accused(tmp_path: Path, place: int) -> None:
    """Each check on the first seed, with its fault and without."""
    from benchmarks.bias_cases import CASES
    from benchmarks.finetune_cases import Workshop
    from benchmarks.finetune_checks import status

    shop = Workshop(tmp_path)
    assert [status(CASES[place], shop, 1, planted=planted) for planted in (True, False)] == ["fail", "pass"]
