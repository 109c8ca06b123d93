"""The bundle: written beside its place, checked, renamed when whole."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit import record
from audit.bundle import reader
from audit.errors import InputError, ToolError
from audit.evidence.storage import Coded, table_to_bytes, write_table
from audit.export import json as results_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates import Outputs
    from audit.datasets import Dataset
    from audit.datasets.profiles.profile import Profile
    from audit.decision.finding import Finding
    from audit.record import AuditRun


PARTIAL = ".partial"
"""Ending of a folder in the making, whose name begins with a dot."""
_SETTLING = 60
"""Seconds for which a folder is left alone though nobody holds it."""


class Bundle:
    """A folder in the making, locked until it is in its place or given up, so that no other run clears it away."""

    def __init__(self, out: Path, run_id: str) -> None:
        self.place = out / run_id
        self._partial = out / f".{run_id}{PARTIAL}"
        try:
            out.mkdir(parents=True, exist_ok=True)
            self._partial.mkdir()
            self._lock: int | None = os.open(self._partial, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise _unwritable(out, error) from error
        (self._partial / "evidence").mkdir()

    def predictions(self, data: Dataset, outputs: Outputs, classes: Sequence[str], shown: Sequence[str]) -> str:
        """Per-row outputs of the candidate on one data set, with entities and the columns that slices are cut by; returns their path."""
        table = {"id": _ids(data)}
        if outputs.labels is not None:
            table["prediction"] = _texts(outputs.labels)
        if outputs.values is not None:
            table["prediction"] = Coded.of(outputs.values)
        if data.columns.label is not None and outputs.values is not None:
            table["label"] = _numbers_or_cells(data, data.columns.label)
        elif data.columns.label is not None:
            codes, found = data.coded(data.columns.label)
            table["label"] = Coded(codes, [data.class_name(value) for value in found])
        if data.columns.group is not None:
            table["group"] = _cells(data, data.columns.group)
        for kind, scores in (("probability", outputs.probabilities), ("score", outputs.ranking)):
            if scores is not None:
                table |= {f"{kind}:{name}": Coded.of(scores[:, index]) for index, name in enumerate(classes)}
        cut = [column for column in shown if column in data.cells.names]
        table |= {f"slice:{column}": _cells(data, column) for column in cut}
        return self._rows_of(f"predictions-{data.role}", table, data.rows)

    def _rows_of(self, name: str, columns: Mapping[str, Coded], rows: int) -> str:
        """One Parquet file under `evidence/` with a row for each row of a data set; returns its path in the bundle."""
        path = _evidence_path(name)
        write_table(self._partial / path, columns, rows)
        return path

    def table(self, name: str, columns: Mapping[str, NDArray[np.generic]]) -> str:
        """One Parquet file under `evidence/`; returns its path in the bundle."""
        path = _evidence_path(name)
        (self._partial / path).write_bytes(table_to_bytes(columns))
        return path

    def record(self, audit: AuditRun) -> AuditRun:
        """Write the canonical record of the run; the run as it reads back."""
        self.write(reader.RECORD, record.to_text(audit))
        return record.from_text((self._partial / reader.RECORD).read_bytes())

    def write(self, name: str, text: str) -> None:
        """One text file. Signs that UTF-8 cannot say, as a path of odd bytes has them, are written as escapes, which JSON reads back."""
        path = self._partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")

    def features(self, data: Dataset, columns: Sequence[str]) -> str:
        """The columns of one data set that windows were compared by; returns their path."""
        table = {"id": _ids(data)} | {f"feature:{column}": _numbers_or_cells(data, column) for column in columns}
        return self._rows_of(f"features-{data.role}", table, data.rows)

    def profile(self, data: Dataset, profile: Profile) -> str:
        """The profile that stands for the rows of one data set; returns its path."""
        path = _evidence_path(f"profile-{data.role}", "json")
        self.write(path, profile.dump())
        return path

    def evidence(self, findings: Sequence[Finding], shared: Mapping[str, Sequence[str]]) -> tuple[Finding, ...]:
        """The findings with the paths of their evidence: the `shared` files of each, by its id, and its own table, written here."""
        return tuple(self._with_files(number, finding, shared.get(finding.id, ())) for number, finding in enumerate(findings, start=1))

    def _with_files(self, number: int, finding: Finding, shared: Sequence[str]) -> Finding:
        if finding.evidence is None:
            return finding
        own = self.table(f"{number:02d}-{finding.id}", finding.evidence.table) if finding.evidence.table else None
        return replace(finding, evidence_files=(*shared, *((own,) if own else ())), evidence_table=own)

    def seal(self) -> str:
        """Write `bundle.json` over all files; its SHA-256 stands for the whole bundle."""
        files = sorted(path for path in self._partial.rglob("*") if path.is_file())
        entries = [
            {"name": path.relative_to(self._partial).as_posix(), "sha256": reader.file_digest(path), "size": path.stat().st_size}
            for path in files
        ]
        self.write(reader.NAME, reader.list_text(entries))
        return reader.file_digest(self._partial / reader.NAME)

    def check(self, audit: AuditRun) -> None:
        """Read back what was written: the decision must stand in it as it was made."""
        results = json.loads((self._partial / "results.json").read_text(encoding="utf-8"))
        report = (self._partial / "report.html").read_text(encoding="utf-8")
        if results != json.loads(results_json.text(audit)) or audit.run.id not in report:
            msg = f"{self._partial}: the bundle does not read back as it was written"
            raise ToolError(msg)

    def finish(self) -> Path:
        """Move the whole bundle to its place."""
        self._partial.rename(self.place)
        return self.place

    def withdraw(self) -> None:
        """Take a bundle out of its place again, where it got there."""
        if self.place.is_dir() and not self._partial.exists():
            self.place.rename(self._partial)

    def discard(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self._partial, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Nobody writes it any more."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def clear_stale(out: Path) -> None:
    """Remove what killed runs left half written in a folder of bundles. A run at work holds a lock on its own."""
    for path in out.glob(f".*{PARTIAL}"):
        with contextlib.suppress(OSError):  # another run was quicker, or still holds it
            lock = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - path.stat().st_mtime > _SETTLING:  # a run makes its folder a moment before it locks it
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(lock)


def refuse_unwritable(out: Path) -> None:
    """Before anything is measured: a folder where no bundle could be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise _unwritable(out, error) from error


def unused(out: Path, name: str) -> str:
    """The name, with a number where a bundle has it: of the same second, and in containers of the same process number."""
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    return next(one for one in names if not (out / one).exists())


def _unwritable(out: Path, error: OSError) -> InputError:
    return InputError(f"{out}: the bundle cannot be written there ({error.strerror}): name another folder with -o")


def _evidence_path(name: str, kind: str = "parquet") -> str:
    return f"evidence/{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}.{kind}"


def _ids(data: Dataset) -> Coded:
    """The rows' names; those that number the rows are written as text without a text for each in memory."""
    named = data.ids_of if data.columns.id is not None else data.numbers_of
    return Coded(lambda which: named(np.arange(which.start, which.stop)), kind="U")


def _texts(cells: NDArray[np.object_]) -> Coded:
    import pandas as pd

    codes, found = pd.factorize(cells)
    return Coded(codes, [str(value) for value in found], kind="U")


def _cells(data: Dataset, column: str) -> Coded:
    codes, found = data.coded(column)
    return Coded(codes, [None if value is None else str(value) for value in found])


def _numbers_or_cells(data: Dataset, column: str) -> Coded:
    from pandas.api import types

    return Coded(*data.coded(column)) if types.is_numeric_dtype(data.cells.dtype(column)) else _cells(data, column)
