"""The policy file's schema: strict, typed, every key documented. Its meaning is checked in `consistency` and `compatibility`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, FiniteFloat, JsonValue, StringConstraints, WithJsonSchema

from audit.datasets import Columns, canonical
from audit.datasets.columns import ReadOptions
from audit.policy.monitoring import Monitor
from audit.policy.strict import DURATION, Role, Strict, Text
from audit.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.datasets import Dataset
    from audit.datasets.bands import Bands

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
WAIVER_ID = r"^[A-Z]+-[0-9]+$"
DIGEST = r"^[0-9a-f]{64}$"
Severity: TypeAlias = Literal["critical", "high", "medium", "low"]
Enforce: TypeAlias = Literal["required", "advisory"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
CHAMPION, BASE = "champion", "base"
"""What `against` calls the model that runs today, and the base model of a fine-tuning."""
_WORDS = {"type": "string", "minLength": 1}
_EDGES = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 50}
_QUANTILES = {
    "type": "object",
    "properties": {"bands": {"type": "integer", "minimum": 2, "maximum": 50}},
    "required": ["bands"],
    "additionalProperties": False,
}
_BANDS = {"type": "object", "additionalProperties": {"anyOf": [_EDGES, _QUANTILES]}, "minProperties": 1}
_ONE_BANDED = {**_BANDS, "maxProperties": 1}
_KEY = {"anyOf": [_WORDS, _ONE_BANDED]}
_CROSSING = {"type": "array", "items": _KEY, "minItems": 1}
_BY = {"anyOf": [_WORDS, _BANDS, {"type": "array", "items": {"anyOf": [_WORDS, _ONE_BANDED, _CROSSING]}}]}


class Person(Strict):
    """Who answers for something."""

    team: str | None = Field(None, description="the team")
    name: str | None = Field(None, description="the person")
    contact: str = Field(description="address at which they can be reached")


class System(Strict):
    """Declared facts: the report shows them beside the measured ones and says that they are declared."""

    purpose: str | None = Field(None, description="what the system is for, in one sentence")
    out_of_scope: tuple[str, ...] = Field((), description="uses that it was not assessed for")
    affected: tuple[str, ...] = Field((), description="people whom its output touches")
    owner: Person | None = Field(None, description="who answers for the system, and for every finding")
    author: str | None = Field(None, description="who built the candidate; may not be the independent signer")
    rollback_plan: str | None = Field(None, description="file or address of the way back")
    legal_basis: tuple[str, ...] = Field((), description="laws and rules that bind the system")
    risk_tolerance: str | None = Field(None, description="how much risk is accepted, and by whom")
    oversight: str | None = Field(None, description="who can stop or override it, and how")
    incident_contact: str | None = Field(None, description="address to which an incident is reported")
    third_party: tuple[str, ...] = Field((), description="bought-in or downloaded models, data and services")
    benefits: str | None = Field(None, description="what is gained by using it")
    costs: str | None = Field(None, description="what its errors cost, and whom")
    limits: str | None = Field(None, description="known limits of knowledge and of human oversight")
    monitoring_plan: str | None = Field(None, description="how it is watched in production")
    decommissioning_plan: str | None = Field(None, description="how it is switched off")
    feedback_channel: str | None = Field(None, description="where affected people can complain or appeal")


class SampleSpec(Strict):
    """How many rows are drawn, with the policy's seed; whole entities where `columns.group` names them."""

    rows: int | None = Field(None, ge=1, description="about so many rows; either this or `share`")
    share: FiniteFloat | None = Field(None, gt=0, lt=1, description="share of the rows, or of the entities")


class SampledSpec(Strict):
    """That the file itself is a sample of more rows."""

    share: FiniteFloat = Field(gt=0, lt=1, description="share of the population's rows that the file holds")
    how: Literal["random", "other"] = Field(
        description="random: every choice of as many rows was equally likely, so that counts get exact bounds; other: any other way"
    )


