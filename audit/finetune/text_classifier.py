"""The learner of text classifiers: base model, tokenizer and rows, made ready. Whatever would go wrong later is refused here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit import seeds
from audit.candidates.folder import ModelFolder
from audit.candidates.loading import Loaded, libraries, quiet, read_files, refuse_strange_tokens, refuse_unused_layers
from audit.candidates.padding import Padding, Trial, take_from_tokenizer, tokenize
from audit.candidates.running import TextWithoutTokens, logits
from audit.finetune.examples import Examples, parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import torch

    from audit.datasets import Dataset
    from audit.policy.schema import FineTune


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be trained."""

    spec: FineTune
    base: ModelFolder
    train: Dataset
    validation: Dataset | None
    seed: int
    max_length: int | None

    @classmethod
    def of(cls, spec: FineTune, base: Path, train: Dataset, validation: Dataset | None, seed: int) -> Task:
        """With the length at which texts are cut: the policy's, else the base's own limit."""
        folder = ModelFolder(base)
        return cls(spec, folder, train, validation, seed, folder.cut_length(spec.max_length, "candidate.fine_tune.max_length"))


@dataclass(frozen=True, slots=True)
class Rows:
    """Tokenized texts with the numbers of their classes."""

    tokens: Mapping[str, Sequence[Sequence[int]]]
    """`input_ids`, `attention_mask` and whatever else the tokenizer gives."""
    targets: Sequence[int]

    def __len__(self) -> int:
        return len(self.targets)


class TextClassifierLearner:
    """A sequence classifier that learns to tell the classes of texts apart by cross-entropy."""

    def __init__(self, loaded: Loaded, padding: Padding) -> None:
        """`padding` is one that changes no score."""
        self.model, self._tokenizer, self._padding = loaded.model, loaded.tokenizer, padding
        self._device = next(self.model.parameters()).device

    def lengths(self, rows: Rows) -> list[int]:
        """Tokens of each row."""
        return [len(ids) for ids in rows.tokens["input_ids"]]

    def collate(self, rows: Rows, batch: Sequence[int]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """Padded tokens, and the numbers of the classes."""
        import torch

        given = self._padding.batch(rows.tokens, batch)
        targets = torch.tensor([rows.targets[row] for row in batch], device=self._device)
        return {name: tensor.to(self._device) for name, tensor in given.items()}, targets

    def loss(self, batch: tuple[dict[str, torch.Tensor], torch.Tensor]) -> torch.Tensor:
        """(rows,) cross-entropies in nats."""
        import torch

        given, targets = batch
        return torch.nn.functional.cross_entropy(self.model(**given).logits.float(), targets, reduction="none")

    def save(self, folder: Path) -> None:
        """The model and its tokenizer."""
        with quiet():
            self.model.save_pretrained(folder)
            self._tokenizer.save_pretrained(folder)


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a training starts from."""

    learner: TextClassifierLearner
    classes: tuple[str, ...]
    rows: Rows
    held: Rows
    validation: str
    """Where the held-out rows come from."""
    cut_texts: int
    """Training texts that were cut."""


def set_up(task: Task) -> Setup:
    """Load the base, give it a head for the classes, and read the rows."""
    train, validation, source = parts(task.train, task.validation or float(task.spec.validation), task.seed)
    classes = tuple(sorted(set(train.labels)))
    loaded, padding = _load(task, classes)
    rows, cut = _rows(task, task.train, train, classes, loaded)
    held, _ = _rows(task, task.validation or task.train, validation, classes, loaded)
    return Setup(TextClassifierLearner(loaded, padding), classes, rows, held, source, cut)


def _load(task: Task, classes: tuple[str, ...]) -> tuple[Loaded, Padding]:
    """Model and tokenizer; a head that the base lacks is drawn from the seed. A base that padding changes is refused."""
    torch, _ = libraries()
    torch.manual_seed(seeds.words(task.seed, "fine-tune/head")[0])
    names = {"id2label": dict(enumerate(classes)), "label2id": {name: index for index, name in enumerate(classes)}}
    settings = {"ignore_mismatched_sizes": True, "num_labels": len(classes), **names}
    files = read_files(task.base, "AutoModelForSequenceClassification", **settings)
    _refuse_untrained(task.base, files.model, files.missing)
    refuse_unused_layers(task.base, files)
    tokenizer = files.tokenizer
    files.model.config._name_or_path = tokenizer.name_or_path = task.base.path.name  # noqa: SLF001  # no path of this machine in the files
    tokenizer.init_kwargs.pop("name_or_path", None)
    if task.max_length is not None:
        tokenizer.model_max_length = task.max_length
    loaded = files.ready()
    padding = take_from_tokenizer(task.base, loaded)
    with torch.inference_mode():
        trial = Trial.of(task.base, loaded, logits, task.max_length)
        best = next((one for one in (padding, replace(padding, side="left")) if trial.agrees(one)), None)
    if best is None:
        what = f"gives a text other scores in a padded batch (padding token {padding.token}) than by itself"
        task.base.refuse(what, "train it where texts are not padded, and load the result with kind transformers")
    return loaded, best


def _refuse_untrained(base: ModelFolder, model: Any, new: Sequence[str]) -> None:
    """Of the encoder only a pooler may be new: weights that do not fit would be drawn at random, and the base be none."""
    lost = [key for key in new if key.startswith(f"{model.base_model_prefix}.") and ".pooler." not in key]
    if lost:
        base.refuse(f"has no weights that fit {', '.join(lost[:3])}", "its config.json and its weights do not match: save it again")


def _rows(task: Task, data: Dataset, examples: Examples, classes: Sequence[str], loaded: Loaded) -> tuple[Rows, int]:
    """Tokens and class numbers, and how many texts were cut."""
    numbers = {name: number for number, name in enumerate(classes)}
    texts = list(examples.texts)
    tokens = tokenize(loaded, texts, None)
    cut = 0 if task.max_length is None else sum(len(ids) > task.max_length for ids in tokens["input_ids"])
    tokens = tokenize(loaded, texts, task.max_length) if cut else tokens
    if [] in tokens["input_ids"]:
        TextWithoutTokens(texts[tokens["input_ids"].index([])]).refuse(data)
    refuse_strange_tokens(task.base, loaded.model, tokens["input_ids"])
    return Rows(tokens, tuple(numbers[label] for label in examples.labels)), cut
