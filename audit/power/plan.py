"""A whole plan: every gate, the chance of a promotion, the cost, and what cannot be decided."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit.candidates.capabilities import Labels, Ranking, Scores
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions, SavedValues
from audit.check import OUTPUTS
from audit.errors import CannotMeasure, InputError
from audit.formatting import bound_in_words, rows_in_words
from audit.ledger import Ledger, ledger_path
from audit.pipeline import decide, preconditions, test_set_use
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets
from audit.policy import placing
from audit.power import expected
from audit.power import gate as gates
from audit.power.simulated_model import Numbers, Population
from audit.power.trials import Trials, chance_of_all
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.candidates.capabilities import Capability
    from audit.datasets import Dataset
    from audit.decision.finding import Reason
    from audit.errors import Mistake
    from audit.ledger import Entry
    from audit.ledger.alpha_spending import Spent
    from audit.pipeline.jobs import Job
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy
    from audit.power.expected import Expectation
    from audit.power.gate import Gate
    from audit.progress import Progress


_PER_WORD = 5
"""Texts that an attack on words has scored a word at the most: one without the word, four misspelt."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Work for the model, and the time that it took before."""

    rows: Mapping[str, int]
    """Rows to be scored by data set, each once for all checks."""
    embedded: int
    """Texts to be embedded."""
    changed: Mapping[str, int]
    """Changed rows to be scored by requirement, at the most."""
    trained: int
    """Rows to be trained on, once for each training; 0 where the model is loaded."""
    seconds: float | None = None
    """The newest run's."""
    run: str | None = None

    @property
    def calls(self) -> int:
        """Answers asked of the model, at the most."""
        return sum(self.rows.values()) + self.embedded + sum(self.changed.values())


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the command line said."""

    policy: Path
    expect: Sequence[str] = ()
    pilot: Path | None = None
    quick: bool = False
    out: Path = Path("reports")
    allow_outside: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What will come of a policy on the data there are."""

    policy: Policy
    gates: tuple[Gate, ...]
    """Worst first."""
    blocking: tuple[Reason, ...]
    """What blocks whatever is measured."""
    cost: Cost
    mistakes: tuple[Mistake, ...]
    """Required gates that no true value passes, each at its line of the policy."""
    looks: tuple[tuple[str, Spent], ...] = ()
    """Data sets that are spent over looks, and what the next candidate may use."""
    skipped: tuple[str, ...] = ()
    """Requirements that a quick plan left out."""
    pilot_rows: tuple[str, ...] = ()
    """Data sets on whose very rows the pilot was measured."""
    p_promote: float = 0.0
    """Chance that every required requirement passes, of those whose chance is known."""

    @property
    def required(self) -> tuple[Gate, ...]:
        """Gates that a promotion waits for."""
        return tuple(gate for gate in self.gates if gate.requirement.enforce == "required")

    @property
    def unknown(self) -> tuple[str, ...]:
        """Required requirements without a chance: nothing is expected of them, or they were left out."""
        left = {gate.requirement.id for gate in self.required if gate.p_pass is None}
        return tuple(dict.fromkeys((*sorted(left), *self.skipped)))

    @property
    def chances(self) -> dict[str, float]:
        """Of a pass, by the id of the required requirement; those of which nothing is expected are left out."""
        return _chances(self.required)


def _chances(gates: Sequence[Gate]) -> dict[str, float]:
    each: dict[str, float] = {}
    for gate in gates:
        if gate.p_pass is not None:  # of two bounds at most one is missed
            each[gate.requirement.id] = max(0.0, each.get(gate.requirement.id, 1.0) + gate.p_pass - 1)
    return each