class DatasetSpec(ReadOptions):
    """Rows, and where they lie."""

    path: str = Field(description="CSV, Parquet or JSON lines: a file, a folder of such files or a glob; may hold ${ENV}")
    sql: Text | None = Field(
        None, description="one SELECT statement over the table `data`, the files of `path`, or over the tables of a DuckDB database there"
    )
    sample: SampleSpec | None = Field(None, description="audit a random sample of the rows: {rows: 10000} or {share: 0.1}")
    sampled: SampledSpec | None = Field(
        None, description="the file is a sample of more rows, such as {share: 0.1, how: random}: counts are then no longer of all rows"
    )
    source: str | None = Field(None, description="where it comes from")
    licence: str | None = Field(None, description="under which licence it may be used")
    columns: Columns | None = Field(None, description="roles laid over the policy's own; null takes a role away")


class Labels(Strict):
    """What the written labels mean."""

    map: dict[Text, str | int | float | bool] = Field(
        default_factory=dict,
        description="the class that is meant by a spelling, in data, predictions and models: {Approved: approved}; one that is mapped to"
        " itself is a class of its own beside another spelling",
    )

    def classes(self) -> dict[str, str]:
        """Both sides as class labels."""
        return {str(canonical(written)): str(canonical(meant)) for written, meant in self.map.items()}


class FineTune(Strict):
    """Train the candidate from a base model, here and now."""

    base: str = Field(description="folder of a pretrained model, or the alias minilm")
    on: Role = Field("train", description="role of the training set")
    validation: str | FiniteFloat = Field(
        0.15, description="role of the validation set, or the fraction of `on` (at most 0.5) kept apart for it; never the test set"
    )
    epochs: int = Field(3, ge=1, le=1000, description="passes over the training set, at most")
    batch_size: int = Field(16, ge=1, le=4096, description="rows in one step")
    learning_rate: FiniteFloat = Field(3e-5, gt=0, le=1, description="highest learning rate")
    weight_decay: FiniteFloat = Field(0.01, ge=0, le=1, description="decay of AdamW")
    max_grad_norm: FiniteFloat = Field(1.0, gt=0, description="norm at which gradients are clipped")
    warmup: FiniteFloat = Field(0.1, ge=0, lt=1, description="share of all steps over which the learning rate rises")
    schedule: Literal["linear", "cosine", "constant"] = Field("linear", description="how the learning rate falls")
    max_length: int | None = Field(None, ge=4, le=1_048_576, description="tokens at which texts are cut; by default the model's own limit")
    patience: int = Field(2, ge=1, description="validations without gain after which it stops")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="auto takes bfloat16 on a GPU that has it")


class Load(Strict):
    """Load the candidate."""

    kind: Text = Field(description="what the model is; `predictions` audits any model from columns of its data sets")
    path: str | None = Field(None, description="folder, file or address; saved predictions have none")
    sha256: str | None = Field(None, pattern=DIGEST, description="digest that the file must have; a pickle is never loaded without it")
    batch_size: int = Field(64, ge=1, le=65536, description="rows predicted at once")
    max_length: int | None = Field(None, ge=4, le=1_048_576, description="tokens at which texts are cut; by default the model's own limit")
    options: dict[str, JsonValue] = Field(default_factory=dict, description="every other key; typed by the kind itself")


class CandidateSpec(Strict):
    """The model under audit: fine-tuned or loaded."""

    task: Task = Field(description="what it does; decides which checks serve it")
    version: str | None = Field(None, description="the candidate's own version, such as 1.4.2; a waiver may be for a range of them")
    fine_tune: FineTune | None = Field(None, description="train it here; either this or `load`")
    load: Load | None = Field(None, description="load it; either this or `fine_tune`")


