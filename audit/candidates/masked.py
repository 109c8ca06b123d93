"""How well hidden words are filled in by the head that a base was pretrained with: on its own encoder, and on the tuned one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import numpy as np

from audit import cache, seeds
from audit.candidates.loading import LIBRARIES, SAFE, Loaded, broken, libraries, load_encoder, quiet, refuse_strange_tokens
from audit.candidates.memory import Memory
from audit.candidates.transformers import CPU_ROWS, batches
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates.folder import ModelFolder
    from audit.progress import Progress

Stage: TypeAlias = Literal["before", "after"]
SHARE = 0.15
"""Of a text's words that are hidden, as in BERT's own training."""


class MaskedHead:
    """The head for masked words of a base model. It stays as it was while the encoder below is exchanged for the tuned one.

    Which words of a text are hidden depends on the text alone, so that both encoders are asked the same.
    """

    def __init__(self, base: ModelFolder, tuned: ModelFolder, *, max_length: int, store: Path | None = None, progress: Progress) -> None:
        self._base, self._tuned, self._max_length, self._progress = base, tuned, max_length, progress
        self._lock = threading.Lock()
        self._held: dict[Stage, Loaded] = {}
        facts = {"masked": 1, "base": base.sha256, "tuned": tuned.sha256, "max_length": max_length, **cache.surroundings(*LIBRARIES)}
        self._memory = Memory(store / "texts" / f"{cache.key(facts)}.sqlite" if store else None)

    def losses(self, texts: Sequence[str], stage: Stage) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n,) mean cross-entropy of each text's hidden words in nats, and (n,) how many were hidden; 0 and 0 for a text without words."""
        found = self._memory.recall(stage, texts, lambda new: self._run(new, stage))
        return found[:, 0], found[:, 1].astype(np.int64)

    def _run(self, texts: list[str], stage: Stage) -> NDArray[np.float64]:
        import torch

        found = np.zeros((len(texts), 2))
        task = self._progress.start("fill in hidden words", len(texts))
        try:
            with self._lock, torch.inference_mode():
                loaded = self._loaded(stage)
                tokens = self._hidden(loaded, texts)
                for places, batch in batches(loaded.tokenizer, tokens, self._max_length, CPU_ROWS):
                    found[places] = _losses(loaded, batch)[: len(places)]
                    task.advance(len(places))
        finally:
            task.finish()
        if not np.isfinite(found).all():
            self._base.refuse("gives a number that is none for a text", "its weights are broken: save them again")
        return found

    def _hidden(self, loaded: Loaded, texts: list[str]) -> dict[str, list[list[int]]]:
        """Tokens with some of them hidden, and under `hidden` what they were, counted from 1; 0 where nothing is hidden."""
        told = loaded.tokenizer(texts, truncation=True, max_length=self._max_length) if texts else {"input_ids": []}
        refuse_strange_tokens(self._base, loaded.model, told["input_ids"])
        tokens = {name: [list(ids) for ids in column] for name, column in told.items()}
        tokens["hidden"] = [[0] * len(ids) for ids in tokens["input_ids"]]
        special = set(loaded.tokenizer.all_special_ids)
        for text, ids, hidden in zip(texts, tokens["input_ids"], tokens["hidden"], strict=True):
            words = [place for place, token in enumerate(ids) if token not in special]
            rng = np.random.default_rng(seeds.words(0, text))
            for place in rng.permutation(words)[: max(1, round(SHARE * len(words)))] if words else ():
                hidden[place], ids[place] = ids[place] + 1, loaded.tokenizer.mask_token_id
        return tokens

    def _loaded(self, stage: Stage) -> Loaded:
        if stage not in self._held:
            loaded = _with_head(self._base)
            if stage == "after":
                tuned = load_encoder(self._tuned).model.state_dict()
                missing = loaded.model.base_model.load_state_dict(tuned, strict=False).missing_keys
                if missing:
                    self._tuned.refuse(f"has no weights for {', '.join(missing[:3])}", "it is not tuned from this base: fine-tune it again")
            self._held[stage] = loaded
        return self._held[stage]


def _with_head(folder: ModelFolder) -> Loaded:
    """The base with its head for masked words, which no longer shares its weights with the encoder below."""
    torch, transformers = libraries()
    with quiet():
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder.path, **SAFE)
            model, told = transformers.AutoModelForMaskedLM.from_pretrained(
                folder.path, use_safetensors=True, output_loading_info=True, **SAFE
            )
        except broken() as error:
            _refuse(folder, error)
    if told["missing_keys"] or tokenizer.mask_token_id is None:
        _refuse(folder)
    output = model.get_output_embeddings()
    output.weight = torch.nn.Parameter(output.weight.detach().clone())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Loaded(model.float().eval().to(device), tokenizer, device)


def _refuse(folder: ModelFolder, error: Exception | None = None) -> NoReturn:
    msg = f"the base model {folder.path.name} comes without a head for masked words: set measure: probe or measure: neighbours"
    raise CannotMeasure(msg) from error


def _losses(loaded: Loaded, batch: dict[str, Any]) -> NDArray[np.float64]:
    """(rows, 2) mean loss over the hidden words of each row, and their number."""
    import torch

    given = {name: tensor.to(loaded.device) for name, tensor in batch.items()}
    hidden = given.pop("hidden")
    logits = loaded.model(**given).logits.double()
    each = torch.nn.functional.cross_entropy(logits.flatten(0, 1), (hidden - 1).clamp(min=0).flatten(), reduction="none").view(hidden.shape)
    count = (hidden > 0).sum(dim=1)
    mean = (each * (hidden > 0)).sum(dim=1) / count.clamp(min=1)
    table: NDArray[np.float64] = torch.stack([mean, count.double()], dim=1).cpu().numpy()
    return table