def plan_policy(options: PlanOptions, progress: Progress) -> Plan:
    """Every gate of a policy file, before its model is there."""
    loaded = load_policy(options.policy, allow_outside=options.allow_outside)
    stated = expected.stated(loaded.policy, options.expect)
    pilot = None if options.pilot is None else expected.pilot(options.pilot)
    datasets = read_datasets(loaded)
    preconditions.check_columns(loaded, datasets)
    trials = _trials(loaded, datasets)
    model = trials.simulated()
    preconditions.check_capabilities(loaded, datasets, model)
    entries = Ledger(ledger_path(options.out)).verified()
    jobs = _with_next_look(loaded, pipeline_jobs.jobs(loaded, datasets, Predictions(model)), datasets, entries)
    skipped = tuple(job.requirement.id for job in jobs if options.quick and _slow(job))
    expectations = {job.requirement.id: expected.expectation_of(job, stated, pilot) for job in jobs}
    trials = replace(trials, usual=_stated_strength(jobs, trials, expectations))
    found = _gates(jobs, trials, expectations, (skipped, progress))
    required = [gate for gate in found if gate.requirement.enforce == "required"]
    blocking = decide.reasons_before_measuring(loaded.policy, datasets)
    return Plan(
        policy=loaded.policy,
        gates=tuple(sorted(found, key=_rank)),
        blocking=blocking,
        cost=_cost(loaded, jobs, trials, _previous_run(loaded.policy.policy, entries, options.out)),
        mistakes=tuple(
            _mistake(loaded, gate) for gate in found if gate.infeasible_because is not None and gate.requirement.enforce == "required"
        ),
        looks=tuple({job.requirement.on: (job.requirement.on, job.spent) for job in jobs if job.spent is not None}.values()),
        skipped=skipped,
        pilot_rows=() if pilot is None else tuple(role for role, data in datasets.items() if pilot.datasets.get(role) == data.sha256),
        p_promote=0.0 if blocking else chance_of_all(_chances(required), jobs, trials, loaded.policy.seed),
    )


def _with_next_look(
    loaded: LoadedPolicy, jobs: tuple[Job, ...], datasets: Mapping[str, Dataset], entries: Sequence[Entry]
) -> tuple[Job, ...]:
    """The jobs as the next new candidate will be judged; as they are where the policy spends nothing."""
    if loaded.policy.looks is None:
        return jobs
    sets = test_set_use.test_sets(loaded.policy, datasets, (job.requirement for job in jobs if job.skip is None))
    spent = test_set_use.next_look(loaded, sets, entries)
    return tuple(replace(job, spent=spent.get(job.requirement.id)) for job in jobs)


def _stated_strength(jobs: Sequence[Job], trials: Trials, expectations: Mapping[str, Expectation | None]) -> float:
    """Strength of the models behind gates that do not fix it, such as gaps: that of the values expected of the others, on average."""
    known = [(job, expectation) for job in jobs if (expectation := expectations[job.requirement.id]) is not None]
    fitted = [trials.strength(job, one.value) for job, one in known if one.basis != "no change"]
    found = [strength for strength in fitted if strength is not None]
    return sum(found) / len(found) if found else trials.usual


def _slow(job: Job) -> bool:
    """Counts that an optional part makes, which may take minutes."""
    return job.check.census and job.check.extra is not None


def _gates(
    jobs: Sequence[Job], trials: Trials, expectations: Mapping[str, Expectation | None], how: tuple[Sequence[str], Progress]
) -> list[Gate]:
    skipped, progress = how
    task = progress.start("planning", len(jobs))
    found: list[Gate] = []
    try:
        for index, job in enumerate(jobs):
            if job.requirement.id not in skipped:
                with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no result
                    found += gates.gates(index, job, trials, expectations[job.requirement.id])
            task.advance()
    finally:
        task.finish()
    return found


