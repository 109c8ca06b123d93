"""The shape of a check. A check measures and never judges; its file is its entry in the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from audit.candidates.capabilities import Embeddings, Labels, Queries, Ranking, Scores, Training, Values
from audit.evidence import Pair

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.candidates.capabilities import Capability
    from audit.datasets import Columns
    from audit.evidence import Evidence, Slice
    from audit.subject import Subject
    from audit.tasks import Task

Need: TypeAlias = Literal[
    "labels",  # y_true: columns.label
    "positive",  # columns.positive, or labels that are 0/1 or booleans
    "targets",  # true numbers: columns.label
    "predictions",  # the candidate's predicted labels; its predicted numbers where the check serves regression too
    "values",  # the candidate's predicted numbers
    "scores",  # the candidate's probabilities
    "ranking",  # scores by which the candidate orders rows: probabilities, or raw decision scores
    "text",  # columns.text
    "features",  # numeric or categorical feature columns
    "base",  # a candidate that was fine-tuned here, from a base model
    "model",  # a candidate that can score new rows, which saved predictions cannot
    "embeddings",  # a candidate that can embed texts
    "reference",  # `reference` names a second data set
]


CAPABILITIES: Mapping[Need, tuple[type[Capability], ...]] = {
    "predictions": (Labels, Values),
    "values": (Values,),
    "scores": (Scores,),
    "ranking": (Scores, Ranking),
    "base": (Training,),
    "model": (Queries,),
    "embeddings": (Embeddings,),
}
"""What the candidate must offer for a need: one of these."""
OUTPUTS: frozenset[Need] = frozenset({"predictions", "values", "scores", "ranking"})
"""Needs that the candidate's answers to the rows of a data set serve."""

Measures: TypeAlias = Literal[
    "skill",  # how well the candidate answers: a model that knows nothing must do badly
    "model",  # anything else about the candidate
    "data",  # the rows themselves, whatever the candidate
    "drift",  # how far two data sets, or the candidate's answers to them, lie apart
    "declarations",  # what the policy says of the system, never whether it is true
]
Characteristic: TypeAlias = Literal[
    "valid_reliable",
    "safe",
    "secure_resilient",
    "accountable_transparent",
    "explainable_interpretable",
    "privacy_enhanced",
    "fair_bias_managed",
]
"""Characteristics of trustworthy AI, as NIST AI RMF 1.0 names them."""


