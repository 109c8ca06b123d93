"""The policy file's shape: strict, typed, every key documented. Meaning that needs the catalogue or the data is checked in `plan`."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

from audit.check import Task
from audit.datasets import Columns

Severity: TypeAlias = Literal["critical", "high", "medium", "low"]
Enforce: TypeAlias = Literal["required", "advisory"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")


class Strict(BaseModel):
    """A mapping of the policy file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Person(Strict):
    """Who answers for something."""

    team: str | None = None
    name: str | None = None
    contact: str = Field(description="address at which they can be reached")


class System(Strict):
    """Declared facts: the report shows them beside the measured ones and says that they are declared."""

    purpose: str | None = Field(None, description="what the system is for, in one sentence")
    out_of_scope: tuple[str, ...] = Field((), description="uses that it was not assessed for")
    affected: tuple[str, ...] = Field((), description="people whom its output touches")
    owner: Person | None = None
    author: str | None = Field(None, description="who built the candidate; may not be the independent signer")
    rollback_plan: str | None = Field(None, description="file or address of the way back")
    legal_basis: tuple[str, ...] = Field((), description="laws and rules that bind the system")
    risk_tolerance: str | None = None
    oversight: str | None = Field(None, description="who can stop or override it, and how")
    incident_contact: str | None = None
    third_party: tuple[str, ...] = Field((), description="bought-in or downloaded models, data and services")
    benefits: str | None = None
    costs: str | None = None
    limits: str | None = Field(None, description="known limits of knowledge and of human oversight")
    monitoring_plan: str | None = None
    decommissioning_plan: str | None = None
    feedback_channel: str | None = Field(None, description="where affected people can complain or appeal")


class DatasetSpec(Strict):
    """A file of rows."""

    path: str = Field(description="CSV, Parquet or JSON lines")
    source: str | None = Field(None, description="where it comes from")
    licence: str | None = None
    columns: Columns | None = Field(None, description="roles laid over the policy's own")


class FineTune(Strict):
    """Train the candidate from a base model, here and now."""

    base: str = Field(description="folder of a pretrained model, or the alias minilm")
    on: str = Field("train", description="role of the training set")
    validation: str | float = Field(0.15, description="role of the validation set, or the fraction of `on` kept apart for it; never the test set")
    epochs: int = Field(3, ge=1, le=1000)
    batch_size: int = Field(16, ge=1, le=4096)
    learning_rate: FiniteFloat = Field(3e-5, gt=0, le=1)
    weight_decay: FiniteFloat = Field(0.01, ge=0, le=1)
    max_grad_norm: FiniteFloat = Field(1.0, gt=0)
    warmup: FiniteFloat = Field(0.1, ge=0, lt=1, description="share of all steps over which the learning rate rises")
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    max_length: int = Field(128, ge=4, le=4096, description="tokens; longer texts are cut")
    patience: int = Field(2, ge=1, description="validations without gain after which it stops")
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


class Load(Strict):
    """Load the candidate."""

    kind: Literal["transformers", "sklearn", "torch", "onnx", "mlflow", "http", "predictions"]
    path: str | None = Field(None, description="folder, file or address; saved predictions need none")
    sha256: str | None = Field(None, description="digest that the file must have; a pickle is never loaded without it")
    batch_size: int = Field(64, ge=1, le=65536)
    max_length: int = Field(128, ge=4, le=4096)


class CandidateSpec(Strict):
    """The model under audit: fine-tuned or loaded."""

    task: Task
    fine_tune: FineTune | None = None
    load: Load | None = None


class ChampionSpec(Strict):
    """What runs today."""

    load: Load


class Requirement(Strict):
    """One line of the contract: measure this, with these settings, within these bounds."""

    check: str
    id: str = Field(description="defaults to the check; a second use of the same check must set it")
    on: str = "test"
    reference: str | None = None
    reference_group: str | None = Field(None, description="pooled_rest, a group, or highest; every ordered pair of groups where absent")
    by: tuple[tuple[str, ...], ...] = ()
    min: FiniteFloat | None = Field(None, description="inclusive, in the check's unit")
    max: FiniteFloat | None = Field(None, description="inclusive, in the check's unit")
    against: Literal["champion", "base"] | None = None
    margin: FiniteFloat | None = None
    severity: Severity = "high"
    enforce: Enforce = "required"
    confidence: FiniteFloat | None = Field(None, ge=0.5, lt=1)
    min_n: int = Field(30, ge=1, description="rows below which nothing passes; a fail stands")
    judge_on: Literal["interval", "value"] = "interval"
    params: dict[str, JsonValue] = Field(default_factory=dict, description="every other key; typed by the check itself")


class Trust(Strict):
    """What may be trusted beyond the defaults."""

    pickle: bool = Field(False, description="load pickle-bearing model files whose digest the policy names")
    keys: tuple[str, ...] = ()


class Policy(Strict):
    """What must hold of a candidate before it may be promoted."""

    policy: str = Field(description="name of the policy", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: int | str = 1
    extends: str | None = None
    seed: int = Field(0, ge=0, lt=2**63)
    confidence: FiniteFloat = Field(0.95, ge=0.5, lt=1)
    tier: Literal[1, 2, 3] = 2
    system: System = System()
    datasets: dict[str, DatasetSpec] = Field(default_factory=dict)
    columns: Columns = Columns()
    candidate: CandidateSpec
    champion: ChampionSpec | None = None
    require: tuple[Requirement, ...]
    not_measured: dict[str, str] = Field(default_factory=dict)
    waivers: str | None = None
    trust: Trust | Literal["pickle"] = Trust()
    looks: dict[str, JsonValue] | None = None
    monitor: dict[str, JsonValue] | None = None
    registry: dict[str, JsonValue] | None = None
    valid_for: str | int | None = Field(None, description="age after which the decision is stale, such as 90d")
