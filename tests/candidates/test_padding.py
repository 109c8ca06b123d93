"""A text's score is the one that it has by itself, however a model, its tokenizer and its config.json disagree about padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit.candidates import running
from audit.candidates.encoder import Encoder
from audit.candidates.folder import ModelFolder
from audit.candidates.loading import load_classifier
from audit.candidates.padding import Padding, take_from_tokenizer
from audit.candidates.running import Runner, embeddings, logits
from audit.candidates.transformers import TextClassifier
from audit.errors import CandidateError, CannotMeasure
from tests.tiny_bert import letters
from tests.tiny_models import PIECES, model, one_by_one, words

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from audit.candidates.loading import Loaded

pytestmark = pytest.mark.full
TEXTS = [*letters(24, 11).texts(), "hurry", "now please " * 12]
OTHERWISE = "a text in a batch gets other scores than by itself"


def opened(folder: Path, **options: Any) -> TextClassifier:
    return TextClassifier(ModelFolder(folder), ("other", "urgent"), **options)


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], bool]] = {
    "encoder with a mask": ("Bert", {}, {}, False),
    "positions from the padding token": ("Roberta", {}, {"pad_token": "<pad>"}, False),
    "two padding tokens, positions behind them": ("Roberta", {}, {"padding_side": "left"}, True),
    "one input too many": ("DistilBert", {}, {}, False),
    "no mask at all": ("FNet", {}, {}, True),
    "decoder": ("GPT2", {}, {}, False),
    "decoder, padded on the left": ("GPT2", {}, {"padding_side": "left"}, True),
    "decoder, two padding tokens": ("GPT2", {}, {"pad_token": "<pad>"}, True),
    "decoder without a padding token in config.json": ("GPT2", {"pad_token_id": None}, {}, False),
    "decoder without any padding token": ("GPT2", {"pad_token_id": None}, {"pad_token": None}, False),
    "decoder that pads with the token that ends a text": ("GPT2", {"pad_token_id": 3}, {"pad_token": "[SEP]"}, False),
    "decoder with a padding token that it does not know": ("GPT2", {"pad_token_id": PIECES + 7}, {}, True),
    "decoder that reads its last token wherever it is": ("XLNet", {}, {"padding_side": "left"}, False),
    "the same, padded on the right": ("XLNet", {}, {}, True),
}


@pytest.mark.parametrize("case", CASES)
def test_scores_are_those_of_each_text_by_itself(tmp_path: Path, case: str) -> None:
    """As transformers gives them without any padding; a folder whose own padding would change them gets a remark."""
    kind, config, tokenizer, remarked = CASES[case]
    folder = model(tmp_path / "m", kind, words(**tokenizer), **config)
    candidate = opened(folder)
    expected = one_by_one(folder, TEXTS)
    assert expected[:, 1].std() > 0.01  # scores that are all alike would prove nothing
    np.testing.assert_allclose(candidate.score_texts(TEXTS), expected, atol=2e-5)
    assert np.array_equal(candidate.score_texts(TEXTS[5:9]), opened(folder).score_texts(TEXTS)[5:9])
    assert [OTHERWISE in remark for remark in candidate.remarks({})] == [True] * remarked


def test_a_remark_names_both_padding_tokens(tmp_path: Path) -> None:
    """And is kept for the next run, which does not load the model again."""
    folder = model(tmp_path / "m", "GPT2", words(pad_token="<pad>"))  # noqa: S106  # no password
    (told,) = opened(folder, store=tmp_path).remarks({})
    assert "on the right, with token 1; pad_token_id in config.json: 0" in told
    again = opened(folder, store=tmp_path)
    assert again.remarks({}) == (told,)
    assert again._runner is None
    (kept,) = (tmp_path / "opened").iterdir()
    other = opened(model(tmp_path / "o", "GPT2"), store=tmp_path)
    (tmp_path / "opened" / f"{other._memory_key}.json").write_bytes(kept.read_bytes())  # copied over another's entry
    assert other.remarks({}) == ()


def test_embeddings_obey_the_same_rules(tmp_path: Path) -> None:
    """Of a classifier and of a base model's encoder."""
    import torch

    folder = model(tmp_path / "m", "FNet")
    loaded = load_classifier(ModelFolder(folder), 2)
    runner = Runner(ModelFolder(folder), loaded, 64)
    assert runner.trial(embeddings)[0] is None
    tokens = runner.tokens(TEXTS)
    with torch.inference_mode():
        expected = [embeddings(loaded, {name: torch.tensor([ids[row]]) for name, ids in tokens.items()})[0] for row in range(len(TEXTS))]
    np.testing.assert_allclose(opened(folder).embed_texts(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(Encoder(ModelFolder(folder), max_length=64).embed(TEXTS), expected, atol=1e-5)


def test_a_model_without_hidden_states_has_no_embeddings(tmp_path: Path) -> None:
    """A check that asks for them is not run; the model's scores are."""
    candidate = opened(model(tmp_path / "m", "T5"))
    assert candidate.score_texts(TEXTS[:3]).shape == (3, 2)
    with pytest.raises(CannotMeasure, match="T5ForSequenceClassification gives no hidden state for each token"):
        candidate.embed_texts(TEXTS[:3])


def test_a_text_without_tokens_is_named_by_its_row(tmp_path: Path) -> None:
    """A frame of special tokens gives an empty text a score; without one there is nothing to run the model on."""
    assert opened(model(tmp_path / "framed", "GPT2")).score_texts([""]).shape == (1, 2)
    bare = opened(model(tmp_path / "bare", "GPT2", words(frame=False)))
    data = letters(6, 1, "test")
    data.cells.frame().loc[3, "text"] = " "
    told = r"datasets\.test: row 4: the tokenizer gives no token for the text ' '.*: fill the text in, or take the row out"
    with pytest.raises(CandidateError, match=told):
        bare.predict(data)
    with pytest.raises(CannotMeasure, match="gives no token for the text ''"):
        bare.score_texts(["now", ""])


def test_long_batches_have_fewer_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch needs no more memory however long its texts are."""
    monkeypatch.setattr(running, "_LONG", 16)
    folder = model(tmp_path / "m", "Bert")
    loaded = load_classifier(ModelFolder(folder), 2)
    runner = Runner(ModelFolder(folder), loaded, 64)
    shapes = {batch["input_ids"].shape for _, batch in runner._batches(runner.tokens(TEXTS), Padding(0))}
    assert {tuple(shape) for shape in shapes} == {(8, 8), (8, 16), (5, 24), (4, 32)}
    np.testing.assert_allclose(opened(folder).score_texts(TEXTS), one_by_one(folder, TEXTS), atol=2e-6)


def test_a_model_that_fails_on_a_text_is_the_users_to_mend(tmp_path: Path) -> None:
    """With what the library said, and the length at which it happened."""
    folder = model(tmp_path / "m", "Bert")
    loaded = load_classifier(ModelFolder(folder), 2)

    def fails(loaded: Loaded, batch: dict[str, torch.Tensor]) -> Any:
        if batch["input_ids"].shape[1] > 60:
            msg = "index out of range in self"
            raise IndexError(msg)
        return logits(loaded, batch)

    runner = Runner(ModelFolder(folder), loaded, 200)
    with pytest.raises(CandidateError, match=r"fails on texts of 64 tokens \(IndexError: index out of range in self\): set max_length"):
        runner.run(runner.tokens(["now " * 62]), fails)


def test_training_needs_a_padding_token(tmp_path: Path) -> None:
    """The model's own, else the tokenizer's, which config.json then names too."""
    loaded = load_classifier(folder := ModelFolder(model(tmp_path / "a", "GPT2", pad_token_id=None)), 2)
    assert take_from_tokenizer(folder, loaded) == Padding(0)
    assert loaded.model.config.pad_token_id == 0
    both = ModelFolder(model(tmp_path / "b", "GPT2", words(pad_token=None), pad_token_id=None))
    with pytest.raises(CandidateError, match=r"neither config\.json \(pad_token_id\) nor its tokenizer names a padding token"):
        take_from_tokenizer(both, load_classifier(both, 2))