def _trials(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Trials:
    """Stand-ins that can do what the policy's kind of candidate can do, of the classes that the labels name."""
    spec = loaded.policy.candidate
    if spec.task in REGRESSION:
        return _number_trials(loaded, datasets)
    kind = "fine-tuned" if spec.load is None else spec.load.kind
    offers: tuple[Capability, ...] = (Labels(), Scores())
    try:
        labels = {name for data in datasets.values() if data.columns.label is not None for name in data.labels(data.columns.label)}
        classes = tuple(sorted(labels))
        if kind == "predictions":
            saved = SavedPredictions(datasets)
            classes, offers = saved.classes, tuple(one for able in (Labels, Scores, Ranking) if (one := saved.get(able)) is not None)
    except InputError as error:
        raise placing.of_candidate(loaded, error) from error
    if len(set(classes) | labels) < 2:  # noqa: PLR2004  # a model tells two apart at least
        msg = f"the data name {', '.join(sorted(labels)) or 'no class'}: a plan needs labels of two classes at least, under columns.label"
        raise InputError(msg)
    every, seed = sorted(set(classes) | labels), loaded.policy.seed
    return Trials(lambda draw: Population(every, datasets, seed, draw), offers, kind)


def _number_trials(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Trials:
    """Stand-ins that give numbers, of the mean and the spread of the true ones."""
    load, seed = loaded.policy.candidate.load, loaded.policy.seed
    kind = "none" if load is None else load.kind
    try:
        if kind == "predictions":
            SavedValues(datasets)  # numbers that are none are refused here as in the audit
        Numbers(datasets, seed)
    except InputError as error:
        raise placing.of_candidate(loaded, error) from error
    except CannotMeasure as error:
        msg = str(error)
        raise InputError(msg) from error
    return Trials(lambda draw: Numbers(datasets, seed, draw), (), kind)


def _rank(gate: Gate) -> tuple[bool, bool, float, int]:
    """Required ones first, and of these the least sure; what nothing is expected of stands between failures and passes."""
    chance = gate.p_pass
    return gate.requirement.enforce != "required", gate.infeasible_because is None, 0.5 if chance is None else chance, gate.index


def _cost(loaded: LoadedPolicy, jobs: Sequence[Job], trials: Trials, took: tuple[float, str] | None) -> Cost:
    tuned = loaded.policy.candidate.fine_tune
    rows = 0 if tuned is None else jobs[0].subject.datasets[tuned.on].rows
    found = cost_of(jobs, trials.embedded, rows)
    return found if took is None else replace(found, seconds=took[0], run=took[1])


def cost_of(jobs: Sequence[Job], embedded: int, trained: int) -> Cost:
    """What it costs to measure some jobs; `trained` is the rows of one training."""
    rows: dict[str, int] = {}
    for job in jobs:
        if job.skip is None and job.check.needs & OUTPUTS:
            reference = job.subject.reference if "reference" in job.check.needs else None
            rows |= {data.role: data.rows for data in (job.subject.data, reference) if data is not None}
    changed = {job.requirement.id: _changed(job) for job in jobs if job.skip is None and "model" in job.check.needs}
    again = [job.check.trainings(job.params) for job in jobs if job.skip is None and job.check.trainings is not None]
    return Cost(rows, embedded, changed, trained * (1 + max(again, default=0)))


def _changed(job: Job) -> int:
    """Changed rows: one a row; of an attack as many as it may ask, by its parameters or by the words of the texts."""
    rows = job.check.expected_rows(job.subject, job.params)
    if "text" not in job.check.needs:
        return rows
    most: int | None = getattr(job.params, "max_queries", None)
    if most is not None:
        return rows * most
    texts = job.subject.data.texts()
    return round(rows * (1 + _PER_WORD * sum(len(text.split()) for text in texts) / max(1, len(texts))))


def _previous_run(policy: str, entries: Sequence[Entry], bundles: Path) -> tuple[float, str] | None:
    """Seconds and name of the newest run of a policy that the ledger knows and whose bundle still lies there."""
    for entry in reversed(entries):
        told = json.loads(entry.payload)
        if entry.kind == "run" and told.get("policy") == policy:
            place = bundles / str(told.get("run")) / "results.json"
            if place.is_file():
                return float(json.loads(place.read_text(encoding="utf-8"))["run"]["seconds"]), str(told["run"])
    return None


def _mistake(loaded: LoadedPolicy, gate: Gate) -> Mistake:
    """A gate that no true value passes, at the line of its bound."""
    bound = gate.bound.limit
    asked = bound_in_words(bound if gate.bound.floor else None, None if gate.bound.floor else bound)
    key = "margin" if gate.requirement.against is not None else "min" if gate.bound.floor else "max"
    if not gate.rows:  # the check will not look at any: its reason says what to do
        return loaded.marks.mistake(
            ("require", gate.index, key), f"{gate.requirement.id}: {asked} cannot be passed: {gate.infeasible_because}"
        )
    if gate.needed is None:
        remedy = "mend the data or the requirement"
    else:
        remedy = f"{rows_in_words(gate.needed)} of this kind would do, or ask for less"
    msg = f"{gate.requirement.id}: {asked} cannot be passed with the data there is, whatever the model: {gate.infeasible_because}; {remedy}"
    return loaded.marks.mistake(("require", gate.index, key), msg)
