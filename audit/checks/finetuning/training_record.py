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

from typing import TYPE_CHECKING

from pydantic import Field, FiniteFloat

from audit.check import Check, Params
from audit.checks.finetuning._training_record import FACTS, items
from audit.evidence import Evidence, Example, Member, Part, Slice
from audit.stats import Census

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.finetune.origin import Base
    from audit.subject import Subject

_SHOWN = 20


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
        examples=tuple(Example(fault.what, (Part(fault.told),), name) for name, fault in faults[:_SHOWN]),
        notes=(_told(base),),
    )


def _told(base: Base) -> str:
    record = base.record
    norms = [point.gradient_norm for point in record.train_loss if point.gradient_norm is not None]
    most = record.hyperparameters.get("max_grad_norm")
    clipped = sum(isinstance(most, (int, float)) and norm > most for norm in norms)
    said = f"{record.steps:,} steps on {record.train_rows:,} rows; step {record.kept_step:,} was kept, "
    said += f"chosen on {record.validation_rows:,} rows ({record.validation}). "
    return said + f"Of {len(norms):,} logged steps the gradient was clipped in {clipped:,}."


def _looked_at(subject: Subject, _params: RecordParams) -> int:
    """Facts of the record, and the tested rows, each of which is looked up among the validation rows."""
    return FACTS + subject.data.rows


CHECK = Check(
    measure=measure,
    question="Was it trained as declared, and soundly?",
    remedy="Mend the named part of candidate.fine_tune or of the data, empty the cache and fine-tune again.",
    rmf=("MAP 2.3", "MEASURE 2.1", "MANAGE 3.2"),
    better="lower",
    unit="faults",
    needs=frozenset({"text", "base"}),
    params=RecordParams,
    tasks=("text-classification",),
    census=True,
    highest=float("inf"),
    expected_rows=_looked_at,
)
