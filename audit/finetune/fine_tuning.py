"""Fine-tune a candidate, or take it from the cache when everything that determines it is the same.

`METHODS` is the one place that says for which tasks candidates are fine-tuned, and how.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from audit import disk_cache as disk
from audit.candidates.capabilities import TrainingRecord
from audit.candidates.folder import ModelFolder
from audit.candidates.loading import LIBRARIES, libraries
from audit.candidates.running import refuse_blank_texts
from audit.candidates.transformers import Reading, TextClassifier
from audit.errors import InputError
from audit.finetune.loop import Outcome, Settings, Trainer
from audit.finetune.text_classifier import Task, set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.candidates.interface import Candidate
    from audit.datasets import Dataset
    from audit.finetune.text_classifier import Setup
    from audit.policy.schema import FineTune
    from audit.progress import Progress
    from audit.tasks import Task as CandidateTask


@dataclass(frozen=True, slots=True)
class Method:
    """How candidates of a task are fine-tuned."""

    set_up: Callable[[Task], Setup]
    """The learner and its rows, ready for the first step; whatever would go wrong later is refused here."""
    refuse_unfit: Callable[[ModelFolder, Sequence[Dataset]], None]
    """Refuses data sets whose rows a model of this folder cannot answer."""
    open: Callable[[Path, TrainingRecord, Path, Progress], Candidate]
    """The candidate in the folder of a tuned model; the path is that of the cache."""

    def fine_tune(
        self, spec: FineTune, base: Path, train: Dataset, validation: Dataset | None, *, seed: int, cache: Path, progress: Progress
    ) -> tuple[Path, TrainingRecord]:
        """The folder of the tuned model, and how it was made. A run that was killed goes on from its last saved state."""
        task = Task.of(spec, base, train, validation, seed)
        place = cache / "finetune" / _digest(task)
        kept = _kept(place)
        if kept is not None:
            return place, kept
        from filelock import FileLock  # comes with torch

        libraries()
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock")):
            kept = _kept(place)  # another run may have made it meanwhile
            return place, kept or _trained(task, self, place, progress)

    def inspect(self, spec: FineTune, base: Path, train: Dataset, validation: Dataset | None, *, seed: int) -> None:
        """All that is done before the first step of a training: what would be refused there is refused here."""
        task = Task.of(spec, base, train, validation, seed)
        with deterministic():
            self.set_up(task)


def _open_classifier(folder: Path, record: TrainingRecord, store: Path, progress: Progress) -> Candidate:
    reading = Reading(max_length=record.max_length)
    candidate = TextClassifier(ModelFolder(folder), record.classes, reading=reading, training=record, store=store, progress=progress)
    candidate.open()
    return candidate


TEXT_CLASSIFICATION = Method(set_up, refuse_blank_texts, _open_classifier)
METHODS: Mapping[CandidateTask, Method] = {"text-classification": TEXT_CLASSIFICATION}
"""By the task that a policy names; a task without a method is refused at the policy's line."""
_RECORD, _SEAL = "training.json", "sealed"
_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


def _digest(task: Task) -> str:
    """Of everything that determines the weights."""
    read = {"train": task.train, "validation": task.validation}
    data = {name: one.content_key for name, one in read.items() if one is not None}
    facts: dict[str, object] = {
        "base": task.base.sha256,
        "spec": task.spec.model_dump(),
        "max_length": task.max_length,
        "seed": task.seed,
        "data": data,
    }
    return disk.key(facts | disk.surroundings(*LIBRARIES))


def _kept(place: Path) -> TrainingRecord | None:
    """What the cache holds, where its files are the very ones that were written."""
    seal = disk.read(place / _SEAL, key=place.name)
    if seal is None:
        return None
    if seal != _fingerprint(place):
        disk.LOG.warning("%s was changed since it was written: the model is trained anew", place)
        return None
    record = TrainingRecord.model_validate_json((place / _RECORD).read_bytes())
    return record.model_copy(update={"cached": True})


def _fingerprint(place: Path) -> bytes | None:
    try:
        return f"{ModelFolder(place).sha256} {disk.digest(place / _RECORD)}".encode()
    except (InputError, OSError):
        return None


