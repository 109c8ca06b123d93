"""What an audit will cost: answers asked of the model, and seconds as the newest run of the same policy took them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.check import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from audit.ledger import Entry
    from audit.pipeline.jobs import Job

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


def of(jobs: Sequence[Job], embedded: int, trained: int) -> Cost:
    """The cost of some jobs."""
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


def before(policy: str, entries: Sequence[Entry], bundles: Path) -> tuple[float, str] | None:
    """Seconds and name of the newest run of a policy that the ledger knows and whose bundle still lies there."""
    for entry in reversed(entries):
        told = json.loads(entry.payload)
        if entry.kind == "run" and told.get("policy") == policy:
            place = bundles / str(told.get("run")) / "results.json"
            if place.is_file():
                return float(json.loads(place.read_text(encoding="utf-8"))["run"]["seconds"]), str(told["run"])
    return None
