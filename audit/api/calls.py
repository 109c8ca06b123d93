"""The functions of the Python API. They return values and raise errors of `audit.errors`; none prints or ends the process."""

from __future__ import annotations

import re
import tempfile
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.api import arrays
from audit.api import results as found_results
from audit.commands import single_check
from audit.commands.single_check import SingleCheck
from audit.datasets import Columns
from audit.datasets.labels import refuse_label_words
from audit.datasets.reading import read
from audit.decision import judge
from audit.errors import CannotMeasure, InputError
from audit.export import chosen
from audit.pipeline import compatibility

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from audit.api.arrays import Column, Groups
    from audit.api.results import AuditResult, CheckResult
    from audit.datasets import Dataset
    from audit.pipeline.jobs import Job
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy


def load_policy(path: str | Path, *, allow_outside: bool = False) -> Policy:
    """A policy file, read and checked against the catalogue; `PolicyError` names every mistake with its line."""
    return _loaded(path, allow_outside=allow_outside).policy


def _loaded(path: str | Path, *, allow_outside: bool) -> LoadedPolicy:
    return compatibility.load_policy(Path(path), allow_outside=allow_outside)


def run(
    policy: str | Path,
    *,
    out: str | Path = "reports",
    select: Sequence[str] = (),
    jobs: int = 1,
    formats: Sequence[str] = (),
    allow_outside: bool = False,
    progress: bool = False,
) -> AuditResult:
    """Run the whole audit of a policy file, as `audit run` does, and read its result back from the bundle that it wrote.

    A model that runs code on opening runs it in this process: open one that you do not trust with `audit run`, which confines it.
    """
    from audit import progress as bars
    from audit.commands import history_page
    from audit.ledger import Ledger, ledger_path
    from audit.pipeline import record
    from audit.pipeline.run import Options, audit_policy

    if jobs < 1:
        msg = f"jobs is {jobs}: give 1 or more"
        raise InputError(msg)
    with _without_dashes():
        options = Options(Path(out), "audit.run", tuple(select), workers=jobs, allow_outside=allow_outside, exports=chosen(formats))
        outcome = audit_policy(Path(policy), options, bars.on_stderr() if progress else bars.SILENT)
    for line in history_page.rebuild(Path(out)):
        warnings.warn(line, stacklevel=2)
    if outcome.audit.verdict.exit_code == 0:
        record.refuse_unproven(Path(out), Ledger(ledger_path(Path(out))), options.token)
    return results(outcome.place)


@contextmanager
def _without_dashes() -> Iterator[None]:
    """Mistakes of a run name its arguments in place of the command's options."""
    try:
        yield
    except InputError as error:
        error.args = tuple(re.sub(r"^--(select|format) ", lambda found: _OPTIONS[found[1]], line) for line in error.lines)
        raise


_OPTIONS = {"select": "select: ", "format": "formats: "}


def results(bundle: str | Path) -> AuditResult:
    """The result that a bundle holds, after the digest of each of its files was checked."""
    from audit.bundle import reader

    return found_results.of_run(reader.audit_run(Path(bundle)), Path(bundle))


def check(  # noqa: PLR0913  # one argument for each thing that a check may read, as in scikit-learn
    check_id: str,
    y_true: Column | None = None,
    y_pred: Column | None = None,
    *,
    y_score: Column | pd.DataFrame | None = None,
    sensitive_features: Groups | None = None,
    by: str | Sequence[str | Sequence[str]] | None = None,
    min: float | None = None,  # noqa: A002  # as in a policy
    max: float | None = None,  # noqa: A002  # as in a policy
    pos_label: Any = None,
    sample_weight: Column | None = None,
    groups: Column | None = None,
    X: Any = None,  # noqa: N803  # as in scikit-learn
    reference: Any = None,
    train: Any = None,
    roles: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    **params: Any,
) -> CheckResult:
    """Measure one check, and judge it where `min` or `max` is given.

    `y_score` is the score of the positive class, or has one column a class. `sensitive_features` names groups; without `by` their
    crossing is measured, as fairlearn does. `groups` names the entity of each row, whose rows are one cluster in every interval.
    `X`, `reference` and `train` are tables for checks of data and drift; `roles` says what their columns are, `{"text": "comment"}`.
    Further arguments are the check's own parameters.
    """
    if not isinstance(check_id, str):
        msg = f"the check is {check_id!r}: name one first, such as 'performance/accuracy', and then y_true"  # type: ignore[unreachable]  # callers need not check types
        raise InputError(msg)
    if not 0 < confidence < 1:
        msg = f"confidence is {confidence!r}: give a share between 0 and 1, such as 0.95"
        raise InputError(msg)
    single = {"y_true": y_true, "y_pred": y_pred, "sample_weight": sample_weight, "groups": groups}
    given = arrays.arrange(single, y_score=y_score, sensitive_features=sensitive_features, X=X)
    columns = _columns(given, roles or {}, pos_label)
    tables = {name: arrays.table_of(one, name) for name, one in (("reference", reference), ("train", train)) if one is not None}
    with _in_memory({"data": given.frame, **tables}, columns) as datasets, _said_in_arguments():
        asked = SingleCheck(
            check_id,
            datasets,
            single_check.ARGUMENTS,
            {name: _plain(value) for name, value in params.items()},
            _families(by, given.sensitive),
            min,
            max,
            seed,
            confidence,
        )
        return _result(single_check.prepare(asked))


