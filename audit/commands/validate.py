"""What `audit validate` says of a policy beyond its shape: what blocks, and requirements that prove nothing or that nothing can meet."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from audit import catalog, disk_cache, phrases
from audit.candidates import confinement
from audit.candidates.capabilities import Labels, Scores
from audit.candidates.predictions import Predictions
from audit.datasets.parts import is_there
from audit.decision.judge import judge
from audit.errors import CannotMeasure, InputError, MissingExtra
from audit.evidence import Slice
from audit.finetune.base import ALIASES
from audit.formatting import rows_in_words
from audit.governance import policy_approvals, policy_change
from audit.governance.waiver_files import read_folder
from audit.ledger import Ledger, times
from audit.pipeline import decide, judging, opening, preconditions, record
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.prepare import read_files
from audit.policy import placing
from audit.power.simulated_model import STRONGEST, Numbers, Population, SimulatedModel
from audit.progress import Silent
from audit.report.text import asked_in_words
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from audit.datasets import Dataset
    from audit.decision.finding import Finding
    from audit.errors import Mistake
    from audit.ledger import Place
    from audit.pipeline.jobs import Job
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy


def warnings(loaded: LoadedPolicy) -> Iterator[str]:
    """One line a remark, after the rules that need the data, where the data are there; what breaks a rule is raised."""
    datasets = loaded.policy.datasets
    here = {role for role, spec in datasets.items() if is_there(loaded.location(spec).path)}
    absent = [spec.path for role, spec in datasets.items() if role not in here]
    if absent:
        yield f"not here, so their columns are not checked: {', '.join(absent)}"
    read, _, _ = read_files(loaded, only=here)
    yield from (remark.text for remark in decide.policy_remarks(loaded))
    blocking = decide.reasons_before_measuring(loaded.policy, read)
    yield from (f"{one.rule} (blocks): {phrases.reason(one, ())}" for one in blocking)
    if not absent:
        yield from map(str, policy_warnings(loaded, read))
        yield from _of_models(loaded, read)


def _of_models(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """The models are opened as a run opens them, short of a training and of any answer; what a run would refuse is raised."""
    paths = list(_model_paths(loaded.policy))
    if absent := [path for path in paths if not os.path.exists(loaded.resolve(path))]:  # noqa: PTH110  # Path.exists raises where it may not look
        yield f"not here, so no model is opened: {', '.join(absent)}"
        return
    opener = opening.Opener(loaded.policy, datasets, resolve=loaded.resolve, cache=disk_cache.root(), progress=Silent())
    try:
        with confinement.apart():
            candidate = opener.inspect()
            if candidate is not None:
                preconditions.check_capabilities(loaded, datasets, candidate)
                opening.open_baselines(loaded, datasets, candidate, opener)
    except MissingExtra as error:
        yield f"no model is opened: {error}"
    except InputError as error:
        raise placing.of_candidate(loaded, error) from error


def _model_paths(policy: Policy) -> Iterator[str]:
    """Paths of the models that the policy names, but for those that come as packages."""
    loads = (policy.candidate.load, *(spec.load for spec in policy.comparators.values()))
    yield from (load.path for load in loads if load is not None and load.path is not None)
    if policy.candidate.fine_tune is not None and policy.candidate.fine_tune.base not in ALIASES:
        yield policy.candidate.fine_tune.base


def since_promotion(loaded: LoadedPolicy, ledger: Place) -> Iterator[str]:
    """What the policy loosens since the last promotion that a ledger holds, and what became of each approval beside it."""
    entries, file = Ledger(ledger).verified(), policy_approvals.read(loaded)
    present = policy_change.Present(loaded.policy, read_folder(loaded).trusted, file, times.latest(times.now(), entries))
    head = entries[-1].digest if entries else None
    change = policy_change.since_promotion(entries, head, present, catalog=catalog.discover())
    if change is None:
        if file is not None:
            yield f"{file.file}: approves nothing: {ledger} holds no promotion under {loaded.policy.policy}; -o names its folder"
        return
    for one in change.approvals:
        yield f"{file.file if file else ''}: {one.words}: {'counts for nothing: ' + '; '.join(one.why) if one.why else 'counts'}"
    word = "blocks" if change.blocks else "does not block"
    reasons = (*policy_change.blocking_reasons(change), *policy_change.remarks(change))
    yield from (f"{one.rule} ({word}): {phrases.reason(one, ())}" for one in reasons)


def unknown_bundles(out: Path, ledger: Place) -> Iterator[str]:
    """That the ledger does not hold the bundles of the folder, which `audit run` refuses."""
    opened = Ledger(ledger)
    yield from record.gap(out, opened, record.unknown_bundles(out, opened.verified()))


IGNORANT = 0.0
"""Strength of a simulated model that knows the classes' shares alone."""
STRENGTHS = (STRONGEST, 4.0, 2.5)
"""Tried in turn where a bound is not passed: losses that are all alike show no spread, so that the best model is not the surest."""
_NAMED = 3
"""Slices that are named where many are too small."""
_MOST_CELLS = 10_000
"""Cells of a crossing beyond which nobody lists the empty ones."""


