"""A two-layer BERT over words learned on the spot, and letters to teach it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = (
    *("the", "a", "my", "card", "account", "money", "bank", "letter", "please", "fee"),
    *("hurry", "now", "today", "soon", "never", "calm", "later", "whenever", "thanks", "question"),
)
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_PIECES = 200


class _Hub:
    """The classes of transformers, which is published without types and loaded when one is first used."""

    def __getattr__(self, name: str) -> Any:
        if not name[0].isupper():  # pytest looks for marks of its own
            raise AttributeError(name)
        import transformers

        return getattr(transformers, name)


hub: Any = _Hub()


def letters(rows: int, seed: int, role: str = "train", **columns: object) -> Dataset:
    """Letters of 3 to 20 words; a letter is urgent when it says hurry, now or today, but for one in twenty."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, rng.integers(3, 20))) for _ in range(rows)]
    urgent = np.array([bool({"hurry", "now", "today"} & set(text.split())) for text in texts]) ^ (rng.random(rows) < 0.05)
    frame = pd.DataFrame({"text": texts, "label": np.where(urgent, "urgent", "other"), "customer": rng.integers(0, rows // 3, rows)})
    roles = Columns.model_validate({"text": "text", "label": "label"} | columns)
    return Dataset(role, Path(f"{role}.csv"), InMemory(frame), roles, f"digest-of-{role}-{rows}-{seed}")


def tokenizer(texts: Sequence[str]) -> Any:
    """WordPiece over the letters and the commonest words of the texts. A trainer would break ties by chance, other in every process."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # type: ignore[import-untyped]  # published without types

    normalizer, split = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    words = Counter(word for text in texts for word, _ in split.pre_tokenize_str(normalizer.normalize_str(text)))
    letter = sorted({one for word in words for one in word})
    common = sorted(words, key=lambda word: (-words[word], word))
    pieces = list(dict.fromkeys([*_SPECIAL, *letter, *(f"##{one}" for one in letter), *common]))[:_PIECES]
    made = Tokenizer(models.WordPiece({piece: place for place, piece in enumerate(pieces)}, unk_token="[UNK]"))  # noqa: S106  # no password
    made.normalizer, made.pre_tokenizer = normalizer, split
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    )
    return hub.BertTokenizerFast(tokenizer_object=made, model_max_length=64)


def base(folder: Path, said: Sequence[str] = (" ".join(WORDS),), **config: object) -> Path:
    """An untrained encoder of hidden size 32, drawn from a fixed seed, that knows the words of these texts."""
    import torch

    words = tokenizer(said)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
    torch.set_num_threads(1)
    shape = hub.BertConfig(vocab_size=len(words), **(small | config))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hub.BertModel(shape).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
