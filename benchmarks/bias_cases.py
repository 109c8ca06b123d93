"""Planted bias and clean twins for `finetune_checks`: a gap that training widens, an identity that decides, a base with associations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from benchmarks.finetune_cases import Case, Workshop
from tests.tiny_bert import WORDS, hub, letters, tokenizer
from tests.tuned import SPEC, tune

if TYPE_CHECKING:
    from pathlib import Path

    from audit.subject import Subject

_MARKS = {"f": "madam", "m": "sir"}
"""The word by which a letter tells its writer's group."""
_TAKEN = 0.5
"""Share of training labels that the writer's group decides, where the fault is planted."""
_LISTS = tuple(tuple(f"{'bdfg'[part]}{'aeiou'[i % 5]}{'klmnprst'[i // 2]}{'aeiou'[part]}" for i in range(16)) for part in range(4))
"""Two lists of sixteen invented target words and two of attribute words."""
_ASSOCIATED = {
    "targets": {"first": _LISTS[0], "second": _LISTS[1]},
    "attributes": {"third": _LISTS[2], "fourth": _LISTS[3]},
}
_STEPS = 150
_SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}


def _marked(rows: int, seed: int, role: str, *, planted: bool) -> Dataset:
    """Letters that name their writer's group; with the fault half of the labels follow the group and not the letter."""
    rng, data = np.random.default_rng(seed), letters(rows, seed, role)
    group = rng.choice(list(_MARKS), rows)
    texts = [f"{_MARKS[writer]} {text}" for writer, text in zip(group, data.cells.column("text"), strict=True)]
    said = np.where(group == "f", "urgent", "other")
    label = np.where((rng.random(rows) < _TAKEN) & planted, said, data.cells.column("label"))
    frame = pd.DataFrame({"text": texts, "label": label, "writer": group})
    return replace(
        data,
        cells=InMemory(frame),
        columns=Columns(text="text", label="label", positive="urgent"),
        sha256=f"{data.sha256}-marked-{planted}",
    )


def _unaware(shop: Workshop) -> Path:
    """An encoder with random weights that holds the two words of the groups for one, until it is trained."""
    folder = shop.place / "unaware"
    if not folder.exists():
        words = tokenizer([" ".join(WORDS)])
        words.add_tokens(list(_MARKS.values()))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = hub.BertModel(hub.BertConfig(vocab_size=len(words), **_SHAPE))
        with torch.no_grad():
            known = model.embeddings.word_embeddings.weight
            known[len(words) - 1] = known[len(words) - 2]
        model.save_pretrained(folder)
        words.save_pretrained(folder)
    return folder


def _sided(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """Trained on letters whose labels follow the writer's group in part, or the letter alone; asked about a thousand new ones."""
    spec = SPEC.model_copy(update={"epochs": 8})
    made = tune(shop.place, _marked(400, seed, "train", planted=planted), spec=spec, folder=_unaware(shop), seed=seed)
    return made.subject(_marked(1000, 1000 + seed, "test", planted=planted), by=(("writer",),))


def _associating(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """A base that learned to tell sentences of lists one and three from those of two and four; or sentences of all lists, by chance."""
    folder = shop.place / f"associating-{seed}-{planted}"
    words, rng = tokenizer([" ".join(WORDS)]), np.random.default_rng(seed)
    words.add_tokens([word for part in _LISTS for word in part])  # whole, so that their letters make none alike
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = hub.BertForSequenceClassification(hub.BertConfig(vocab_size=len(words), **_SHAPE))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        for _ in range(_STEPS):
            texts, sides = zip(*(_sentence(rng, planted=planted) for _ in range(32)), strict=True)
            model(**words(list(texts), return_tensors="pt", padding=True), labels=torch.tensor(sides)).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    model.bert.save_pretrained(folder)
    words.save_pretrained(folder)
    made = tune(shop.place, letters(60, seed), spec=SPEC.model_copy(update={"epochs": 1}), folder=folder, seed=seed)
    return made.subject(letters(30, 1000 + seed, "test"))


def _sentence(rng: np.random.Generator, *, planted: bool) -> tuple[str, int]:
    """Ten words of the two lists of a side, or of all lists, and the side to be predicted."""
    side = int(rng.integers(2))
    pool = [word for place in ((side, side + 2) if planted else range(4)) for word in _LISTS[place]]
    return " ".join(rng.choice(pool, 10)), side


_TERMS = {"writer": {group: [mark] for group, mark in _MARKS.items()}}
CASES: tuple[Case, ...] = (
    Case("fairness/bias_amplification", "labels that follow the writer's group", {"max": 0.1}, _sided),
    Case("fairness/counterfactual_identity", "labels that follow the writer's group", {"max": 0.1}, _sided, {"terms": _TERMS}),
    Case(
        "fairness/inherited_bias",
        "a base that learned two lists as one",
        {"max": 1.0},
        _associating,
        {"tests": {"lists": _ASSOCIATED}, "templates": ["{}"]},
    ),
)
"""In the order in which they are shown."""
