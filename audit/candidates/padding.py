"""Token lists made into tensors of one length, in the way that changes no score: it is tried out on the model itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from audit.candidates.loading import inputs_of, short
from audit.errors import CandidateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from audit.candidates.folder import ModelFolder
    from audit.candidates.loading import Loaded

    Compute: TypeAlias = Callable[[Loaded, dict[str, torch.Tensor]], NDArray[np.float64]]
    """(rows, d) outputs of one batch."""

Tokens: TypeAlias = "Mapping[str, Sequence[Sequence[int]]]"
"""Token lists by the name of the model's input."""
STEP = 8
"""Token counts are padded to a multiple of it."""
_TOLERANCE = 1e-4
"""Of a logit, next to the largest one: rounding stays far below it, a token read at another place far above."""
_WORDS = (1, 2, 4, 9, 17, 30)
"""Words of the texts on which padding is tried out."""
_PROBE_PIECES = 128


class NotComputed(CandidateError):
    """The model gives no such output of any text."""


@dataclass(frozen=True, slots=True)
class Padding:
    """How shorter texts of a batch are filled up."""

    token: int
    side: Literal["left", "right"] = "right"
    token_type: int = 0

    def batch(self, tokens: Tokens, rows: Sequence[int], length: int | None = None) -> dict[str, torch.Tensor]:
        """(len(rows), length) tensors by input; as long as the longest row where no length is given."""
        import torch

        fillers = {"input_ids": self.token, "token_type_ids": self.token_type}
        width = length or max(len(tokens["input_ids"][row]) for row in rows)
        found = {}
        for name, column in tokens.items():
            table = np.full((len(rows), width), fillers.get(name, 0), dtype=np.int64)
            for place, row in enumerate(rows):
                ids = column[row]
                start = width - len(ids) if self.side == "left" else 0
                table[place, start : start + len(ids)] = ids
            found[name] = torch.from_numpy(table)
        return found


def alone(tokens: Tokens, row: int) -> dict[str, torch.Tensor]:
    """(1, length) tensors of one text as it is, without any padding."""
    import torch

    return {name: torch.tensor([list(column[row])]) for name, column in tokens.items()}


def of_model(loaded: Loaded) -> Padding | None:
    """The model's own padding token, on the right: so every token keeps the place that it has in the text by itself."""
    token = _text_config(loaded).pad_token_id
    return Padding(token, token_type=_token_type(loaded)) if isinstance(token, int) and 0 <= token < _known(loaded) else None


def take_from_tokenizer(folder: ModelFolder, loaded: Loaded) -> Padding:
    """For training in batches: the model's padding token; where it names none, the tokenizer's, which is then written into its config."""
    if (found := of_model(loaded)) is not None:
        return found
    token = loaded.tokenizer.pad_token_id
    if token is None:
        what = "neither config.json (pad_token_id) nor its tokenizer names a padding token, so texts cannot be trained on in batches"
        folder.refuse(what, "set tokenizer.pad_token, often tokenizer.eos_token, and save the tokenizer again")
    if token >= _known(loaded):
        what = f"its tokenizer pads with token {token}, and the model knows {_known(loaded)}"
        folder.refuse(what, "save the tokenizer that it was trained with")
    _text_config(loaded).pad_token_id = loaded.model.config.pad_token_id = token
    return Padding(token, token_type=_token_type(loaded))


def of_tokenizer(loaded: Loaded) -> Padding | None:
    """As whoever scores batches with the tokenizer of the folder pads them."""
    token, side = loaded.tokenizer.pad_token_id, loaded.tokenizer.padding_side
    return None if token is None or token >= _known(loaded) else Padding(token, side, _token_type(loaded))


def _known(loaded: Loaded) -> int:
    """Tokens for which the model has an embedding."""
    return int(loaded.model.get_input_embeddings().num_embeddings)


def _token_type(loaded: Loaded) -> int:
    return int(getattr(loaded.tokenizer, "pad_token_type_id", 0) or 0)


