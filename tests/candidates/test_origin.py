"""The base of a fine-tuned candidate: which rows went in, what the base says by itself, what another seed comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit.candidates.folder import ModelFolder
from audit.errors import CannotMeasure
from audit.finetune.base import Base, Tuning
from audit.finetune.examples import parts
from audit.finetune.fine_tuning import TEXT_CLASSIFICATION
from audit.policy.schema import FineTune
from audit.progress import Silent
from tests.support import scores_of, subject, trained
from tests.tiny_bert import base, letters

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.full
SPEC = FineTune(base="tiny", epochs=2, learning_rate=3e-3, max_length=16)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("origin")


@pytest.fixture(scope="module")
def folder(place: Path) -> Path:
    return base(place / "tiny")


def tuned(place: Path, folder: Path, spec: FineTune = SPEC, **columns: Any) -> Base:
    train = letters(200, 1, **columns)
    made, record = TEXT_CLASSIFICATION.fine_tune(spec, folder, train, None, seed=3, cache=place, progress=Silent())
    return Base(Tuning(spec, folder, train, None, 3), record, tuned=ModelFolder(made), cache=place, progress=Silent())


def test_the_rows_are_those_that_were_learned_from(place: Path, folder: Path) -> None:
    """The same split as in training, with every column and the rows' own numbers."""
    found = tuned(place, folder)
    learned, held, _ = parts(found.source, 0.15, 3)
    assert tuple(found.train.texts()) == learned.texts
    assert tuple(found.validation.texts()) == held.texts
    assert (found.train.rows, found.validation.rows) == (found.record.train_rows, found.record.validation_rows)
    assert sorted([*found.train.ids, *found.validation.ids], key=int) == [str(i) for i in range(1, 201)]
    assert found.source.texts()[int(found.validation.ids[4]) - 1] == found.validation.texts()[4]
    assert found.train.shown(0) == found.train.ids[0]
    assert len({found.train.sha256, found.validation.sha256, found.source.sha256}) == 3


def test_entities_stay_together(place: Path, folder: Path) -> None:
    found = tuned(place, folder, group="customer")
    assert set(found.train.cells.column("customer")).isdisjoint(found.validation.cells.column("customer"))


def test_the_same_seed_comes_to_the_same_weights_and_another_one_does_not(place: Path, folder: Path) -> None:
    """So that what differs between seeds is the seed alone, and never the rows."""
    found = tuned(place, folder)
    same, other = (trained(found.retrained(seed).candidate) for seed in (3, 4))
    assert same is not None
    assert other is not None
    assert same.weights_sha256 == found.record.weights_sha256
    assert other.weights_sha256 != found.record.weights_sha256
    assert found.retrained(4) is found.retrained(4)
    again = trained(tuned(place, folder).retrained(4).candidate)
    assert again is not None
    assert again.cached


def test_a_base_with_a_head_of_the_same_classes_answers_by_itself(place: Path, folder: Path) -> None:
    assert tuned(place, folder).zero_shot is None
    found = tuned(place, folder)
    onwards = Base(replace(found._tuning, folder=found.tuned.path), found.record, tuned=found.tuned, cache=place, progress=Silent())
    zero_shot = onwards.zero_shot
    assert zero_shot is not None
    texts = found.train.texts()
    np.testing.assert_array_equal(scores_of(zero_shot.candidate, texts), scores_of(found.retrained(3).candidate, texts))


def test_what_the_policy_says_is_told_apart_from_what_was_done(place: Path, folder: Path) -> None:
    found = tuned(place, folder)
    assert found.declared["learning_rate"] == 3e-3
    assert found.declared["batch_size"] == 16
    assert found.named == {"base", "epochs", "learning_rate", "max_length"}


def test_a_candidate_that_was_not_tuned_here_has_no_base() -> None:
    frame: Any = letters(5, 1).cells.frame().assign(prediction="other")
    seen = subject(frame)
    assert seen.base is None
    with pytest.raises(CannotMeasure, match=r"name its base model under candidate\.fine_tune"):
        seen.retrained(1)


@pytest.mark.parametrize(
    "reading",
    [{"label_map": {"urgent": "other", "other": "urgent"}}, {"read_with": '{"missing": ["NA"]}'}, {"read_with": '{"encoding": "cp1252"}'}],
    ids=["labels.map", "missing", "encoding"],
)
@pytest.mark.parametrize("role", ["train", "validation"])
def test_a_probe_of_the_same_bytes_read_in_another_way_is_fitted_anew(
    place: Path, folder: Path, reading: dict[str, Any], role: str
) -> None:
    found = tuned(place, folder)
    data = {"train": found.source, "validation": letters(40, 2, "validation")}
    reread = data | {role: replace(data[role], **reading)}
    before, after = (Tuning(SPEC, folder, one["train"], one["validation"], 3) for one in (data, reread))
    first, second = (Base(one, found.record, tuned=found.tuned, cache=place, progress=Silent()).probe.candidate for one in (before, after))
    assert first.sha256 != second.sha256
    told, again = (scores_of(one, ["hurry now"]) for one in (first, second))
    swapped = role == "train" and "label_map" in reading
    np.testing.assert_allclose(again, told[:, ::-1] if swapped else told, atol=1e-6)
