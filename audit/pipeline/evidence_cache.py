"""Evidence kept on disk under everything that determines it. Findings are never kept: they are judged anew.

The file's name is the digest of what a check is given: its code, its parameters, the rows, the model, the seed, the surroundings.
What else it reads while it measures (other data sets, declared facts, a model that it does not say it needs) is written down beside
the evidence, which counts only while all of that is the same. An entry that cannot be verified is measured anew.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import audit
from audit import disk_cache
from audit.candidates.capabilities import OtherCode
from audit.errors import InputError
from audit.evidence import storage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from audit.candidates import Candidate
    from audit.check import Check
    from audit.datasets import Dataset
    from audit.evidence import Evidence
    from audit.pipeline.jobs import Job
    from audit.subject import Subject

_OTHER_LAYERS = frozenset({"report", "export", "cli", "commands", "bundle", "governance", "decision", "ledger", "power"})
"""Parts of the package that no measurement passes through."""
_MODELS = ("predicted", "comparator", "base")
"""Fields of a subject that only checks of the model are given as a matter of course."""
_ALL = "*"
"""Stands for every key, where a check goes through them all."""


def kept(job: Job) -> Evidence | None:
    """The job's evidence as an earlier run kept it; None where there is none, or none that can be verified."""
    place = _place(job)
    content = None if place is None else disk_cache.read(place)
    if content is None:
        return None
    head, _, stored = content.partition(b"\n")
    try:
        facts = json.loads(head)
        if any(_digests(_readable(job.subject, name), facts["read"][name]) != facts["read"][name] for name in facts["read"]):
            return None
        found = storage.from_bytes(stored)
        job.subject.predicted.announce(facts["answers"])
    except (InputError, ValueError, KeyError, TypeError, AttributeError) as error:
        disk_cache.LOG.warning("%s cannot be read (%s): it is measured anew", place, error)
        return None
    return found


class Watched:
    """What a check is given while it measures, and how its evidence is kept."""

    def __init__(self, job: Job) -> None:
        self._place, subject = _place(job), job.subject
        self._predicted = subject.predicted.view()
        self._noted = {name: _Noted(_readable(subject, name)) for name in ("datasets", "declared")}
        models: dict[str, Any] = {"predicted": self._predicted}
        if not job.check.asks_the_model:
            self._noted["models"] = noted = _Noted(_readable(subject, "models"))
            models = {name: _Model(model, name, noted) for name in _MODELS if (model := models.get(name) or getattr(subject, name))}
        self.subject: Subject = replace(subject, datasets=self._noted["datasets"], declared=self._noted["declared"], **models)

    def keep(self, evidence: Evidence) -> Evidence:
        """The evidence as it reads back, kept for later runs; TypeError where it cannot be stored."""
        content = storage.to_bytes(evidence)
        if self._place is not None:
            facts = {"read": {name: noted.seen() for name, noted in self._noted.items()}, "answers": sorted(self._predicted.asked)}
            try:
                disk_cache.write(self._place, json.dumps(facts).encode() + b"\n" + content)
            except OSError as error:
                disk_cache.LOG.warning("%s cannot be written (%s): the next run measures it anew", self._place, error)
        return storage.from_bytes(content)


