"""Untrained text classifiers of several architectures, with scores far enough apart to tell when a text is read otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audit.candidates.loading import inputs_of
from tests.tiny_bert import WORDS, hub

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_SPECIAL = ("[PAD]", "<pad>", "[CLS]", "[SEP]", "[UNK]", "[MASK]")
"""Token 0 pads, but for the models that say 1."""
PIECES = len(_SPECIAL) + len(WORDS)
NAMES = {"id2label": {0: "other", 1: "urgent"}, "label2id": {"other": 0, "urgent": 1}}
_SMALL: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "initializer_range": 0.5,
}
_SHAPES: dict[str, dict[str, Any]] = {
    "Bert": _SMALL | {"max_position_embeddings": 64, "pad_token_id": 0},
    "Roberta": _SMALL | {"max_position_embeddings": 64, "pad_token_id": 1},
    "DistilBert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 64, "initializer_range": 0.5},
    "FNet": {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 32, "max_position_embeddings": 64, "initializer_range": 0.5}
    | {"pad_token_id": 0},
    "T5": {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "eos_token_id": 3, "decoder_start_token_id": 0},
    "XLNet": {"d_model": 16, "n_layer": 1, "n_head": 2, "d_inner": 32, "initializer_range": 0.5, "pad_token_id": 0},
    "GPT2": {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64, "initializer_range": 0.5, "pad_token_id": 0}
    | {"bos_token_id": 3, "eos_token_id": 3},
}


def words(*, frame: bool = True, **settings: object) -> Any:
    """A tokenizer of whole words; without a frame of [CLS] and [SEP] an empty text has no token."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors  # type: ignore[import-untyped]  # published without types

    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate((*_SPECIAL, *WORDS))}, unk_token="[UNK]"))  # noqa: S106  # a token of a vocabulary, no password
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if frame:
        made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]", "eos_token": "[SEP]"} | settings
    return hub.PreTrainedTokenizerFast(tokenizer_object=made, **{name: value for name, value in named.items() if value is not None})


def model(folder: Path, kind: str, tokenizer: Any = None, *, head: str = "ForSequenceClassification", **config: object) -> Path:
    """The folder of an untrained model, drawn from a fixed seed, and a tokenizer."""
    import torch

    shape = getattr(hub, f"{kind}Config")(vocab_size=PIECES, **(_SHAPES[kind] | NAMES | config))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        getattr(hub, f"{kind}{head}")(shape).save_pretrained(folder)
    (words() if tokenizer is None else tokenizer).save_pretrained(folder)
    return folder


def one_by_one(folder: Path, texts: Sequence[str], longest: int = 64) -> NDArray[np.float64]:
    """(len(texts), 2) probabilities of each text by itself, straight from transformers."""
    import torch

    tokenizer = hub.AutoTokenizer.from_pretrained(folder)
    classifier = hub.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    found = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=longest, return_tensors="pt")
        with torch.inference_mode():
            given = {name: tensor for name, tensor in tokens.items() if name in inputs_of(classifier)}
            found.append(classifier(**given).logits.double().softmax(-1)[0].numpy())
    return np.array(found)
