"""Planted faults of fine-tuning, each with a clean twin that differs in the fault alone. Tiny models, really trained."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from tests.tiny_bert import base, hub, letters, tokenizer
from tests.tuned import SPEC, tune

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from audit.subject import Subject
    from tests.tuned import Tuned

_LETTERS = "abcdefghijklmnopqrst"
TOPICS = tuple(tuple(f"{_LETTERS[topic]}{_LETTERS[(7 * word + topic) % 20]}{_LETTERS[word]}" for word in range(12)) for topic in range(4))
"""Twelve invented words of each of four topics."""
_NOISE = 0.25
"""Share of labels that are wrong where they are noisy."""


@dataclass(frozen=True)
class Workshop:
    """Where models are trained, and the bases that they are trained from."""

    place: Path

    @cached_property
    def untrained(self) -> Path:
        """An encoder with random weights."""
        return base(self.place / "untrained")

    @cached_property
    def reader(self) -> Path:
        """A small encoder that was pretrained to fill in hidden words of sentences on four topics."""
        folder, rng = self.place / "reader", np.random.default_rng(0)
        words = tokenizer([" ".join(topic) for topic in TOPICS] * 3)
        shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = hub.BertForMaskedLM(hub.BertConfig(vocab_size=len(words), max_position_embeddings=64, **shape))
            _pretrain(model, words, rng, 500)
        model.save_pretrained(folder)
        words.save_pretrained(folder)
        return folder


@dataclass(frozen=True, slots=True)
class Case:
    """A check, its bound, and a training with a fault that it must catch."""

    check: str
    fault: str
    bound: dict[str, float]
    make: Callable[[Workshop, int, bool], Subject]
    """What the check sees under a seed, with the fault or without."""
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its check, and what of several things it measures."""
        told = [str(self.params[key]) for key in ("measure", "metric") if key in self.params]
        return ", ".join([self.check, *told])


def _pretrain(model: Any, words: Any, rng: Generator, steps: int) -> None:
    """Fifteen words in a hundred hidden, as in BERT's own training; all of them by the mask."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        given = words(_sentences(32, rng, range(len(TOPICS)))[0], return_tensors="pt", padding=True)
        truth = given["input_ids"].clone()
        hidden = (torch.rand(truth.shape) < 0.15) & (truth > words.mask_token_id)  # noqa: PLR2004  # the special tokens come first
        given["input_ids"][hidden], truth[~hidden] = words.mask_token_id, -100
        model(**given, labels=truth).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def _sentences(rows: int, rng: Generator, topics: range) -> tuple[list[str], list[int]]:
    """Sentences of 8 to 14 words, nine in ten of them of one topic, and these topics."""
    about = rng.choice(list(topics), rows).tolist()
    texts = []
    for topic in about:
        strays = rng.random(rng.integers(8, 15)) < 0.1  # noqa: PLR2004  # one in ten
        texts.append(" ".join(TOPICS[rng.integers(4) if stray else topic][rng.integers(12)] for stray in strays))
    return texts, about


def _topical(rows: int, seed: int, role: str, topics: range) -> Dataset:
    """Sentences on some topics; the label says whether one of the first topic's first three words is there."""
    texts, about = _sentences(rows, np.random.default_rng(seed), topics)
    told = ["yes" if set(TOPICS[0][:3]) & set(text.split()) else "no" for text in texts]
    frame = pd.DataFrame({"text": texts, "label": told, "topic": [f"topic {one}" for one in about]})
    return Dataset(
        role, Path(f"{role}.csv"), InMemory(frame), Columns(text="text", label="label"), f"topical-{role}-{rows}-{seed}-{topics}"
    )


def _noisy(rows: int, seed: int, role: str) -> Dataset:
    """Letters of which a quarter is labelled wrongly."""
    data = letters(rows, seed, role)
    wrong = np.random.default_rng(seed).random(rows) < _NOISE
    label = data.cells.column("label").where(~wrong, data.cells.column("label").map({"urgent": "other", "other": "urgent"}))
    return replace(data, cells=InMemory(data.cells.frame().assign(label=label)), sha256=f"{data.sha256}-noisy")


