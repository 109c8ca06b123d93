"""Policy, catalogue and data put together into jobs; what a measurement comes to; and a job as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from audit import catalog
from audit.pipeline import thin_data
from audit.pipeline.opening import NO_BASELINES
from audit.pipeline.training_rows import training_roles
from audit.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from audit.candidates.predictions import Predictions
    from audit.check import Check, CheckInfo, Params
    from audit.datasets import Dataset
    from audit.errors import AuditError
    from audit.evidence import Evidence, Unmeasured
    from audit.ledger.alpha_spending import Spent
    from audit.pipeline.opening import Baselines
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy, Requirement

SMOKE_ROWS = 64
"""Rows of each data set that a smoke run looks at."""


@dataclass(frozen=True)
class Job:
    """One requirement, ready to be measured."""

    requirement: Requirement
    check: Check
    info: CheckInfo
    params: Params
    subject: Subject
    seed: int
    confidence: float
    owner: str
    skip: str | None = None
    """Why it is not run, where it is not."""
    lost: tuple[Unmeasured, ...] = ()
    """Groups that the last promotion was measured on and the data lack, and bands of the policy without a row."""
    spent: Spent | None = None
    """What it may use towards a pass, where the error is spent over looks."""
    store: Path | None = None
    """Folder in which evidence is kept between runs; None where it is measured anew every time."""

    @property
    def limit(self) -> float:
        """Seconds after which it counts as hung: the policy's, else the check's own."""
        return self.requirement.limit or self.check.limit


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job gave no evidence."""

    status: Literal["error", "not_run"]
    message: str
    error: AuditError | None = None
    """What was raised, where it is an error that the tool expects."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one job came to: evidence, or why there is none."""

    result: Evidence | Failure
    seconds: float = 0.0
    reused: bool = False
    """Whether the evidence was kept by an earlier run."""
    retries: int = 0
    """How often it was begun again because its worker was lost."""


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What one requirement is measured on. Digests hold whoever measures it to the very same policy, data and model."""

    folder: str
    """The current directory of the audit, from which paths are read."""
    policy: str
    policy_sha256: str
    requirement: str
    candidate_sha256: str
    datasets: tuple[tuple[str, str], ...]
    """Role and digest of each, as the checks see them: in a smoke run the first rows."""
    comparators: tuple[tuple[str, str], ...]
    """What `against` calls each model, and its digest."""
    seed: int
    cache: str
    """Folder with what is computed once: predictions, trained models."""
    variables: tuple[tuple[str, str], ...] = ()
    """Variables of the environment that paths of the policy name, and their values."""
    maker: str = "audit.pipeline.job_spec:of_policy"
    """The function, as `module:name`, that makes the jobs of a spec."""
    about: tuple[tuple[str, str], ...] = ()
    """What else that function needs."""
    smoke: bool = False
    allow_outside: bool = False

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> JobSpec:
        """What `to_json` wrote."""
        pairs = {key: tuple((name, sha256) for name, sha256 in found[key]) for key in ("datasets", "comparators", "variables", "about")}
        return cls(**{**found, **pairs})


@dataclass(frozen=True, slots=True)
class History:
    """What earlier runs in the ledger mean for this one, by requirement."""

    spent: Mapping[str, Spent] = field(default_factory=dict)
    lost: Mapping[str, tuple[Unmeasured, ...]] = field(default_factory=dict)
    store: Path | None = None
    """Folder in which evidence is kept between runs; None where it is measured anew every time."""


def jobs(
    loaded: LoadedPolicy,
    datasets: Mapping[str, Dataset],
    predicted: Predictions,
    *,
    baselines: Baselines = NO_BASELINES,
    history: History = History(),
    select: Sequence[str] = (),
) -> tuple[Job, ...]:
    """One job a requirement, in the policy's order."""
    return tuple(_job(loaded, requirement, datasets, predicted, baselines, history, select) for requirement in loaded.policy.require)