def _trained(task: Task, method: Method, place: Path, progress: Progress) -> TrainingRecord:
    """Train, then put the whole folder in its place at once."""
    state = place.with_suffix(".state")
    with deterministic():
        ready = method.set_up(task)
        model = ready.learner.model
        settings = _settings(task, model)
        outcome = Trainer(ready.learner, settings, state).train(ready.rows, ready.held, progress)
    half = place.with_suffix(f".half-{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    ready.learner.save(half)
    facts = {
        "classes": ready.classes,
        "train_rows": len(ready.rows),
        "validation": ready.validation,
        "validation_rows": len(ready.held),
        "cut_texts": ready.cut_texts,
    }
    record = _record(task, settings, outcome, ModelFolder(half), facts | {"environment": _environment(model)})
    (half / _RECORD).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    disk.write(half / _SEAL, _fingerprint(half) or b"", key=place.name)
    shutil.rmtree(place, ignore_errors=True)
    half.rename(place)
    state.unlink(missing_ok=True)
    return record


def _settings(task: Task, model: Any) -> Settings:
    spec, gpu = task.spec, next(model.parameters()).device.type == "cuda"
    return Settings(
        seed=task.seed,
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        learning_rate=spec.learning_rate,
        weight_decay=spec.weight_decay,
        max_grad_norm=spec.max_grad_norm,
        warmup=spec.warmup,
        schedule=spec.schedule,
        patience=spec.patience,
        bfloat16=spec.precision == "bfloat16" or (spec.precision == "auto" and gpu),
    )


def _record(task: Task, settings: Settings, outcome: Outcome, folder: ModelFolder, facts: dict[str, Any]) -> TrainingRecord:
    course = outcome.course
    steered = asdict(settings) | {
        "max_length": task.max_length,
        "validation": task.spec.validation,
        "optimizer": "AdamW",
        "betas": "0.9, 0.999",
        "epsilon": 1e-8,
    }
    return TrainingRecord(
        base=task.spec.base,
        base_sha256=task.base.sha256,
        weights_sha256=folder.weights_sha256,
        hyperparameters=steered,
        train_sha256=task.train.sha256,
        steps=course.step,
        train_loss=tuple(course.train_loss),
        validation_loss=tuple(course.validation_loss),
        kept_step=course.best_step,
        stopped_early=outcome.stopped_early,
        precision="bfloat16" if settings.bfloat16 else "float32",
        seconds=course.seconds,
        resumed_from_step=outcome.resumed_from,
        **facts,
    )


def _environment(model: Any) -> dict[str, str]:
    torch, _ = libraries()
    device = next(model.parameters()).device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    found = disk.surroundings(*LIBRARIES) | {"device": name, "torch threads": str(torch.get_num_threads())}
    return found | {"CPU capability": torch.backends.cpu.get_cpu_capability()}


@contextmanager
def deterministic() -> Iterator[None]:
    """Deterministic algorithms inside; outside, the generators and flags are what they were."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    memory: Any = torch.utils.deterministic  # its one setting is a property that type checkers do not see

    filled, benchmark, workspace = memory.fill_uninitialized_memory, torch.backends.cudnn.benchmark, os.environ.get(_CUBLAS)
    enabled, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    devices = list(range(torch.cuda.device_count()))
    # on a GPU only the plain kernel of attention has a deterministic backward pass
    kernels = [SDPBackend.MATH] if devices else [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    try:
        os.environ[_CUBLAS] = ":4096:8"
        torch.use_deterministic_algorithms(True)
        memory.fill_uninitialized_memory = False  # a guard against reading unset memory that costs time at each step
        torch.backends.cudnn.benchmark = False
        with torch.random.fork_rng(devices), sdpa_kernel(kernels):
            yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warns)
        memory.fill_uninitialized_memory = filled
        torch.backends.cudnn.benchmark = benchmark
        os.environ.pop(_CUBLAS, None)
        if workspace is not None:
            os.environ[_CUBLAS] = workspace
