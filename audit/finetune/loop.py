"""The training loop: AdamW, schedule, clipping, early stopping, the best checkpoint kept, able to be killed at any step.

Its state is one safetensors file, replaced whole.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sized
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np

from audit import seeds
from audit.candidates.capabilities import LossPoint
from audit.candidates.loading import short
from audit.disk_cache import LOG
from audit.errors import CandidateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import torch
    from numpy.random import Generator

    from audit.progress import Progress

    Tensors = dict[str, torch.Tensor]


@dataclass
class Course:
    """How far a training has come and what it has seen."""

    step: int = 0
    """Optimiser steps done."""
    window: list[float] = field(default_factory=list)
    """Losses since the last point of the curve."""
    train_loss: list[LossPoint] = field(default_factory=list)
    validation_loss: list[LossPoint] = field(default_factory=list)
    best_step: int = 0
    best_loss: float | None = None
    stale: int = 0
    """Validations since the best one."""
    seconds: float = 0.0
    """Of all runs that took part."""

    def to_json(self) -> str:
        """As text: floats come back as the same bits."""
        curves = {name: [point.model_dump() for point in getattr(self, name)] for name in ("train_loss", "validation_loss")}
        return json.dumps(asdict(self) | curves, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Course:
        """The same course."""
        facts = json.loads(text)
        for name in ("train_loss", "validation_loss"):
            facts[name] = [LossPoint.model_validate(point) for point in facts[name]]
        return cls(**facts)


def save_state(path: Path, course: Course, tensors: Tensors) -> None:
    """All of it, replacing the last one."""
    from safetensors.torch import save_file

    half = path.with_suffix(".half")
    save_file(tensors, half, metadata={"course": course.to_json(), "training": path.stem})
    half.replace(path)


def load_state(path: Path) -> tuple[Course, Tensors] | None:
    """The last state; None where there is none that can be read."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            if file.metadata()["training"] != path.stem:
                LOG.warning("%s is the state of another training: this one starts anew", path)
                return None
            course = Course.from_json(file.metadata()["course"])
            return course, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        LOG.warning("%s cannot be read (%s): the training starts anew", path, error)
        return None


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """The optimiser's moments by parameter number and name."""
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {f"optimizer.{number}.{name}": tensor for number, entry in state.items() for name, tensor in entry.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Put the moments back."""
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        prefix, number, name = key.split(".", 2)
        if prefix == "optimizer":
            state.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})


CHECKPOINT_SECONDS = 30.0
"""Least time between two saved states."""
_CHECKPOINT_SHARE = 0.02
"""Largest share of the time that saving states may take."""
_POINTS = 100
"""Points of the training curve, about."""
_VALIDATION_ROWS = 64
_POOL = 50
"""Most batches that are sorted by length together: enough to waste little."""
_POOLS = 4
"""Least pools of an epoch: with one pool alone, who meets whom would be the same in every epoch."""
Schedule: TypeAlias = Literal["linear", "cosine", "constant"]


R = TypeVar("R", bound=Sized)
"""Rows as a learner holds them."""
R_contra = TypeVar("R_contra", bound=Sized, contravariant=True)


class Learner(Protocol[R_contra]):
    """What the loop trains: how rows become batches, and what the loss of a batch is. It knows no text and no class."""

    @property
    def model(self) -> Any:
        """The torch module whose parameters are trained."""

    def lengths(self, rows: R_contra) -> Sequence[int]:
        """Of each row; rows of like length share a batch. The same number for all where length means nothing."""

    def collate(self, rows: R_contra, batch: Sequence[int]) -> Any:
        """The rows of a batch as tensors on the model's device."""

    def loss(self, batch: Any) -> torch.Tensor:
        """(rows,) the loss of each row of a batch, in nats."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that steers the loop."""

    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    max_grad_norm: float
    warmup: float
    schedule: Schedule
    patience: int
    bfloat16: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training came to; the model holds the best weights."""

    course: Course
    stopped_early: bool
    resumed_from: int | None


class Trainer(Generic[R]):
    """One training of one model."""

    def __init__(self, learner: Learner[R], settings: Settings, state_path: Path) -> None:
        self._learner, self._settings, self._path = learner, settings, state_path
        self._model = learner.model
        self._device = next(self._model.parameters()).device
        self._optimizer = _optimizer(self._model, settings)
        self._best: dict[str, torch.Tensor] = {}
        self._course = Course()
        self._saved_at, self._save_cost, self._timed_from = time.monotonic(), 0.0, time.monotonic()

    def train(self, rows: R, validation: R, progress: Progress) -> Outcome:
        """To the end, from the last saved state where there is one."""
        resumed_from = self._resume()
        per_epoch = -(-len(rows) // self._settings.batch_size)
        total = per_epoch * self._settings.epochs
        task = progress.start("fine-tune", total)
        task.advance(self._course.step)
        try:
            while self._course.step < total and self._course.stale < self._settings.patience:
                epoch, done = divmod(self._course.step, per_epoch)
                rng = seeds.stream(self._settings.seed, f"fine-tune/epoch-{epoch}")
                plan = epoch_batches(self._learner.lengths(rows), self._settings.batch_size, rng)
                for batch in plan[done:]:
                    self._step(rows, batch, total, per_epoch)
                    if self._course.step % per_epoch == 0:
                        self._validate(validation, per_epoch)
                    self._save_if_due()
                    task.advance()
        finally:
            task.finish()
        self._model.load_state_dict(self._best, strict=False)
        self._course.seconds += time.monotonic() - self._timed_from
        return Outcome(self._course, self._course.step < total, resumed_from)

    def _step(self, rows: R, batch: Sequence[int], total: int, per_epoch: int) -> None:
        """One step of the optimiser. Each step has its own random stream, so that a resumed run drops the same units."""
        import torch

        course, settings = self._course, self._settings
        share = multiplier(settings.schedule, course.step, warmup=round(settings.warmup * total), total=total)
        for group in self._optimizer.param_groups:
            group["lr"] = settings.learning_rate * share
        words = seeds.words(settings.seed, f"fine-tune/step-{course.step}")
        torch.manual_seed(words[0] << 31 | words[1])
        self._model.train()
        loss: Any = self._loss(rows, batch).mean()
        with _blame_base():
            loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), settings.max_grad_norm)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        course.step += 1
        course.window.append(_finite(loss.item(), course.step))
        if course.step % max(1, total // _POINTS) == 0:
            mean = sum(course.window) / len(course.window)
            course.train_loss.append(
                LossPoint(
                    step=course.step,
                    epoch=course.step / per_epoch,
                    loss=mean,
                    learning_rate=settings.learning_rate * share,
                    gradient_norm=_finite(float(norm), course.step, "norm of the gradient"),
                )
            )
            course.window.clear()

    def _validate(self, validation: R, per_epoch: int) -> None:
        """Mean loss over the validation rows; the weights are kept when it is the lowest so far."""
        import torch

        self._model.eval()
        total = 0.0
        with torch.inference_mode():
            for batch in batches_by_length(self._learner.lengths(validation), _VALIDATION_ROWS):
                total += float(self._loss(validation, batch).double().sum())
        course = self._course
        loss = _finite(total / len(validation), course.step)
        course.validation_loss.append(LossPoint(step=course.step, epoch=course.step / per_epoch, loss=loss))
        if course.best_loss is None or loss < course.best_loss:
            course.best_loss, course.best_step, course.stale = loss, course.step, 0
            self._best = {name: tensor.detach().clone() for name, tensor in self._model.named_parameters()}
        else:
            course.stale += 1

    def _loss(self, rows: R, batch: Sequence[int]) -> torch.Tensor:
        """(len(batch),) losses in nats."""
        import torch

        given = self._learner.collate(rows, batch)
        with _blame_base(), torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=self._settings.bfloat16):
            return self._learner.loss(given)

    def _save_if_due(self) -> None:
        """Seldom enough to cost next to nothing."""
        started = time.monotonic()
        if started - self._saved_at < max(CHECKPOINT_SECONDS, self._save_cost / _CHECKPOINT_SHARE):
            return
        self._course.seconds += started - self._timed_from
        self._timed_from = started
        tensors = {f"model.{name}": tensor.detach() for name, tensor in self._model.named_parameters()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        save_state(self._path, self._course, tensors | optimizer_tensors(self._optimizer))
        self._saved_at = time.monotonic()
        self._save_cost = self._saved_at - started

    def _resume(self) -> int | None:
        found = load_state(self._path)
        if found is None:
            return None
        self._course, tensors = found
        part = {name: {key[len(name) :]: tensor for key, tensor in tensors.items() if key.startswith(name)} for name in ("model.", "best.")}
        self._model.load_state_dict(part["model."], strict=False)
        self._best = {name: tensor.to(self._device) for name, tensor in part["best."].items()}
        restore_optimizer(self._optimizer, tensors)
        return self._course.step


@contextmanager
def _blame_base() -> Iterator[None]:
    """What a library raises while a model runs is about that model."""
    import torch

    try:
        yield
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # libraries raise what they will on a base that does not fit
        msg = f"candidate.fine_tune.base: cannot be trained ({short(error)}): check that its files belong together, or name another base"
        raise CandidateError(msg) from error


def _optimizer(model: Any, settings: Settings) -> torch.optim.Optimizer:
    """AdamW, without decay of biases and normalisation weights: all vectors."""
    import torch

    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    vectors = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _finite(value: float, step: int, what: str = "loss") -> float:
    if value - value != 0:
        msg = f"candidate.fine_tune.learning_rate: the {what} is {value} after step {step}: lower it"
        raise CandidateError(msg)
    return value


def multiplier(schedule: Schedule, step: int, *, warmup: int, total: int) -> float:
    """Share of the full learning rate at a step (counted from 0): rises over `warmup` steps, then falls to 0 at `total`."""
    if step < warmup:
        return step / max(1, warmup)
    if schedule == "constant":
        return 1.0
    gone = (step - warmup) / max(1, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * gone)) if schedule == "cosine" else max(0.0, 1 - gone)


def epoch_batches(lengths: Sequence[int], size: int, rng: Generator) -> list[list[int]]:
    """Every row once, in batches of `size`; only one batch may be smaller."""
    order = rng.permutation(len(lengths))
    rows = size * min(_POOL, max(1, len(order) // (size * _POOLS)))
    batches: list[list[int]] = []
    for start in range(0, len(order), rows):
        pool = order[start : start + rows]
        pool = pool[np.argsort([lengths[row] for row in pool], kind="stable")]
        batches += [pool[first : first + size].tolist() for first in range(0, len(pool), size)]
    return [batches[index] for index in rng.permutation(len(batches))]


def batches_by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Every row once, longest first: for passes without learning."""
    order = np.argsort([-length for length in lengths], kind="stable")
    return [order[first : first + size].tolist() for first in range(0, len(order), size)]
