"""The benchmark of planted faults of fine-tuning, on one seed and on tables made up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audit.stats import Proportion

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.full


@pytest.mark.slow
def test_a_fault_is_caught_and_its_clean_twin_is_not_accused(tmp_path: Path) -> None:
    """The cheapest of the cases whose fault lies in the training itself."""
    from benchmarks.finetune_cases import CASES, Workshop
    from benchmarks.finetune_checks import status

    case = next(one for one in CASES if one.name == "finetuning/knowledge_retention, masked_lm")
    shop = Workshop(tmp_path)
    assert [status(case, shop, 1, planted=planted) for planted in (True, False)] == ["fail", "pass"]
    loose = replace(case, bound={"max": 0.99})
    assert status(loose, shop, 1, planted=False) == "pass"


def test_every_case_is_of_a_check_that_sees_the_base() -> None:
    from audit.catalog import discover
    from benchmarks.finetune_cases import CASES

    own = {name for name in discover() if name.startswith("finetuning/")}
    assert own <= {case.check for case in CASES}
    for case in CASES:
        discover()[case.check].params.model_validate(case.params)


def test_what_is_measured_tells_the_cases_of_one_check_apart() -> None:
    from benchmarks.finetune_checks import CASES

    names = {case.name for case in CASES}
    assert {f"finetuning/knowledge_retention, {one}" for one in ("masked_lm", "probe", "neighbours")} <= names
    assert "finetuning/training_record" in names


def test_a_word_that_no_case_holds_is_no_success(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing would have been run, and nothing broken."""
    from benchmarks import finetune_checks

    monkeypatch.setattr("sys.argv", ["finetune_checks", "--only", "retention, prob3"])
    with pytest.raises(SystemExit) as ended:
        finetune_checks.main()
    assert ended.value.code == 2
    assert "no case's name holds 'retention, prob3': there are finetuning/training_record; " in capsys.readouterr().err


def test_a_model_is_the_same_in_every_process() -> None:
    """The tokenizer's words are in an order of their own: its trainer would break ties by chance."""
    from tests.tiny_bert import tokenizer

    words = tokenizer(["To be, or not", "be"]).get_vocab()
    assert sorted(words, key=words.__getitem__) == [
        *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", "b", "e", "n", "o", "r", "t"),
        *("##,", "##b", "##e", "##n", "##o", "##r", "##t", "be", "not", "or", "to"),
    ]


def test_too_few_detected_or_too_many_accused_is_marked() -> None:
    from benchmarks.finetune_cases import CASES
    from benchmarks.finetune_checks import HEAD, Score

    good = Score(CASES[0], ("fail",) * 16 + ("inconclusive",) * 4, ("pass",) * 10 + ("inconclusive",) * 9 + ("fail",))
    assert (good.detected, good.accused) == (Proportion(16, 20), Proportion(1, 20))
    assert good.holds
    assert len(good.row()) == len(HEAD)
    assert good.row()[2:] == ("max 0", "16 of 20", "[56, 94]", "10 of 20", "1 of 20", "[0, 25]", "")
    assert not replace(good, faulty=("fail",) * 15 + ("pass",) * 5).holds
    accused = replace(good, clean=("fail",) * 2 + ("pass",) * 18)
    assert not accused.holds
    assert accused.row()[-1] == "BROKEN"
