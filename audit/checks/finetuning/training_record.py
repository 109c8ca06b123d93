"""Training record: faults in how the candidate was fine-tuned, and in what is told of it.

Purpose      Count where the training record differs from the policy, from its own curves or from the files that it is about, and
             what a sound training has and this one lacks: a validation split apart from the tested rows, gradients that are
             clipped, a stop once the validation loss rises. One member for each part of the record.
Risk         Above 0: the weights did not come about as declared, so that nobody can make them again; or their quality was chosen
             on the very rows that it is proved on.
Limitations  Reads the record that the engine wrote and its curves, about a hundred points of them: what the training wrote of
             itself is checked for agreement, and cannot be watched afterwards. Equal texts count as one row, paraphrases do not.
Reference    Mitchell et al., Model cards, FAT* 2019; Dodge et al., Show your work, EMNLP 2019; Prechelt, Early stopping, 1998.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field, FiniteFloat

from audit.check import Params
from audit.checks.finetuning import finetuning_check
from audit.evidence import Evidence, Example, Member, Part, Slice
from audit.finetune.loop import multiplier
from audit.metrics.rows import normalise
from audit.stats import Census

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from audit.datasets import Dataset
    from audit.finetune.base import Base
    from audit.subject import Subject

_SHOWN = 20
STEERED = ("epochs", "batch_size", "learning_rate", "weight_decay", "max_grad_norm", "warmup", "schedule", "patience", "seed", "validation")
"""Keys that the policy and the record must agree in."""
_NEAR = 1e-9
FACTS = len(STEERED) + 2 + 6 + 4 + 2 + 3
"""Compared for every record, but for the rows of the tested data set."""


class RecordParams(Params):
    """What counts as clipped."""

    highest_norm: FiniteFloat = Field(10.0, gt=0, description="a max_grad_norm above it counts as no clipping")


def measure(subject: Subject, params: RecordParams, _rng: Generator) -> Evidence:
    """Faults in each part of the record."""
    base = subject.tuned_from
    found = items(base, subject.data, params.highest_norm)
    faults = [(item.name, fault) for item in found for fault in item.faults]
    return Evidence(
        members=tuple(Member(Slice((("part", item.name),)), Census(len(item.faults), item.looked_at)) for item in found),
        unit="faults",
        rows=sum(item.looked_at for item in found),
        examples=tuple(Example(fault.what, (Part(fault.how),), name) for name, fault in faults[:_SHOWN]),
        notes=(_description(base),),
    )


def _description(base: Base) -> str:
    record = base.record
    norms = [point.gradient_norm for point in record.train_loss if point.gradient_norm is not None]
    most = record.hyperparameters.get("max_grad_norm")
    clipped = sum(isinstance(most, (int, float)) and norm > most for norm in norms)
    said = f"{record.steps:,} steps on {record.train_rows:,} rows; step {record.kept_step:,} was kept, "
    said += f"chosen on {record.validation_rows:,} rows ({record.validation}). "
    return said + f"Of {len(norms):,} logged steps the gradient was clipped in {clipped:,}."


def _expected_rows(subject: Subject, _params: RecordParams) -> int:
    """Facts of the record, and the tested rows, each of which is looked up among the validation rows."""
    return FACTS + subject.data.rows


class Fault(NamedTuple):
    """One thing that is not as it should be, and how it is."""

    what: str
    how: str


@dataclass(frozen=True, slots=True)
class Item:
    """One part of the record."""

    name: str
    looked_at: int
    """Facts, or rows, that were compared."""
    faults: tuple[Fault, ...]


def items(base: Base, tested: Dataset, highest_norm: float) -> tuple[Item, ...]:
    """Every part of the record with its faults."""
    return (
        Item("declared hyperparameters", len(STEERED) + 2, tuple(_declared(base))),
        Item("course of the training", 6, tuple(_course(base))),
        Item("data", 4, tuple(_data(base))),
        Item("weights", 2, tuple(_weights(base))),
        Item("validation split", 1, tuple(_validation(base))),
        Item("early stopping", 1, tuple(_stopping(base))),
        Item("gradient clipping", 1, tuple(_clipping(base, highest_norm))),
        Item("validation rows in the tested data", tested.rows, tuple(_overlap(base, tested))),
    )


def _declared(base: Base) -> Iterator[Fault]:
    """What the policy says against what the record says; a length that the base cut is no deviation where nobody named it."""
    did = base.record.hyperparameters
    for name in STEERED + (("max_length",) if "max_length" in base.named else ()):
        if did.get(name) != base.declared[name]:
            yield Fault(name, f"declared {base.declared[name]}, recorded {did.get(name)}")
    if base.declared["precision"] not in {"auto", base.record.precision}:
        yield Fault("precision", f"declared {base.declared['precision']}, recorded {base.record.precision}")


def _course(base: Base) -> Iterator[Fault]:
    """The curves against the declared schedule: a record that was written for another training does not fit them."""
    record = base.record
    per_epoch = -(-base.train.rows // int(_number(base, "batch_size")))
    total = per_epoch * int(_number(base, "epochs"))
    warmup = round(_number(base, "warmup") * total)
    for point in record.train_loss:
        due = _number(base, "learning_rate") * multiplier(base.schedule, point.step - 1, warmup=warmup, total=total)
        if point.learning_rate is None or not math.isclose(point.learning_rate, due, rel_tol=_NEAR, abs_tol=0.0):
            yield Fault("learning rate", f"step {point.step:,}: due {due:.3g}, recorded {point.learning_rate}")
            break
    if record.steps > total or (record.steps < total and not record.stopped_early):
        yield Fault("steps", f"due {total:,}, recorded {record.steps:,}")
    validated = [point.step for point in record.validation_loss]
    if validated != list(range(per_epoch, record.steps + 1, per_epoch)):
        yield Fault("validations", f"due every {per_epoch:,} steps, recorded at {', '.join(map(str, validated)) or 'none'}")
    best = min(record.validation_loss, key=lambda point: point.loss, default=None)
    if best is None or record.kept_step != best.step:
        yield Fault("checkpoint", f"step {record.kept_step:,} was kept, the best is {'none' if best is None else f'{best.step:,}'}")
    stale = 0 if best is None else sum(point.step > best.step for point in record.validation_loss)
    if record.stopped_early and stale < _number(base, "patience"):
        yield Fault("stop", f"stopped after {stale} validations without gain, with a patience of {base.declared['patience']}")


def _number(base: Base, name: str) -> float:
    """A number of the policy's; the length at which texts are cut alone may be left to the model."""
    return float(base.declared[name] or 0)


