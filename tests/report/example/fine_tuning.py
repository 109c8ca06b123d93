"""A training record with noisy losses and a kept step that is not the last."""

from __future__ import annotations

import numpy as np

from audit.candidates.capabilities import LossPoint, TrainingRecord


def training() -> TrainingRecord:
    rng = np.random.default_rng(3)
    steps = range(5, 641, 5)
    losses = [float(0.18 + 0.95 * np.exp(-step / 160) + 0.06 * abs(rng.normal())) for step in steps]
    train = tuple(LossPoint(step=step, epoch=step / 320, loss=loss) for step, loss in zip(steps, losses, strict=True))
    checked = ((160, 0.62), (320, 0.41), (480, 0.36), (640, 0.38))
    return TrainingRecord(
        base="minilm",
        base_sha256="5b1e" * 16,
        weights_sha256="41b0" * 16,
        hyperparameters={"epochs": 2, "batch_size": 16, "learning_rate": 3e-5, "weight_decay": 0.01, "max_grad_norm": 1.0},
        classes=("other", "urgent"),
        train_sha256="2b8f" * 16,
        train_rows=5100,
        validation="fraction 0.15 of train",
        validation_rows=900,
        steps=640,
        train_loss=train,
        validation_loss=tuple(LossPoint(step=step, epoch=step / 320, loss=loss) for step, loss in checked),
        kept_step=480,
        stopped_early=False,
        precision="float32",
        environment={"torch": "2.13.0", "device": "cpu", "threads": "2"},
        seconds=214.0,
    )