def _result(job: Job) -> CheckResult:
    if job.requirement.min is None and job.requirement.max is None:
        evidence = single_check.measure(job)
        finding = judge.judge(job.requirement, job.info, evidence, confidence=job.confidence, owner=job.owner)
        return found_results.of_measured(finding, evidence, job.confidence, [_in_arguments(text) for text in single_check.remarks(job)])
    finding = single_check.judge(job)
    finding = replace(finding, problem=_in_arguments(finding.problem))
    return found_results.of_finding(finding, [_in_arguments(text) for text in single_check.remarks(job)])


def _families(by: str | Sequence[str | Sequence[str]] | None, sensitive: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """As a policy writes them: a name, a list of names, or a list in which a list crosses its columns."""
    if by is None:
        return (sensitive,) if sensitive else ()
    if not isinstance(by, (str, list, tuple)):
        msg = f"by is {by!r}: give a column's name, or a list of names"
        raise InputError(msg)
    return ((by,),) if isinstance(by, str) else tuple((one,) if isinstance(one, str) else tuple(one) for one in by)


def _columns(given: arrays.Arranged, roles: Mapping[str, Any], pos_label: Any) -> Columns:
    """The roles of the table's columns; those that are named in words come before those of the arguments."""
    named = {**given.roles, **({} if pos_label is None else {"positive": _plain(pos_label)})}
    said = {role: tuple(value) if isinstance(value, list) else value for role, value in roles.items()}
    if "features" in named and "features" not in said:
        taken = {value for value in said.values() if isinstance(value, str)}
        named["features"] = tuple(column for column in named["features"] if column not in taken)
        if "text" in said:
            del named["features"]
    both = sorted(named.keys() & said.keys() - {"features", "sensitive"})
    if both:
        msg = f"roles names {', '.join(both)}, which an argument gives too: give it once"
        raise InputError(msg)
    return single_check.columns(named, said, "roles: ")


@contextmanager
def _in_memory(frames: Mapping[str, pd.DataFrame], columns: Columns) -> Iterator[Mapping[str, Dataset]]:
    """Tables as data sets, while the block lasts. They are read from Parquet files, so that each cell means what it means in a file."""
    import pyarrow as pa

    with tempfile.TemporaryDirectory(prefix="audit-") as folder, _said_in_arguments():
        datasets = {}
        for role, frame in frames.items():
            path = Path(folder) / f"{role}.parquet"
            _refuse_mixed(role, frame)
            try:
                frame.to_parquet(path, index=False)
            except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
                msg = f"{'' if role == 'data' else f'{role}: '}a column has cells that cannot be written to a file: {error}"
                raise InputError(msg) from error
            datasets[role] = read(role, path, columns, optional=frozenset(Columns.model_fields) if role != "data" else frozenset())
            refuse_label_words(datasets[role])
        yield datasets


def _refuse_mixed(role: str, frame: pd.DataFrame) -> None:
    """In a file a column has one type: 1 beside "1" would be two classes or one, by the reader."""
    from pandas.api.types import infer_dtype

    for name, cells in frame.items():
        if cells.dtype.kind == "O" and infer_dtype(cells, skipna=True) in {"mixed", "mixed-integer"}:
            kinds = sorted({type(cell).__name__ for cell in cells.dropna()})
            if not set(kinds) <= {"list", "dict", "ndarray"}:
                msg = f"{'' if role == 'data' else f'{role}: '}{name} mixes {' and '.join(kinds)}: give all its values one type"
                raise InputError(msg)


_PATH = re.compile(r"(?:datasets\.)?(\w+): [^\s:]*audit-[^/\s]*/(\w+)\.parquet: |[^\s:]*/audit-[^/\s]*/(\w+)\.parquet")
_IN_A_POLICY = re.compile(r"; a role that this file lacks is set to null: .*|; `unlabelled: drop` leaves them out here$")
_NO_MODEL = re.compile(r"there is no model to give predictions for (\w+): .*")
_ARGUMENTS = {
    "label": "y_true",
    "prediction": "y_pred",
    "scores": "y_score",
    "score": "y_score",
    "positive": "pos_label",
    "weight": "sample_weight",
    "group": "groups",
    "sensitive": "sensitive_features",
}


@contextmanager
def _said_in_arguments() -> Iterator[None]:
    """Mistakes name the arguments, since there is no policy and no file."""
    try:
        yield
    except (InputError, CannotMeasure) as error:
        error.args = tuple(_in_arguments(line) for line in error.lines)
        raise


def _in_arguments(text: str) -> str:
    text = _PATH.sub(lambda found: (f"{found[1]}: " if found[1] != "data" else "") if found[1] else _data(found[3]), text)
    text = _NO_MODEL.sub(r"there are no predictions for \1: give y_pred or y_score", text)
    text = re.sub(r"\bdatasets\.(\w+): ", lambda found: "" if found[1] == "data" else f"{found[1]}: ", _IN_A_POLICY.sub("", text))
    return re.sub(r"\bcolumns\.(\w+)", lambda found: _ARGUMENTS.get(found[1], f"roles[{found[1]!r}]"), text)


def _data(role: str) -> str:
    return "the table" if role == "data" else role


def _plain(value: Any) -> Any:
    """A parameter as YAML would give it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return [_plain(one) for one in value] if isinstance(value, (tuple, list)) else value