def skipped(requirement: Requirement, datasets: Mapping[str, Dataset], select: Sequence[str]) -> str | None:
    """Why a requirement is not measured, where it is not."""
    if select and requirement.id not in select and requirement.check not in select:
        return "left out by --select: run the audit without it"
    seen = [datasets[role] for role in (requirement.on, requirement.reference) if role is not None]
    check = catalog.discover()[requirement.check]
    return weighted(seen, check) or sampled(seen, check)


def _job(
    loaded: LoadedPolicy,
    requirement: Requirement,
    datasets: Mapping[str, Dataset],
    predicted: Predictions,
    baselines: Baselines,
    history: History,
    select: Sequence[str],
) -> Job:
    policy, check, against = loaded.policy, catalog.discover()[requirement.check], requirement.against
    subject = Subject(
        data=datasets[requirement.on],
        predicted=predicted,
        reference=datasets[requirement.reference] if requirement.reference else None,
        datasets=datasets,
        by=requirement.families,
        bands=requirement.bands(datasets),
        reference_group=requirement.reference_group,
        learned_from=tuple(training_roles(policy)),
        declared=declared(policy),
        seed=policy.seed,
        project=str(loaded.project),
        comparator=None if against is None else baselines.comparators.get(against),
        against=against or "champion",
        base=baselines.base,
    )
    return Job(
        requirement=requirement,
        check=check,
        info=catalog.info(requirement.check),
        params=check.params.model_validate(requirement.params),
        subject=subject,
        seed=policy.seed,
        confidence=policy.confidence,
        owner=owner(policy),
        skip=skipped(requirement, datasets, select),
        lost=(*history.lost.get(requirement.id, ()), *thin_data.empty_bands(requirement, subject)),
        spent=history.spent.get(requirement.id),
        store=history.store,
    )


def weighted(read: Sequence[Dataset], check: Check) -> str | None:
    """Why a check cannot run on the data sets that it reads, where their rows are weighted."""
    seen = [data for data in read if data.columns.weight is not None]
    if not seen or check.weighted or check.census:
        return None
    roles = " and ".join(data.role for data in seen)
    return f"columns.weight is set for {roles}, and this check's interval does not honour weights: leave the weight out or the check"


def sampled(read: Sequence[Dataset], check: Check) -> str | None:
    """Why a check that counts all rows cannot run on the data sets that it reads, where these are samples."""
    seen = [data.role for data in read if data.sample is not None]
    if not seen or not check.census or check.counts_samples or check.measures == "declarations":
        return None
    return f"{' and '.join(seen)} is a sample, and this check counts all rows: leave `sample` and `sampled` out, or the check"


def owner(policy: Policy) -> str:
    """Who answers for a finding: the system's owner, as declared."""
    person = policy.system.owner
    return "owner not declared" if person is None else person.name or person.team or person.contact


def declared(policy: Policy) -> dict[str, object]:
    """The policy's declared facts by dotted name; what is not declared is absent."""
    facts: dict[str, object] = {"policy.name": policy.policy, "policy.version": policy.version}
    facts |= {"policy.tier": policy.tier} if "tier" in policy.model_fields_set else {}
    system = policy.system.model_dump(exclude_none=True)
    facts |= {f"system.owner.{name}": value for name, value in system.pop("owner", {}).items()}
    facts |= {f"system.{name}": value for name, value in system.items() if value not in ("", (), [])}
    for role, data in policy.datasets.items():
        facts |= {f"datasets.{role}.{name}": value for name in ("source", "licence") if (value := getattr(data, name))}
    return facts


def smoke_policy(policy: Policy) -> Policy:
    """The policy with one epoch of training."""
    if policy.candidate.fine_tune is None:
        return policy
    short = policy.candidate.fine_tune.model_copy(update={"epochs": 1})
    return policy.model_copy(update={"candidate": policy.candidate.model_copy(update={"fine_tune": short})})