def policy_warnings(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> tuple[Mistake, ...]:
    """What a policy's author ought to look at again; `datasets` holds every declared one."""
    of_slices = {index: list(_slices(loaded, index, datasets)) for index in range(len(loaded.policy.require))}
    listed = [_at(loaded, index, "by", text) for index, texts in of_slices.items() for text in texts]
    return tuple(sorted([*listed, *_bounds(loaded, datasets, {index for index, texts in of_slices.items() if texts})]))


def _at(loaded: LoadedPolicy, index: int, key: str, text: str) -> Mistake:
    return loaded.marks.mistake(("require", index, key), f"warning: {text}")


def _slices(loaded: LoadedPolicy, index: int, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Slices that no model can pass for want of rows, and crossings that hold none."""
    (job,) = pipeline_jobs.jobs(_alone(loaded, index), datasets, Predictions(SimulatedModel(Population((), {}, 0))))
    if not job.subject.by or job.check.by not in {"slices", "groups"}:
        return
    least = job.requirement.min_n
    small = [f"{name} has {rows_in_words(n)}" for name, mask in job.subject.slices() if (n := int(np.count_nonzero(mask))) < least]
    if small:
        yield f"{_listed(small)}; nothing passes on fewer than {least:,}: gather rows, or split by something coarser"
    empty = [str(cell) for family in job.subject.families() for cell in _empty([name for name, _ in family])]
    if empty:
        yield f"no row is in {_listed(empty)}: nothing is proven there"


def _alone(loaded: LoadedPolicy, index: int) -> LoadedPolicy:
    one = loaded.policy.require[index]
    return replace(loaded, policy=loaded.policy.model_copy(update={"require": (one,)}))


def _empty(cells: list[Slice]) -> list[Slice]:
    """Crossings of values that the columns have, without a row."""
    columns = [column for column, _ in cells[0].items] if cells else []
    values = [list(dict.fromkeys(cell.items[place] for cell in cells)) for place in range(len(columns))]
    if len(columns) < 2 or np.prod([len(one) for one in values]) > _MOST_CELLS:  # noqa: PLR2004  # one column crosses nothing
        return []
    occupied = set(cells)
    return [cell for items in product(*values) if (cell := Slice(tuple(items))) not in occupied]


def _listed(items: list[str]) -> str:
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _bounds(loaded: LoadedPolicy, datasets: Mapping[str, Dataset], small: set[int]) -> Iterator[Mistake]:
    """Bounds that a model without any knowledge meets, and bounds that no model passes on this data, `small` slices apart."""
    population = _population(loaded, datasets)
    if population is None:
        return
    guess = "the mean" if isinstance(population, Numbers) else "the commonest class"
    found = _findings(loaded, datasets, population, IGNORANT)
    for index, finding in found.items():
        if finding.check.measures == "skill" and _meets(finding):
            text = f"{asked_in_words(finding.requirement)} proves nothing: whoever always answers {guess} meets it on this data"
            yield _at(loaded, index, _key(finding), text)
    unmet, perfect = _unmet(found) - small, None
    for strength in STRENGTHS:
        found = _findings(loaded, datasets, population, strength, only=unmet)
        perfect, unmet = perfect or found, _unmet(found)
    for index, finding in (perfect or {}).items():
        if index in unmet:
            text = f"{asked_in_words(finding.requirement)} cannot be passed on this data, not even by a model that is nearly always right"
            yield _at(loaded, index, _key(finding), f"{text}: {phrases.would_pass(finding) or phrases.message(finding)}")


def _population(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Population | Numbers | None:
    """What the simulated models are drawn from; None where the labels tell nothing apart."""
    if loaded.policy.candidate.task in REGRESSION:
        try:
            return Numbers(datasets, loaded.policy.seed)
        except CannotMeasure:
            return None
    labels = {name for data in datasets.values() if data.columns.label is not None for name in data.labels(data.columns.label)}
    return Population(sorted(labels), datasets, loaded.policy.seed) if len(labels) > 1 else None


def _unmet(findings: Mapping[int, Finding]) -> set[int]:
    """Where something was measured and did not pass."""
    return {index for index, one in findings.items() if one.evidence is not None and one.status != "pass"}


def _key(finding: Finding) -> str:
    return "min" if finding.requirement.min is not None else "max"


def _findings(
    loaded: LoadedPolicy,
    datasets: Mapping[str, Dataset],
    population: Population | Numbers,
    strength: float,
    *,
    only: Collection[int] | None = None,
) -> dict[int, Finding]:
    """The findings on a model of that strength, by the place of their requirements; small slices, told apart, bar nothing."""
    model = Predictions(SimulatedModel(population, (Labels(), Scores()), strength))
    jobs = {index: job for index, job in enumerate(pipeline_jobs.jobs(loaded, datasets, model)) if _can_be_tried(job)}
    jobs = {index: job for index, job in jobs.items() if only is None or index in only}
    lenient = [replace(job, requirement=job.requirement.model_copy(update={"min_n": 1})) for job in jobs.values()]
    return dict(zip(jobs, judging.findings(lenient), strict=True))


def _can_be_tried(job: Job) -> bool:
    """Whether a simulated model can answer for it: one that is asked nothing but its answers to the rows."""
    known = job.check.measures in {"skill", "model"} and job.check.needs.isdisjoint({"model", "base"})
    return known and job.requirement.against is None and job.skip is None


def _meets(finding: Finding) -> bool:
    """Whether its very values meet the bound."""
    if finding.evidence is None:
        return False
    asked = finding.requirement.model_copy(update={"judge_on": "value"})
    return judge(asked, finding.check, finding.evidence, confidence=0.95, owner=finding.owner).status == "pass"
