"""The training loop trains whatever a learner gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from audit.finetune import loop
from audit.finetune.fine_tuning import deterministic
from audit.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

SETTINGS = loop.Settings(
    seed=3,
    epochs=8,
    batch_size=16,
    learning_rate=0.05,
    weight_decay=0.0,
    max_grad_norm=100.0,
    warmup=0.0,
    schedule="constant",
    patience=8,
    bfloat16=False,
)


class Line:
    """Learns a line through numbers by squared error: no text, no class, no padding."""

    def __init__(self) -> None:
        import torch

        torch.manual_seed(0)
        self.model = torch.nn.Linear(2, 1)

    def lengths(self, rows: NDArray[np.float64]) -> list[int]:
        return [1] * len(rows)

    def collate(self, rows: NDArray[np.float64], batch: Sequence[int]) -> torch.Tensor:
        import torch

        return torch.tensor(rows[list(batch)], dtype=torch.float32)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        residual: torch.Tensor = self.model(batch[:, :2]).squeeze(1) - batch[:, 2]
        return residual**2


def numbers(rows: int, seed: int) -> NDArray[np.float64]:
    given = np.random.default_rng(seed).normal(size=(rows, 2))
    return np.column_stack([given, given @ [2.0, -1.0] + 0.5])


def trained(learner: Line, place: Path) -> loop.Outcome:
    with deterministic():
        return loop.Trainer(learner, SETTINGS, place).train(numbers(160, 1), numbers(50, 2), Silent())


def test_another_learner_is_trained_by_the_same_loop(tmp_path: Path) -> None:
    """It finds the line, keeps the weights of the lowest validation loss, and gives the same bits again."""
    torch = pytest.importorskip("torch", reason="comes with the extra `text`")
    learner, again = Line(), Line()
    outcome, second = trained(learner, tmp_path / "a.state"), trained(again, tmp_path / "b.state")
    weight, bias = (one.detach().numpy() for one in learner.model.parameters())
    np.testing.assert_allclose(weight, [[2.0, -1.0]], atol=0.05)
    np.testing.assert_allclose(bias, [0.5], atol=0.05)
    losses = [point.loss for point in outcome.course.validation_loss]
    assert outcome.course.best_loss == min(losses)
    held = numbers(50, 2)
    with torch.inference_mode():
        expected = float(learner.loss(learner.collate(held, range(50))).double().mean())
    assert outcome.course.best_loss == pytest.approx(expected, rel=1e-6)
    assert [point.loss for point in second.course.validation_loss] == losses