class _Noted(Mapping[str, Any]):
    """A mapping that notes which of its keys are looked up."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._keys: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self._keys.add(key)
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        self._keys.add(_ALL)
        return iter(self._values)

    def __len__(self) -> int:
        self._keys.add(_ALL)
        return len(self._values)

    def seen(self) -> dict[str, str]:
        """The digest of each value that was looked up."""
        return _digests(self._values, self._keys)


class _Model:
    """A model of which it is noted that anything was asked."""

    def __init__(self, model: Any, name: str, noted: _Noted) -> None:
        self._model, self._name, self._noted = model, name, noted

    def __getattr__(self, name: str) -> Any:
        _ = self._noted[self._name]
        return getattr(self._model, name)


def _readable(subject: Subject, name: str) -> Mapping[str, Any]:
    """What a check may read of a subject beyond the rows that it is measured on."""
    if name == "models":
        return {"predicted": _model(subject.candidate), "comparator": _comparator(subject), "base": subject.base and subject.base.facts()}
    found: Mapping[str, Any] = {"datasets": subject.datasets, "declared": subject.declared}[name]
    return found


def _digests(values: Mapping[str, Any], keys: Collection[str]) -> dict[str, str]:
    return {key: _digest(dict(values) if key == _ALL else values.get(key)) for key in keys}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return _data(value) if hasattr(value, "content_key") else value


def _place(job: Job) -> Path | None:
    facts = None if job.store is None else key_facts(job)
    return None if job.store is None or facts is None else job.store / "evidence" / disk_cache.key(facts)


def key_facts(job: Job) -> dict[str, Any] | None:
    """Everything that determines a job's evidence, by what a reader calls it; None where that is not known, so that nothing is kept."""
    subject, requirement = job.subject, job.requirement
    code = None if job.check.reads_files(job.params) else code_digest(requirement.check, job.check)
    asks = job.check.asks_the_model
    models = (subject.candidate, *(() if subject.comparator is None else (subject.comparator.candidate,)))
    if code is None or (asks and any(model.get(OtherCode) is not None for model in models)):
        return None
    return {
        "check": {"id": requirement.check, "code": code},
        "parameters": {
            "params": job.params.model_dump(mode="json"),
            "by": subject.split_key,
            "reference_group": subject.reference_group,
            "against": requirement.against,
            "learned_from": subject.learned_from,
        },
        "data": {"on": _data(subject.data), "reference": subject.reference and _data(subject.reference)},
        "candidate": {"model": _model(subject.candidate), "base": subject.base and subject.base.facts()} if asks else None,
        "comparator": _comparator(subject) if asks else None,
        "seed": [job.seed, subject.seed, requirement.id],
        "surroundings": {**disk_cache.surroundings(), "libraries": _installed()},
    }


def digests(job: Job) -> dict[str, str]:
    """Of everything that determines a job's evidence, by what it is; nothing where that is not known."""
    return {name: _digest(value) for name, value in (key_facts(job) or {}).items()}


def _data(data: Dataset) -> dict[str, Any]:
    """What it holds and how it was read; its role and path, which messages name."""
    return {"role": data.role, "path": str(data.path), "types": dict(data.types), "source": data.source, "licence": data.licence} | (
        data.content_key
    )


def _model(candidate: Candidate) -> dict[str, Any]:
    """A model whose code is not known is never the same as in another run."""
    known = {} if candidate.get(OtherCode) is None else {"run": secrets.token_hex()}
    return known | {"sha256": candidate.sha256, "kind": candidate.kind, "classes": candidate.classes, "description": candidate.description}


def _comparator(subject: Subject) -> dict[str, Any] | None:
    return None if subject.comparator is None else _model(subject.comparator.candidate)


@cache
def _installed() -> str:
    """Digest of the names and versions of all installed libraries, read from the names of their folders."""
    found = {path.name for place in sys.path for path in Path(place or ".").glob("*.dist-info")}
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()


def code_digest(check_id: str, check: Check) -> str | None:
    """Digest of the code that measures; None of a check that is not the catalogue's own, or whose code is not known."""
    module = sys.modules.get("audit.checks." + check_id.replace("/", "."))
    own = module is not None and getattr(module, "CHECK", None) is check
    measures = [one for one in (check.measure, check.compare) if one is not None]
    within = all(str(getattr(one, "__module__", "")).startswith("audit.") for one in measures)
    return package_digest() if own and within else None


@cache
def package_digest() -> str:
    """Digest of every source file that a measurement may pass through."""
    root = Path(audit.__file__).parent
    found = hashlib.sha256(audit.__version__.encode())
    for path in sorted(root.rglob("*.py")):
        part = path.relative_to(root)
        if part.parts[0] not in _OTHER_LAYERS:
            found.update(f"{part.as_posix()} {disk_cache.digest(path)}\n".encode())
    return found.hexdigest()