class Params(BaseModel):
    """A check's own parameters: strict, so that a misspelt one is refused at its line of the policy."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class NoParams(Params):
    """A check without parameters of its own."""


def all_rows(subject: Subject, _params: Any) -> int:
    """Rows that a check must examine unless it says otherwise: all of them."""
    return subject.data.rows


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the catalogue. Its id is its path: `fairness/equal_opportunity_difference`."""

    measure: Callable[[Subject, Any, Generator], Evidence]
    question: str
    """The question in plain words, as the report asks it."""
    remedy: str
    """One line: what to do when the bound is not met."""
    measures: Measures
    """What its value is a claim about; decides which rules of the audit apply to it."""
    characteristics: tuple[Characteristic, ...]
    """Characteristics of trustworthy AI that it covers."""
    rmf: tuple[str, ...]
    """Ids of NIST AI RMF 1.0 that its evidence supports."""
    better: Literal["higher", "lower"]
    unit: str
    needs: frozenset[Need] = frozenset()
    also_needs: Callable[[Columns, Any], frozenset[Need]] | None = None
    """What it needs besides, given the columns of its data set and its parameters, such as an encoder for texts."""
    params: type[Params] = NoParams
    by: Literal["slices", "groups", "features", "none"] = "none"
    """What `by` (or the check itself) splits into members: slices of rows, ordered pairs of groups, feature columns, or nothing."""
    groups_in: str | None = None
    """Parameter that may name the groups in place of `by`: a policy must name them in one of the two. None where `by` alone decides."""
    tasks: tuple[Task, ...] | None = None
    """Tasks it serves; None for all."""
    census: bool = False
    """A claim about the very data at hand: no sampling error."""
    counts_samples: bool = False
    """Of a census of rows: whether it says what a count in a sample proves of all rows. One that does not is not run on a sample."""
    lowest: float = 0.0
    highest: float = 1.0
    """The range of the value: a bound outside proves nothing and is refused."""
    range_on: Callable[[Subject, Any], tuple[float, float]] | None = None
    """Ends of the value on this subject under these parameters, where it is narrower than its range: a bound outside is refused there."""
    extra: str | None = None
    """The optional extra that its backend comes with."""
    expected_rows: Callable[[Subject, Any], int] = all_rows
    """Rows that must have been examined, given the subject and the parameters; fewer is an error."""
    limit: float = 900.0
    """Seconds after which it counts as hung."""
    weighted: bool = False
    """Whether it honours `columns.weight`; a check that does not refuses weighted rows."""
    compare: Callable[[Subject, Any, Generator], Evidence] | None = None
    """Measures candidate minus comparator on the same rows (`against`); None where the check compares no two models."""

    of_one_class: bool = False
    """Whether rows of one true class are enough for it, as for a rate among the rows of that class."""
    member_rows: Callable[[Subject, Any], Sequence[tuple[Slice, NDArray[np.bool_]]]] | None = None
    """(n,) rows that each member will rest on, of a check that asks the model about changed rows of its own choice, for `audit plan`."""
    reads_files: Callable[[Any], bool] = lambda _params: False
    """Whether it reads files of the project under these parameters: no key holds their content, so its evidence is never kept."""
    trainings: Callable[[Any], int] | None = None
    """Fine-tunings beyond the candidate's own that it asks for, given the parameters; None where it asks for none."""

    def __post_init__(self) -> None:
        if self.measures != "drift" and self.asks_the_model != (self.measures in {"skill", "model"}):
            msg = f"measures is {self.measures!r}, but its needs {'name' if self.asks_the_model else 'do not name'} the candidate's answers"
            raise ValueError(msg)

    def needs_of(self, columns: Columns, params: Any) -> frozenset[Need]:
        """All that it needs on a data set with these columns, under these parameters."""
        return self.needs if self.also_needs is None else self.needs | self.also_needs(columns, params)

    @property
    def asks_the_model(self) -> bool:
        """Whether its outcome depends on the candidate, and not on the data alone."""
        return not self.needs.isdisjoint({*OUTPUTS, "model", "base"})


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """What a reader needs to know of the check."""

    id: str
    question: str
    remedy: str
    rmf: tuple[str, ...]
    better: Literal["higher", "lower"]
    unit: str
    purpose: str
    risk: str
    limitations: str
    reference: str
    groups: bool = False
    """Whether it holds groups against each other, whatever is left of them."""
    asks_the_model: bool = False
    """Whether its outcome depends on the model's own answers, and not on data or declarations alone."""
    measures: Measures = "model"
    """What its value is a claim about."""
    characteristics: tuple[Characteristic, ...] = ()
    """Characteristics of trustworthy AI that it covers."""
    distribution: str = ""
    """Name and version of the distribution that brings it; empty for the tool's own."""

    @classmethod
    def of(cls, check_id: str, check: Check, text: Mapping[str, str], distribution: str = "") -> CheckInfo:
        """From a check and the headings of its docstring."""
        return cls(
            id=check_id,
            question=check.question,
            remedy=check.remedy,
            rmf=check.rmf,
            better=check.better,
            unit=check.unit,
            purpose=text.get("Purpose", ""),
            risk=text.get("Risk", ""),
            limitations=text.get("Limitations", ""),
            reference=text.get("Reference", ""),
            groups=check.by == "groups",
            asks_the_model=check.asks_the_model,
            measures=check.measures,
            characteristics=check.characteristics,
            distribution=distribution,
        )

    def of_gap(self, evidence: Evidence) -> bool:
        """Whether what is judged are ordered pairs, behind which the groups' own rates are shown."""
        names = [*(one.name for one in evidence.members), *(one.name for one in evidence.unmeasured)]
        return self.groups or any(isinstance(name, Pair) for name in names)
