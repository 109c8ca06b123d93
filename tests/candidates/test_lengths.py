"""Texts are cut where the model cannot read on, or where the policy says so, and how many were cut is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit.candidates.folder import ModelFolder
from audit.candidates.transformers import Reading, TextClassifier
from audit.errors import InputError
from audit.pipeline.opening import Opener
from audit.policy.schema import Policy
from audit.progress import Silent
from tests.tiny_bert import letters
from tests.tiny_models import model, one_by_one, words

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.full
ACCURATE = {"check": "performance/accuracy", "id": "performance/accuracy", "min": 0.5}
LONG = ["now please " * 60, "the bank letter " * 40, "soon"]


def opened(folder: Path, **reading: Any) -> TextClassifier:
    return TextClassifier(ModelFolder(folder), ("other", "urgent"), reading=Reading(**reading))


@pytest.mark.parametrize(
    ("kind", "config", "allowed", "positions", "limit"),
    [
        ("Bert", {"max_position_embeddings": 96}, None, 96, 96),
        ("Bert", {"max_position_embeddings": 96}, 50, 96, 50),
        ("Roberta", {"max_position_embeddings": 66}, None, 64, 64),  # two places are the padding token's
        ("DistilBert", {}, 512, 64, 64),
        ("GPT2", {"n_positions": 48}, None, 48, 48),
        ("GPT2", {"n_positions": 48}, 10**30, 48, 48),
        ("XLNet", {}, None, None, None),
    ],
)
def test_the_length_is_the_models_own(
    tmp_path: Path, kind: str, config: dict[str, Any], allowed: int | None, positions: int | None, limit: int | None
) -> None:
    """However an architecture names it; at that very length the model still runs."""
    folder = model(tmp_path / "m", kind, words(model_max_length=allowed), **config)
    found = ModelFolder(folder)
    assert (found.positions, found.length_limit, opened(folder).max_length) == (positions, limit, limit)
    np.testing.assert_allclose(opened(folder).score_texts(LONG), one_by_one(folder, LONG, limit or 10**6), atol=2e-5)


def test_a_limit_that_config_does_not_name_is_that_of_the_weights(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "Bert")
    config = json.loads((folder / "config.json").read_text())
    del config["max_position_embeddings"]
    (folder / "config.json").write_text(json.dumps(config))
    assert ModelFolder(folder).positions == 64


def test_cut_texts_are_told(tmp_path: Path) -> None:
    """In every data set, with the length, whose limit it is, and the longest text; a later run tells the same without loading."""
    folder = model(tmp_path / "m", "Bert")
    sets = {"train": letters(9, 1), "test": letters(5, 2, "test"), "plain": letters(5, 3, "plain", text=None)}
    sets["test"].cells.frame()["text"] = [*LONG, *LONG[:2]]
    told = "datasets.test: 4 of 5 texts were cut at 64 tokens (the model's own limit); the longest has 122."
    assert opened(folder).remarks(sets) == (told,)
    shorter = TextClassifier(ModelFolder(folder), ("other", "urgent"), reading=Reading(max_length=5), store=tmp_path)
    first = shorter.remarks(sets)
    assert "datasets.test: 4 of 5 texts were cut at 5 tokens (the model takes 64); the longest has 122." in first
    assert first[0].startswith("datasets.train: 9 of 9 texts were cut at 5 tokens")
    again = TextClassifier(ModelFolder(folder), ("other", "urgent"), reading=Reading(max_length=5), store=tmp_path)
    assert again.remarks(sets) == first
    assert again._runner is None


def test_a_length_in_the_policy_is_kept_or_refused(tmp_path: Path) -> None:
    """It may be above what the tokenizer allows, never above what the model can take."""
    model(tmp_path / "m", "Bert", words(model_max_length=20))
    data = {"test": letters(9, 1, "test")}

    def asked(**load: Any) -> Any:
        given = {"task": "text-classification", "load": {"kind": "transformers", "path": "m"} | load}
        policy = Policy.model_validate({"policy": "p", "candidate": given, "require": [ACCURATE]})
        return Opener(policy, data, resolve=lambda name: tmp_path / name, cache=tmp_path / "cache", progress=Silent()).candidate()

    assert [asked(**load).max_length for load in ({}, {"max_length": 64}, {"max_length": 8})] == [20, 64, 8]
    with pytest.raises(InputError, match=r"candidate\.load\.max_length: 65 is more than the 64 tokens that .* can take: lower it"):
        asked(max_length=65)
