"""The state of a training that can be taken up again: one safetensors file, replaced whole."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from audit.candidates.training_record import LossPoint
from audit.disk_cache import LOG

if TYPE_CHECKING:
    from pathlib import Path

    import torch

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


def save(path: Path, course: Course, tensors: Tensors) -> None:
    """All of it, replacing the last one."""
    from safetensors.torch import save_file

    half = path.with_suffix(".half")
    save_file(tensors, half, metadata={"course": course.to_json(), "training": path.stem})
    half.replace(path)


def load(path: Path) -> tuple[Course, Tensors] | None:
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
