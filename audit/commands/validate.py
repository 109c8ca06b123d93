"""What `audit validate` says of a policy beyond its shape."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from audit import catalog, clock, disk_cache, phrases
from audit.candidates import confinement
from audit.errors import InputError, MissingExtra
from audit.finetune.base import ALIASES
from audit.governance import policy_approvals, policy_change
from audit.governance.waiver_files import read_folder
from audit.ledger import Ledger, times
from audit.pipeline import comparators, decide, record
from audit.pipeline import jobs as pipeline_jobs
from audit.pipeline.opening import Opener
from audit.pipeline.prepare import read_files
from audit.policy import placing
from audit.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from audit.datasets import Dataset
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy


def warnings(loaded: LoadedPolicy) -> Iterator[str]:
    """One line a remark, after the rules that need the data, where the data are there; what breaks a rule is raised."""
    datasets = loaded.policy.datasets
    here = {role for role, spec in datasets.items() if os.path.exists(loaded.resolve(spec.path))}  # noqa: PTH110  # Path.exists raises where it may not look
    absent = [spec.path for role, spec in datasets.items() if role not in here]
    if absent:
        yield f"not here, so their columns are not checked: {', '.join(absent)}"
    read, _, _ = read_files(loaded, only=here)
    yield from (remark.text for remark in decide.policy_remarks(loaded.policy))
    blocking = decide.reasons_before_measuring(loaded.policy, read)
    yield from (f"{one.rule} (blocks): {phrases.reason(one, ())}" for one in blocking)
    if not absent:
        from audit.commands import policy_warnings

        yield from map(str, policy_warnings.warnings(loaded, read))
        yield from _of_models(loaded, read)


def _of_models(loaded: LoadedPolicy, datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """The models are opened as a run opens them, short of a training and of any answer; what a run would refuse is raised."""
    paths = list(_model_paths(loaded.policy))
    if absent := [path for path in paths if not os.path.exists(loaded.resolve(path))]:  # noqa: PTH110  # Path.exists raises where it may not look
        yield f"not here, so no model is opened: {', '.join(absent)}"
        return
    opener = Opener(loaded.policy, datasets, resolve=loaded.resolve, cache=disk_cache.root(), progress=Silent())
    try:
        with confinement.apart():
            candidate = opener.inspect()
            if candidate is not None:
                pipeline_jobs.check_capabilities(loaded, datasets, candidate)
                comparators.opened(loaded, datasets, candidate, opener)
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


def since_promotion(loaded: LoadedPolicy, ledger: Path) -> Iterator[str]:
    """What the policy loosens since the last promotion that a ledger holds, and what became of each approval beside it."""
    entries, file = Ledger(ledger).verified(), policy_approvals.read(loaded)
    present = policy_change.Present(loaded.policy, read_folder(loaded).trusted, file, times.latest(clock.now(), entries))
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


def unknown_bundles(out: Path, ledger: Path) -> Iterator[str]:
    """That the ledger does not hold the bundles of the folder, which `audit run` refuses."""
    opened = Ledger(ledger)
    yield from record.gap(out, opened, record.unknown_bundles(out, opened.verified()))