def _over_trained(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """Noisy labels; the checkpoint is chosen on a copy of the training rows, which never says stop, or on as many other rows."""
    train = _noisy(200, seed, "train")
    spec = SPEC.model_copy(update={"epochs": 50, "patience": 10, "learning_rate": 2e-3, "batch_size": 32, "validation": "held"})
    held = replace(train, role="held") if planted else _noisy(200, 2000 + seed, "held")
    made = tune(shop.place, train, spec=spec, folder=shop.untrained, validation=held, seed=seed)
    return made.subject(_noisy(600, 1000 + seed, "test"))


def _hardly_trained(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """A learning rate at which a training of eight epochs comes nowhere, or one at which it does."""
    spec = SPEC.model_copy(update={"epochs": 8, "learning_rate": 3e-6 if planted else 3e-3})
    return tune(shop.place, letters(400, seed), spec=spec, folder=shop.untrained, seed=seed).subject(letters(500, 1000 + seed, "test"))


def _forgotten(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """Twenty epochs at a high learning rate, or four at a low one, on sentences about one topic; asked about all four."""
    settings = {"epochs": 20, "patience": 20, "learning_rate": 5e-3} if planted else {"epochs": 4, "learning_rate": 3e-4}
    train = _topical(200, seed, "train", range(1))
    made = tune(shop.place, train, spec=SPEC.model_copy(update=settings), folder=shop.reader, seed=seed)
    return made.subject(_topical(300, 1000 + seed, "retention", range(4)))


def _forgotten_somewhere(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """The same, asked topic by topic."""
    return replace(_forgotten(shop, seed, planted), by=(("topic",),))


def _dulled(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """A learning rate at which twenty epochs leave little in the encoder but the answer, or a tenth of it; the topics are asked after."""
    settings = {"epochs": 20, "patience": 20, "learning_rate": 1e-2 if planted else 1e-3}
    train = _topical(200, seed, "train", range(4))
    made = tune(shop.place, train, spec=SPEC.model_copy(update=settings), folder=shop.reader, seed=seed)
    return made.subject(_topical(400, 1000 + seed, "retention", range(4)))


def _unsettled(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """A learning rate so high that each training ends elsewhere, or one that is not."""
    spec = SPEC.model_copy(update={"epochs": 10, "learning_rate": 1.5e-2 if planted else 3e-3})
    return tune(shop.place, letters(600, seed), spec=spec, folder=shop.untrained, seed=seed).subject(letters(400, 1000 + seed, "test"))


_DECLARED: tuple[dict[str, Any], ...] = (
    {"learning_rate": 1e-3},
    {"epochs": 2},
    {"max_grad_norm": 0.1},
    {"weight_decay": 0.1},
    {"schedule": "constant"},
)
"""What a record says in place of what was done, one after the other by seed."""


def _misdeclared(shop: Workshop, seed: int, planted: bool) -> Subject:  # noqa: FBT001  # a case's own signature
    """A record mended to say other than was done, or left as it is."""
    made = tune(shop.place, letters(120, seed), folder=shop.untrained, seed=seed)
    test = letters(200, 1000 + seed, "test")
    return made.subject(test, origin=made.base(record=_mended(made, seed))) if planted else made.subject(test)


def _mended(made: Tuned, seed: int) -> Any:
    told = made.record.hyperparameters | _DECLARED[seed % len(_DECLARED)]
    return made.record.model_copy(update={"hyperparameters": told})


CASES: tuple[Case, ...] = (
    Case("finetuning/training_record", "its record says other than was done", {"max": 0}, _misdeclared),
    Case("finetuning/overfit_gap", "noisy labels learned by heart", {"max": 0.15}, _over_trained),
    Case("finetuning/overfit_gap", "noisy labels learned by heart", {"max": 0.25}, _over_trained, {"metric": "log_loss"}),
    Case("finetuning/base_improvement", "a learning rate that comes nowhere", {"min": 0.0}, _hardly_trained),
    Case("finetuning/knowledge_retention", "many fast epochs on a narrow set", {"max": 0.1}, _forgotten, {"measure": "masked_lm"}),
    Case("finetuning/knowledge_retention", "many fast epochs on a narrow set", {"max": 0.5}, _forgotten, {"measure": "neighbours"}),
    Case("finetuning/knowledge_retention", "the same, asked by topic", {"max": 0.1}, _forgotten_somewhere, {"measure": "masked_lm"}),
    Case("finetuning/knowledge_retention", "a learning rate too high", {"max": 0.03}, _dulled, {"measure": "probe", "label": "topic"}),
    Case("finetuning/seed_stability", "a learning rate far too high", {"max": 0.05}, _unsettled, {"seeds": 3}),
)
"""In the order in which they are shown."""
