"""Fine-tune a text classifier, or take it from the cache when everything that determines it is the same."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from audit import cache as disk
from audit import seeds
from audit.candidates.folder import ModelFolder
from audit.candidates.loading import LIBRARIES, SAFE, broken, libraries, quiet, refuse_strange_tokens, refuse_unpadded
from audit.errors import InputError
from audit.finetune.determinism import deterministic
from audit.finetune.examples import Examples, parts
from audit.finetune.loop import Outcome, Rows, Settings, Trainer
from audit.finetune.record import TrainingRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from audit.datasets import Dataset
    from audit.policy.schema import FineTune
    from audit.progress import Progress

_RECORD, _SEAL = "training.json", "sealed"


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be trained, all checked."""

    spec: FineTune
    base: ModelFolder
    train: Dataset
    validation: Dataset | None
    seed: int
    max_length: int


def fine_tune(
    spec: FineTune, base: Path, train: Dataset, validation: Dataset | None, *, seed: int, cache: Path, progress: Progress
) -> tuple[Path, TrainingRecord]:
    """The folder of the tuned model, and how it was made. A run that was killed goes on from its last saved state."""
    folder = ModelFolder(base)
    task = _Task(spec, folder, train, validation, seed, _max_length(spec, folder))
    place = cache / "finetune" / _digest(task)
    kept = _kept(place)
    if kept is not None:
        return place, kept
    from filelock import FileLock  # comes with torch

    libraries()
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        kept = _kept(place)  # another run may have made it meanwhile
        return place, kept or _trained(task, place, progress)


def _max_length(spec: FineTune, base: ModelFolder) -> int:
    """Tokens kept of a text. The default is cut to what the base can take; a length that the policy names is not."""
    limit = base.length_limit
    if limit is None or spec.max_length <= limit:
        return spec.max_length
    if "max_length" in spec.model_fields_set:
        msg = f"candidate.fine_tune.max_length: {spec.max_length} is more than the {limit} tokens that {base.path} can take: lower it"
        raise InputError(msg)
    return limit


def _digest(task: _Task) -> str:
    """Of everything that determines the weights."""
    read = {"train": task.train, "validation": task.validation}
    data = {
        name: [one.sha256, one.rows, one.columns.model_dump(mode="json"), dict(one.label_map)]
        for name, one in read.items()
        if one is not None
    }
    facts = {"base": task.base.sha256, "spec": task.spec.model_dump(), "max_length": task.max_length, "seed": task.seed, "data": data}
    return disk.key(facts | disk.surroundings(*LIBRARIES))


def _kept(place: Path) -> TrainingRecord | None:
    """What the cache holds, where its files are the very ones that were written."""
    seal = disk.read(place / _SEAL)
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


def _trained(task: _Task, place: Path, progress: Progress) -> TrainingRecord:
    """Train, then put the whole folder in its place at once."""
    train, validation, told = parts(task.train, task.validation or float(task.spec.validation), task.seed)
    classes = tuple(sorted(set(train.labels)))
    state = place.with_suffix(".state")
    with deterministic():
        model, tokenizer = _load(task, classes)
        rows, cut = _rows(train, classes, tokenizer, task.max_length)
        held, _ = _rows(validation, classes, tokenizer, task.max_length)
        refuse_strange_tokens(task.base, model, [*rows.tokens["input_ids"], *held.tokens["input_ids"]])
        settings = _settings(task, model)
        outcome = Trainer(model, tokenizer, settings, state).train(rows, held, progress)
    half = place.with_suffix(f".half-{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    model.save_pretrained(half)
    tokenizer.save_pretrained(half)
    facts = {
        "classes": classes,
        "train_rows": len(train.texts),
        "validation": told,
        "validation_rows": len(validation.texts),
        "cut_texts": cut,
    }
    record = _record(task, settings, outcome, ModelFolder(half), facts | {"environment": _environment(model)})
    (half / _RECORD).write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    disk.write(half / _SEAL, _fingerprint(half) or b"")
    shutil.rmtree(place, ignore_errors=True)
    half.rename(place)
    state.unlink(missing_ok=True)
    return record


def _load(task: _Task, classes: tuple[str, ...]) -> tuple[Any, Any]:
    """Model and tokenizer; a head that the base lacks is drawn from the seed."""
    torch, transformers = libraries()
    torch.manual_seed(seeds.words(task.seed, "fine-tune/head")[0])
    names = {"id2label": dict(enumerate(classes)), "label2id": {name: index for index, name in enumerate(classes)}}
    with quiet():
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(task.base.path, **SAFE)
            model, told = transformers.AutoModelForSequenceClassification.from_pretrained(
                task.base.path,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                num_labels=len(classes),
                output_loading_info=True,
                **names,
                **SAFE,
            )
        except broken() as error:
            task.base.refuse(f"cannot be loaded ({' '.join(str(error).split())[:300]})", "name the folder of a text model")
    refuse_unpadded(task.base, tokenizer)
    _refuse_untrained(task.base, model, told)
    model.config._name_or_path = tokenizer.name_or_path = task.base.path.name  # noqa: SLF001  # no path of this machine in the files
    tokenizer.init_kwargs.pop("name_or_path", None)
    tokenizer.model_max_length = task.max_length
    return model.float().to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer


def _refuse_untrained(base: ModelFolder, model: Any, told: dict[str, Any]) -> None:
    """Of the encoder only a pooler may be new: weights that do not fit would be drawn at random, and the base be none."""
    new = {key if isinstance(key, str) else key[0] for key in (*told["missing_keys"], *told["mismatched_keys"])}
    lost = sorted(key for key in new if key.startswith(f"{model.base_model_prefix}.") and ".pooler." not in key)
    if lost:
        base.refuse(f"has no weights that fit {', '.join(lost[:3])}", "its config.json and its weights do not match: save it again")


def _rows(examples: Examples, classes: Sequence[str], tokenizer: Any, max_length: int) -> tuple[Rows, int]:
    """Tokens and class numbers, and how many texts were cut."""
    numbers = {name: number for number, name in enumerate(classes)}
    whole = tokenizer(list(examples.texts), truncation=False, verbose=False)
    cut = sum(len(ids) > max_length for ids in whole["input_ids"])
    tokens = tokenizer(list(examples.texts), truncation=True, max_length=max_length) if cut else whole
    return Rows(dict(tokens.items()), tuple(numbers[label] for label in examples.labels)), cut


def _settings(task: _Task, model: Any) -> Settings:
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


def _record(task: _Task, settings: Settings, outcome: Outcome, folder: ModelFolder, facts: dict[str, Any]) -> TrainingRecord:
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
