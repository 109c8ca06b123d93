"""A loaded text model that is run: a text's output depends on that text alone, whatever it is run with."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from audit.candidates.loading import inputs_of, read_tokenizer, refuse_strange_tokens, short
from audit.candidates.padding import NotComputed, Padding, Trial, alone, of_tokenizer, padded_length, tokenize
from audit.errors import AuditError, CandidateError, CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from audit.candidates.folder import ModelFolder
    from audit.candidates.loading import Loaded
    from audit.candidates.padding import Compute, Tokens
    from audit.datasets import Dataset

CPU_ROWS = 8
"""Rows of a batch on a processor: small calls, as attacks make them, waste little, and larger batches gain nothing."""
_LONG = 512
"""Tokens of a text from which on a batch has fewer rows, so that it needs no more memory."""


class TextWithoutTokens(CannotMeasure):
    """A text that the tokenizer gives no token for: there is nothing to run the model on."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"the tokenizer gives no token for the text {text[:40]!r}: the model cannot score it")

    def refuse(self, data: Dataset) -> NoReturn:
        """As a row of a data set, which has to be mended."""
        row = data.shown(data.texts().index(self.text))
        msg = f"datasets.{data.role}: row {row}: {self}: fill the text in, or take the row out"
        raise CandidateError(msg) from self


def refuse_blank_texts(folder: ModelFolder, datasets: Iterable[Dataset]) -> None:
    """Before anything long begins: texts without a visible character, where the tokenizer gives no token for them."""
    texts = {text: data for data in datasets if data.columns.text is not None for text in data.texts() if _is_blank(text)}
    if not texts:
        return
    tokenizer = read_tokenizer(folder)
    for text, data in texts.items():
        if not tokenizer(text)["input_ids"]:
            TextWithoutTokens(text).refuse(data)


def _is_blank(text: str) -> bool:
    return all(unicodedata.category(letter)[0] in "ZC" for letter in text)


