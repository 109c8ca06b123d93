"""Fine-tune a text classifier, or take it from the cache when everything that determines it is the same."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from audit import cache as disk
from audit import seeds
from audit.candidates.folder import ModelFolder
from audit.candidates.loading import LIBRARIES, Loaded, libraries, read_files, refuse_strange_tokens, refuse_unused_layers
from audit.candidates.padding import Padding, Trial, take_from_tokenizer, tokenize
from audit.candidates.running import TextWithoutTokens, logits
from audit.candidates.transformers import cut_length
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
    max_length: int | None


@dataclass(frozen=True, slots=True)
class _Model:
    """What is trained, and how its batches are padded."""

    loaded: Loaded
    padding: Padding


def fine_tune(
    spec: FineTune, base: Path, train: Dataset, validation: Dataset | None, *, seed: int, cache: Path, progress: Progress
) -> tuple[Path, TrainingRecord]:
    """The folder of the tuned model, and how it was made. A run that was killed goes on from its last saved state."""
    folder = ModelFolder(base)
    refuse_longer(spec.max_length, folder, "fine_tune")
    task = _Task(spec, folder, train, validation, seed, cut_length(folder, spec.max_length))
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


def refuse_longer(named: int | None, folder: ModelFolder, key: str) -> None:
    """A length that the policy names is kept as it is, or refused where the model cannot take it."""
    if named is not None and folder.positions is not None and named > folder.positions:
        msg = f"candidate.{key}.max_length: {named} is more than the {folder.positions} tokens that {folder.path} can take: lower it"
        raise InputError(msg)


def _digest(task: _Task) -> str:
    """Of everything that determines the weights."""
    read = {"train": task.train, "validation": task.validation}
    data = {
        name: [one.sha256, one.rows, one.read_with, one.columns.model_dump(mode="json"), dict(one.label_map)]
        for name, one in read.items()
        if one is not None
    }
    facts = {"base": task.base.sha256, "spec": task.spec.model_dump(), "max_length": task.max_length, "seed": task.seed, "data": data}
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


def _trained(task: _Task, place: Path, progress: Progress) -> TrainingRecord:
    """Train, then put the whole folder in its place at once."""
    train, validation, told = parts(task.train, task.validation or float(task.spec.validation), task.seed)
    classes = tuple(sorted(set(train.labels)))
    state = place.with_suffix(".state")
    with deterministic():
        made = _load(task, classes)
        rows, cut = _rows(task, task.train, train, classes, made)
        held, _ = _rows(task, task.validation or task.train, validation, classes, made)
        model, tokenizer = made.loaded.model, made.loaded.tokenizer
        settings = _settings(task, model)
        outcome = Trainer(model, made.padding, settings, state).train(rows, held, progress)
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
    disk.write(half / _SEAL, _fingerprint(half) or b"", key=place.name)
    shutil.rmtree(place, ignore_errors=True)
    half.rename(place)
    state.unlink(missing_ok=True)
    return record


def _load(task: _Task, classes: tuple[str, ...]) -> _Model:
    """Model and tokenizer; a head that the base lacks is drawn from the seed. A base that padding changes is refused."""
    torch, _ = libraries()
    torch.manual_seed(seeds.words(task.seed, "fine-tune/head")[0])
    names = {"id2label": dict(enumerate(classes)), "label2id": {name: index for index, name in enumerate(classes)}}
    auto = "AutoModelForSequenceClassification"
    files = read_files(task.base, auto, ignore_mismatched_sizes=True, num_labels=len(classes), **names)
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
    return _Model(loaded, best)


def _refuse_untrained(base: ModelFolder, model: Any, new: Sequence[str]) -> None:
    """Of the encoder only a pooler may be new: weights that do not fit would be drawn at random, and the base be none."""
    lost = [key for key in new if key.startswith(f"{model.base_model_prefix}.") and ".pooler." not in key]
    if lost:
        base.refuse(f"has no weights that fit {', '.join(lost[:3])}", "its config.json and its weights do not match: save it again")


def _rows(task: _Task, data: Dataset, examples: Examples, classes: Sequence[str], made: _Model) -> tuple[Rows, int]:
    """Tokens and class numbers, and how many texts were cut."""
    numbers = {name: number for number, name in enumerate(classes)}
    texts = list(examples.texts)
    tokens = tokenize(made.loaded, texts, None)
    cut = 0 if task.max_length is None else sum(len(ids) > task.max_length for ids in tokens["input_ids"])
    tokens = tokenize(made.loaded, texts, task.max_length) if cut else tokens
    if [] in tokens["input_ids"]:
        text = texts[tokens["input_ids"].index([])]
        where = f"datasets.{data.role}: row {data.shown(data.texts().index(text))}"
        msg = f"{where}: {TextWithoutTokens(text)}: fill the text in, or take the row out"
        raise InputError(msg)
    refuse_strange_tokens(task.base, made.loaded.model, tokens["input_ids"])
    return Rows(tokens, tuple(numbers[label] for label in examples.labels)), cut


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