def _text_config(loaded: Loaded) -> Any:
    config = loaded.model.config
    return config.get_text_config() if hasattr(config, "get_text_config") else config


@dataclass(frozen=True, slots=True)
class Trial:
    """What a model says of a few texts, each by itself, to compare padded batches with."""

    loaded: Loaded
    tokens: Tokens
    expected: NDArray[np.float64]
    """(rows, d)"""
    compute: Compute
    longest: int | None
    """Tokens that a padded text may have."""

    @classmethod
    def of(cls, folder: ModelFolder, loaded: Loaded, compute: Compute, longest: int | None) -> Trial:
        """Texts out of the tokenizer's own pieces, of one word to thirty. Those with a token that is strange to the model are left out."""
        tokens = tokenize(loaded, _probe_texts(loaded.tokenizer, _known(loaded)), longest)
        rows = [row for row, ids in enumerate(tokens["input_ids"]) if ids and max(ids) < _known(loaded)]
        tokens = {name: [column[row] for row in rows] for name, column in tokens.items()}
        try:
            expected = [compute(loaded, alone(tokens, row))[0] for row in range(len(rows))]
        except Exception as error:  # libraries raise what they will on files that do not belong together
            msg = f"{folder.path}: cannot score a text ({short(error)}): check that its config.json, weights and tokenizer belong together"
            raise NotComputed(msg) from error
        if not np.isfinite(expected).all():
            folder.refuse("gives a number that is none for a text", "its weights are broken: train it again")
        return cls(loaded, tokens, np.array(expected), compute, longest)

    def agrees(self, padding: Padding | None) -> bool | None:
        """Whether a padded batch gives each text what it gets by itself; None where the model cannot be run in such a batch."""
        if padding is None or not len(self.expected):
            return None
        rows = range(len(self.expected))
        longest = max(len(ids) for ids in self.tokens["input_ids"])
        length = padded_length(longest + STEP, self.longest)
        try:
            found = self.compute(self.loaded, padding.batch(self.tokens, rows, max(length, longest)))
        except Exception:  # noqa: BLE001  # whatever it raises, it cannot be run so
            return None
        scale = max(1.0, float(np.abs(self.expected).max()))
        return bool(np.isfinite(found).all() and np.abs(found - self.expected).max() <= _TOLERANCE * scale)

    def best(self) -> Padding | None:
        """A padding that changes no score; None where there is none, and each text is scored by itself."""
        right = of_model(self.loaded)
        left = None if right is None else Padding(right.token, "left", right.token_type)
        return next((padding for padding in (right, left) if self.agrees(padding)), None)


def padded_length(tokens: int, longest: int | None) -> int:
    """A text's tokens rounded up to a multiple of `STEP`, as far as the model can take them."""
    rounded = -(-tokens // STEP) * STEP
    return rounded if longest is None else min(rounded, longest)


def tokenize(loaded: Loaded, texts: Sequence[str], max_length: int | None) -> dict[str, list[list[int]]]:
    """Token lists by the inputs that the model takes; longer texts are cut."""
    if not texts:
        return {"input_ids": []}
    cut = {} if max_length is None else {"truncation": True, "max_length": max_length}
    tokens = loaded.tokenizer(list(texts), verbose=False, **cut)
    taken = inputs_of(loaded.model)
    return {name: column for name, column in tokens.items() if name in taken}


def _probe_texts(tokenizer: Any, known: int) -> list[str]:
    """Always the same for a tokenizer, and drawn from all over the part of its vocabulary that the model knows."""
    special = set(tokenizer.all_special_ids)
    ids = sorted(number for number in tokenizer.get_vocab().values() if number not in special and number < known)
    spread = [ids[place] for place in np.linspace(0, len(ids) - 1, min(_PROBE_PIECES, len(ids))).astype(int)] if ids else []
    words = tokenizer.decode(spread[1::2] + spread[::2]).split()
    texts, start = [], 0
    for count in _WORDS:
        texts.append(" ".join(words[start : start + count]))
        start += count
    return [text for text in texts if text]