class Runner:
    """A model in batches of one size, each of texts with the same padded length, or each text by itself."""

    def __init__(self, folder: ModelFolder, loaded: Loaded, max_length: int | None, gpu_rows: int = CPU_ROWS) -> None:
        self.loaded = loaded
        self._folder, self._max_length = folder, max_length
        self._rows = min(gpu_rows, CPU_ROWS) if loaded.device.type == "cpu" else gpu_rows
        self._trials: dict[Compute, tuple[Padding | None, bool | None]] = {}

    def trial(self, compute: Compute) -> tuple[Padding | None, bool | None]:
        """The padding that changes no output, and whether that of the folder's tokenizer would change none; None where it cannot be run."""
        import torch

        if compute not in self._trials:
            with torch.inference_mode():
                trial = self._new_trial(compute)
                best, own = trial.best(), of_tokenizer(self.loaded)
                self._trials[compute] = (best, True if own is not None and own == best else trial.agrees(own))
        return self._trials[compute]

    def _new_trial(self, compute: Compute) -> Trial:
        try:
            return Trial.of(self._folder, self.loaded, compute, self._max_length)
        except NotComputed as error:
            if compute is not embeddings:
                raise
            msg = f"{type(self.loaded.model).__name__} gives no hidden state for each token, and so no embedding of a text"
            raise CannotMeasure(msg) from error

    def padding_remark(self, compute: Compute) -> str | None:
        """That a batch as the folder's own tokenizer pads it gives other outputs, where it does."""
        _, own = self.trial(compute)
        if own is not False:
            return None
        tokenizer, config = self.loaded.tokenizer, self.loaded.model.config
        return (
            f"Padded by the tokenizer of {self._folder.path.name} (on the {tokenizer.padding_side}, with token {tokenizer.pad_token_id}; "
            f"pad_token_id in config.json: {config.pad_token_id}), a text in a batch gets other scores than by itself. "
            "Here each text gets the scores that it has by itself: score texts one by one in production too, or mend the padding."
        )

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text before it is cut."""
        return [len(ids) for ids in tokenize(self.loaded, texts, None)["input_ids"]]

    def tokens(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """Token lists by the model's inputs, none of them empty."""
        tokens = tokenize(self.loaded, texts, self._max_length)
        refuse_strange_tokens(self._folder, self.loaded.model, tokens["input_ids"])
        for text, ids in zip(texts, tokens["input_ids"], strict=True):
            if not ids:
                raise TextWithoutTokens(text)
        return tokens

    def run(
        self, tokens: Tokens, compute: Compute, *, like: Compute | None = None, advance: Callable[[int], None] = lambda _rows: None
    ) -> NDArray[np.float64] | None:
        """(texts, d) outputs; None without texts. The padding is tried out on `like`, which is `compute` where it is not given."""
        import torch

        if not tokens["input_ids"]:
            return None
        padding, _ = self.trial(like or compute)
        found: NDArray[np.float64] | None = None
        with torch.inference_mode():
            for places, batch in self._batches(tokens, padding):
                output = self._computed(compute, batch)[: len(places)]  # rows that fill up the batch come last
                if not np.isfinite(output).all():
                    self._folder.refuse("gives a number that is none for a text", "its weights are broken: train it again")
                found = np.zeros((len(tokens["input_ids"]), output.shape[1])) if found is None else found
                found[places] = output
                advance(len(places))
        return found

    def _batches(self, tokens: Tokens, padding: Padding | None) -> Iterator[tuple[list[int], dict[str, torch.Tensor]]]:
        """Batches with the places of their texts, the longest first: what does not fit into memory fails at once."""
        places = defaultdict(list)
        for place, ids in enumerate(tokens["input_ids"]):
            places[padded_length(len(ids), self._max_length) if padding else len(ids)].append(place)
        for length in sorted(places, reverse=True):
            if padding is None:
                yield from (([place], alone(tokens, place)) for place in places[length])
                continue
            rows = min(self._rows, max(1, self._rows * _LONG // length))
            for start in range(0, len(places[length]), rows):
                chosen = places[length][start : start + rows]
                filled = chosen + chosen[-1:] * (rows - len(chosen))
                yield chosen, padding.batch(tokens, filled, length)

    def _computed(self, compute: Compute, batch: dict[str, torch.Tensor]) -> NDArray[np.float64]:
        import torch

        try:
            return compute(self.loaded, batch)
        except (AuditError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # noqa: BLE001  # libraries raise what they will on texts that a model cannot take
            length = batch["input_ids"].shape[1]
            remedy = "set max_length beside its path to what it can take, or check that its files belong together"
            self._folder.refuse(f"fails on texts of {length} tokens ({short(error)})", remedy)


def logits(loaded: Loaded, batch: dict[str, torch.Tensor]) -> NDArray[np.float64]:
    """(rows, k) outputs of a classifier's head."""
    found: NDArray[np.float64] = loaded.model(**_on_device(loaded, batch)).logits.double().cpu().numpy()
    return found


def probabilities(loaded: Loaded, batch: dict[str, torch.Tensor]) -> NDArray[np.float64]:
    """(rows, k) class probabilities: softmax in float64."""
    scores = loaded.model(**_on_device(loaded, batch)).logits.double().softmax(dim=-1)
    found: NDArray[np.float64] = scores.cpu().numpy()
    return found


def embeddings(loaded: Loaded, batch: dict[str, torch.Tensor]) -> NDArray[np.float64]:
    """(rows, d) means over the tokens of the encoder's last hidden state."""
    import torch

    taken = inputs_of(loaded.model.base_model)
    given = _on_device(loaded, {name: tensor for name, tensor in batch.items() if name in taken})
    states = loaded.model.base_model(**given).last_hidden_state.double()
    mask = given.get("attention_mask", torch.ones_like(given["input_ids"])).unsqueeze(-1).double()
    vectors: NDArray[np.float64] = ((states * mask).sum(dim=1) / mask.sum(dim=1)).cpu().numpy()
    return vectors


def _on_device(loaded: Loaded, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.to(loaded.device) for name, tensor in batch.items()}