def _data(base: Base) -> Iterator[Fault]:
    record, train, validation = base.record, base.train, base.validation
    classes = tuple(sorted(set(train.labels(train.columns.label or ""))))
    yield from _differing("training file", base.source.sha256, record.train_sha256)
    yield from _differing("training rows", train.rows, record.train_rows)
    yield from _differing("validation rows", validation.rows, record.validation_rows)
    yield from _differing("classes", classes, record.classes)


def _weights(base: Base) -> Iterator[Fault]:
    record = base.record
    yield from _differing("candidate's weights", base.tuned.weights_sha256, record.weights_sha256)
    yield from _differing("base model", base.folder.sha256, record.base_sha256)


def _differing(name: str, there: object, recorded: object) -> Iterator[Fault]:
    if there != recorded:
        yield Fault(name, f"there {_short(there)}, recorded {_short(recorded)}")


def _short(value: object) -> str:
    return value[:12] if isinstance(value, str) else str(value)


def _validation(base: Base) -> Iterator[Fault]:
    if not base.record.validation_rows or not base.record.validation_loss:
        yield Fault("validation", "no row was kept apart to choose the checkpoint on")


def _stopping(base: Base) -> Iterator[Fault]:
    """Patience that outlasts the training, where the validation loss did rise."""
    losses = [point.loss for point in base.record.validation_loss]
    if losses and _number(base, "patience") >= _number(base, "epochs") and losses[-1] > min(losses):
        told = f"a patience of {base.declared['patience']} in {base.declared['epochs']} epochs stops nothing, and the validation loss rose"
        yield Fault("early stopping", f"{told} from {min(losses):.3g} to {losses[-1]:.3g}")


def _clipping(base: Base, highest_norm: float) -> Iterator[Fault]:
    norm = base.record.hyperparameters.get("max_grad_norm")
    if not isinstance(norm, (int, float)) or norm > highest_norm:
        yield Fault("gradient clipping", f"gradients were clipped at {norm}, and more than {highest_norm:g} counts as not at all")


def _overlap(base: Base, tested: Dataset) -> Iterator[Fault]:
    """Tested rows whose text chose the checkpoint; the text itself is left out, as it may hold personal data."""
    known = {said: row for row, text in reversed(list(enumerate(base.validation.texts()))) if (said := normalise(text))}
    for row, text in enumerate(tested.texts()):
        if (twin := known.get(normalise(text))) is not None:
            place = f"row {base.validation.shown(twin)} of {base.validation.role}"
            yield Fault(f"row {tested.shown(row)}", f"also chose the checkpoint, as {place}")


CHECK = finetuning_check(
    measure=measure,
    question="Was it trained soundly and as declared?",
    remedy="Mend the named part of candidate.fine_tune or of the data, empty the cache and fine-tune again.",
    rmf=("MAP 2.3", "MEASURE 2.1", "MANAGE 3.2"),
    unit="faults",
    needs=frozenset({"text", "base"}),
    params=RecordParams,
    census=True,
    highest=float("inf"),
    expected_rows=_expected_rows,
)
