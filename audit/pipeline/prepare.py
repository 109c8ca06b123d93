"""The first step of a run: read the data, open the models, and refuse what cannot work before anything is measured."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit import catalog, disk_cache
from audit.bundle import writer
from audit.candidates import confinement
from audit.candidates.interface import model_remarks
from audit.candidates.predictions import Predictions
from audit.datasets import Columns, sampling
from audit.datasets.labels import refuse_label_words
from audit.datasets.reading import read
from audit.decision.finding import Reason
from audit.errors import InputError, PolicyError, mistakes_of
from audit.governance import policy_approvals as approvals
from audit.governance import policy_change, waiver_files
from audit.ledger import ledger_path, times
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline import opening, preconditions, thin_data
from audit.pipeline.training_rows import TrainingRows, find
from audit.policy import placing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from audit.candidates import Candidate
    from audit.datasets import Dataset
    from audit.errors import Mistake
    from audit.governance.policy_change import PolicyChange
    from audit.ledger import Entry
    from audit.policy import LoadedPolicy
    from audit.policy.schema import DatasetSpec
    from audit.progress import Progress


@dataclass
class Stopwatch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is done inside under this name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - started


@dataclass(frozen=True)
class Prepared:
    """All that is known before anything is measured."""

    loaded: LoadedPolicy
    datasets: Mapping[str, Dataset]
    candidate: Candidate
    predicted: Predictions
    waivers: waiver_files.Folder
    approvals: approvals.ApprovalsFile | None
    """Those of what the policy loosens."""
    baselines: opening.Baselines
    """The candidate's base, and what it is compared with."""
    learned: TrainingRows
    """Rows that it has learned from and is measured on."""

    def remarks(self) -> tuple[Reason, ...]:
        """What a reader must know of how files were read, how the candidate was run, and the comparisons."""
        read = thin_data.data_remarks(self.loaded.policy, self.datasets)
        said = (*model_remarks(self.candidate, self.datasets), *thin_data.answer_remarks(self.predicted, self.datasets))
        ran = (Reason("model-remark", None, text) for text in said)
        return (*read, *ran, *self.learned.remarks, *opening.comparator_remarks(self.baselines.comparators, self.candidate, self.datasets))

    def since(self, entries: Sequence[Entry], started: datetime) -> PolicyChange | None:
        """How the policy differs from that of the last promotion among these entries."""
        present = policy_change.Present(self.loaded.policy, self.waivers.trusted, self.approvals, times.latest(started, entries))
        head = entries[-1].digest if entries else None
        return policy_change.since_promotion(entries, head, present, catalog=catalog.discover())


def prepare(loaded: LoadedPolicy, out: Path, progress: Progress, watch: Stopwatch, *, smoke: bool) -> Prepared:
    """Read the data, open the models; whatever cannot work is refused before anything is measured."""
    with watch.stage("read"):
        datasets, folder, approved = read_files(loaded)
    writer.refuse_unwritable(out)
    ledger = ledger_path(out)
    folders = [ledger.parent] if isinstance(ledger, Path) else []
    for one in folders:
        with suppress(OSError):  # told of where the ledger is written
            one.mkdir(parents=True, exist_ok=True)
    confinement.confine([out, *folders, disk_cache.root()])
    with watch.stage("candidate"):
        seen, candidate, compared = open_models(loaded, datasets, progress, smoke=smoke)
    learned = find(loaded.policy, datasets)
    return Prepared(loaded, seen, candidate, Predictions(candidate, disk_cache.root()), folder, approved, compared, learned)


def open_models(
    loaded: LoadedPolicy, datasets: Mapping[str, Dataset], progress: Progress, *, smoke: bool
) -> tuple[Mapping[str, Dataset], Candidate, opening.Baselines]:
    """The data sets as the checks see them, the candidate, and what it is compared with."""
    chosen = pipeline_jobs.smoke_policy(loaded.policy) if smoke else loaded.policy
    seen = {role: data.head(pipeline_jobs.SMOKE_ROWS) for role, data in datasets.items()} if smoke else datasets
    opener = opening.Opener(chosen, seen, resolve=loaded.resolve, cache=disk_cache.root(), progress=progress)
    try:
        candidate = opener.candidate()
    except InputError as error:
        raise placing.of_candidate(loaded, error) from error
    preconditions.check_capabilities(loaded, datasets, candidate)
    return seen, candidate, opening.open_baselines(loaded, datasets, candidate, opener)


def read_files(
    loaded: LoadedPolicy, *, only: Collection[str] | None = None
) -> tuple[dict[str, Dataset], waiver_files.Folder, approvals.ApprovalsFile | None]:
    """Data sets with the columns that the requirements need, waivers and approvals. PolicyError names the mistakes of all of them."""
    try:
        datasets = read_datasets(loaded, only=only)
        preconditions.check_columns(loaded, datasets)
    except PolicyError as error:
        others = (mistakes_of(lambda: waiver_files.read_folder(loaded)), mistakes_of(lambda: approvals.read(loaded)))
        raise PolicyError((*error.mistakes, *others[0], *others[1])) from error
    return datasets, waiver_files.read_folder(loaded), approvals.read(loaded)


def read_datasets(loaded: LoadedPolicy, *, only: Collection[str] | None = None) -> dict[str, Dataset]:
    """Every declared data set, or those named, in the policy's order. All unreadable files and missing columns are reported at once."""
    found: dict[str, Dataset] = {}
    mistakes: list[Mistake] = []
    for role, spec in loaded.policy.datasets.items():
        if only is not None and role not in only:
            continue
        try:
            found[role] = read_dataset(loaded, role, spec)
        except PolicyError as error:
            mistakes += error.mistakes
    if mistakes:
        raise PolicyError((*mistakes, *mistakes_of(lambda: preconditions.check_columns(loaded, found))))
    if len(found) == len(loaded.policy.datasets):  # a role of the policy's own `columns` may be absent from some files, not from all
        preconditions.check_roles(loaded, found)
    return found


def _sampled(data: Dataset, spec: DatasetSpec, seed: int) -> Dataset:
    """The rows that the policy draws, and what they stand for."""
    if spec.sample is not None:
        data = sampling.draw(data, rows=spec.sample.rows, share=spec.sample.share, seed=seed)
    return data if spec.sampled is None else sampling.declare(data, share=spec.sampled.share, how=spec.sampled.how)


_NEVER_OPTIONAL = frozenset({"group", "weight"})
"""Roles that widen intervals or shift every rate: a file without them says so itself, under its own `columns`."""


def read_dataset(loaded: LoadedPolicy, role: str, spec: DatasetSpec, *, may_lack: frozenset[str] = frozenset()) -> Dataset:
    """One data set, with the roles that its file has columns for; `may_lack` names further roles that it may be without."""
    shared, own = loaded.policy.columns, spec.columns or Columns()
    optional = frozenset(shared.model_fields_set - own.model_fields_set - _NEVER_OPTIONAL) | may_lack
    try:
        where = loaded.location(spec)
        data = read(role, where, own.over(shared), spec, optional=optional, source=spec.source, licence=spec.licence)
        data = replace(data, label_map=loaded.policy.labels.classes())
        refuse_label_words(data)
        data = _sampled(data, spec, loaded.policy.seed)
    except InputError as error:
        raise placing.of_data(loaded, role, error) from error
    return opening.set_aside(loaded, data)