class ComparatorColumns(Strict):
    """Columns of the data sets that hold the saved answers of a model that the candidate is compared with."""

    prediction: str | None = Field(None, description="its predicted class")
    score: str | None = Field(None, description="its probability of the positive class")
    scores: dict[str, str] | tuple[str, ...] | None = Field(None, description="its probabilities, one column per class")

    def named(self) -> tuple[str, ...]:
        """Every column."""
        return tuple(column for _, column in self.placed())

    def placed(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every column behind the key path that names it."""
        if self.prediction is not None:
            yield ("prediction",), self.prediction
        if self.score is not None:
            yield ("score",), self.score
        several = self.scores.items() if isinstance(self.scores, dict) else enumerate(self.scores or ())
        for key, column in several:
            yield ("scores", key), column


class ComparatorSpec(Strict):
    """A model that the candidate is compared with."""

    load: Load | None = Field(None, description="how it is loaded; either this or `registry`")
    registry: Text | None = Field(None, description="where it was promoted to, folder:PATH or mlflow:URI: the champion there is opened")
    name: str | None = Field(None, pattern=NAME, description="of the model in the registry; the policy's where absent")
    columns: ComparatorColumns | None = Field(None, description="where its saved answers stand; for `load: {kind: predictions}` alone")


class RegistrySpec(Strict):
    """Where a promotion lands."""

    to: Text = Field(description="folder:PATH or mlflow:URI")
    name: str | None = Field(None, pattern=NAME, description="of the model there; the policy's where absent")


def comparator_place(name: str) -> tuple[str, ...]:
    """Key path of the declaration of a model that `against` names."""
    return (CHAMPION,) if name == CHAMPION else ("models", name)


LONGEST = 7 * 24 * 3600
"""Seconds that a policy may let one check take."""


class BandSpec(Strict):
    """Bands of a column of numbers: between given edges, or so many of nearly equally many rows."""

    column: Text
    edges: tuple[FiniteFloat, ...] | None = Field(None, min_length=1, max_length=50)
    bands: int | None = Field(None, ge=2, le=50)

    def on(self, data: Dataset) -> Bands:
        """With its edges on all rows of a data set. CannotMeasure where the column holds no numbers, or too few different ones."""
        from audit.datasets.bands import Bands, quantile_bands

        return (
            Bands(self.column, self.edges) if self.edges is not None else quantile_bands(data.whole or data, self.column, self.bands or 2)
        )

    def to_json(self) -> dict[str, JsonValue]:
        """As a policy writes it: `{age: [25, 45]}` or `{age: {bands: 4}}`."""
        return {self.column: {"bands": self.bands} if self.edges is None else [int(one) if one.is_integer() else one for one in self.edges]}

    def __str__(self) -> str:
        from audit.datasets.bands import Bands

        return f"{self.column} in {self.bands} bands" if self.edges is None else f"{Bands(self.column, self.edges)}"


class Requirement(Strict):
    """One line of the contract: measure this, with these settings, within these bounds."""

    check: str = Field(description="id of the check, as `audit checks` lists it")
    id: str = Field(pattern=IDENTIFIER, description="defaults to the check; a second use of the same check must set it")
    on: Role = Field("test", description="role of the data set that is measured")
    reference: Role | None = Field(None, description="role of the data set that it is compared with")
    reference_group: str | None = Field(None, description="pooled_rest, a group, or highest; every ordered pair of groups where absent")
    by: Annotated[tuple[tuple[Text | BandSpec, ...], ...], WithJsonSchema(_BY)] = Field(
        (),
        description="columns that split the rows: [a, b] is two families of slices, [[a, b]] their crossing, {age: [25, 45]} or"
        " {age: {bands: 4}} bands of numbers",
    )
    min: FiniteFloat | None = Field(None, description="inclusive, in the check's unit")
    max: FiniteFloat | None = Field(None, description="inclusive, in the check's unit")
    against: Role | None = Field(None, description="compare with `champion`, with `base` or with a name under `models`, within `margin`")
    margin: FiniteFloat | None = Field(None, ge=0, description="by how much it may be worse than what `against` names")
    severity: Severity = Field("high", description="what a miss does to the decision; critical cannot be waived")
    enforce: Enforce = Field("required", description="advisory is listed and never changes the decision")
    confidence: FiniteFloat | None = Field(None, ge=0.5, lt=1, description="of the deciding interval; the policy's where absent")
    min_n: int = Field(30, ge=1, description="rows below which nothing passes; a fail stands")
    judge_on: Literal["interval", "value"] = Field("interval", description="value judges the point and needs medium or low severity")
    limit: FiniteFloat | None = Field(
        None, gt=0, le=LONGEST, description="seconds after which the check is stopped and ends as an error; the check's own where absent"
    )
    params: dict[str, JsonValue] = Field(default_factory=dict, description="every other key; typed by the check itself")

    @property
    def families(self) -> tuple[tuple[str, ...], ...]:
        """The columns of each family of `by`."""
        return tuple(tuple(one if isinstance(one, str) else one.column for one in family) for family in self.by)

    @property
    def banded(self) -> dict[tuple[int, str], BandSpec]:
        """Bands in `by`, by the place of their family and their column."""
        return {(place, one.column): one for place, family in enumerate(self.by) for one in family if isinstance(one, BandSpec)}

    def bands(self, datasets: Mapping[str, Dataset]) -> dict[tuple[int, str], Bands]:
        """Bands in `by` with their edges. Quantiles are the reference's where there is one: edges must not move with what is compared."""
        return {place: spec.on(datasets[self.reference or self.on]) for place, spec in self.banded.items()}


class Trust(Strict):
    """What may be trusted beyond the defaults."""

    pickle: bool = Field(False, description="load pickle-bearing model files whose digest the policy names")
    keys: tuple[str, ...] = Field((), description="files of public keys whose signatures count")


class Looks(Strict):
    """Repeated use of a test set: how many candidates may be measured on it, and how they share the error of one."""

    max: int = Field(ge=1, le=1000, description="distinct candidates that may be held against one test set")
    spending: Literal["obrien-fleming", "pocock"] = Field(
        description="how the error is spread over the looks: obrien-fleming keeps nearly all of it for the last ones, pocock spends evenly"
    )


class Extends(Strict):
    """A base policy, and what may be changed of it."""

    path: str = Field(description="path of the base policy")
    may: Literal["tighten"] | None = Field(None, description="tighten: a policy that asks less than the base is refused")


class Policy(Strict):
    """What must hold of a candidate before it may be promoted."""

    policy: str = Field(pattern=NAME, description="name of the policy")
    version: int | str = Field(1, description="counts the policy's changes")
    extends: str | Extends | None = Field(
        None, description="path of a base policy that this one is laid over; {path: org.yaml, may: tighten} refuses to ask less than it"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="seed of every random draw")
    confidence: FiniteFloat = Field(0.95, ge=0.5, lt=1, description="of the deciding intervals: at 0.95 each end errs at nominally 2.5 %")
    tier: int = Field(2, ge=1, le=3, description="1 is the highest materiality; decides which declared facts are required")
    system: System = Field(System(), description="declared facts, shown beside the measured ones")
    datasets: dict[Role, DatasetSpec] = Field(default_factory=dict, description="files of rows by their role: train, test, production")
    columns: Columns = Field(Columns(), description="which column is what; a data set may lay its own over these")
    labels: Labels = Field(Labels(), description="what the written labels mean")
    candidate: CandidateSpec = Field(description="the model under audit")
    champion: ComparatorSpec | None = Field(None, description="the model that runs today")
    models: dict[Role, ComparatorSpec] = Field(
        default_factory=dict, description="further models to compare with, by the names that `against` gives: full, teacher, judge"
    )
    require: tuple[Requirement, ...] = Field(description="what must hold; at least one line")
    not_measured: dict[str, Text] = Field(default_factory=dict, description="characteristics left out, each with its reason")
    waivers: str | None = Field(None, description="folder of waiver files")
    trust: Trust = Field(Trust(), description="what may be trusted beyond the defaults; `pickle` is short for {pickle: true}")
    looks: Looks | None = Field(None, description="spend the error of a pass over the candidates that share a test set")
    monitor: Monitor | None = Field(None, description="how windows of production data are audited over time")
    registry: RegistrySpec | None = Field(None, description="where a promotion lands, unless `audit promote --to` says otherwise")
    valid_for: Annotated[int, Field(ge=1, le=9999)] | Annotated[str, StringConstraints(pattern=DURATION)] | None = Field(
        None, description="age after which the decision is stale: days, or text such as 90d or 12w"
    )

    @property
    def comparators(self) -> dict[str, ComparatorSpec]:
        """The declared models that a requirement can compare the candidate with, by the names that `against` gives."""
        return ({} if self.champion is None else {CHAMPION: self.champion}) | self.models

    @property
    def comparator_columns(self) -> tuple[str, ...]:
        """Columns of saved answers that are another model's than the candidate's."""
        specs = self.comparators.values()
        return tuple(column for spec in specs if spec.columns is not None for column in spec.columns.named())
