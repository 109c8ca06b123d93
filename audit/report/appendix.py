"""Appendices: evidence files, reproducibility, method notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.entries import Fact

if TYPE_CHECKING:
    from audit.record import AuditRun
    from audit.report.entries import Entries, Link


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of the bundle."""

    label: str
    path: str
    what: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How to run it again."""

    command: str
    facts: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    training_environment: tuple[Fact, ...]
    timings: tuple[Fact, ...]
    licences: tuple[Fact, ...]
    policy_text: str


@dataclass(frozen=True, slots=True)
class MethodNote:
    """What a check does, and where its method comes from."""

    check: str
    facts: tuple[Fact, ...]


def files(run: AuditRun, found: Entries) -> tuple[FileRow, ...]:
    """What the bundle holds beside this page."""
    rows = [
        FileRow(label, path, _describe_file(path), tuple(entry.link for entry in found.worst if path in entry.finding.evidence_files))
        for label, path in found.files
    ]
    fixed = [
        FileRow("", "evidence/estimates.json", "every estimate with the sufficient statistic behind it", ()),
        FileRow("", "record.json", "the run as it was recorded, from which this page can be rendered again", ()),
        FileRow("", "results.json", "every number of this report, for machines", ()),
        FileRow("", "policy.yaml", f"the policy as run, SHA-256 {run.policy_sha256}", ()),
        FileRow("", "bundle.json", "name, SHA-256 and size of every file of the bundle, this page among them", ()),
    ]
    if run.training is not None:
        fixed.append(FileRow("", "training.json", "the training record", ()))
    fixed += [FileRow("", f"waivers/{one.file.rpartition('/')[2]}", f"waiver {one.id}, as people signed it", ()) for one in run.waivers]
    return (*rows, *fixed)


def _describe_file(path: str) -> str:
    if path.startswith("evidence/profile-"):
        return "the profile that was audited in place of rows"
    return "columns that windows were compared by" if path.startswith("evidence/features-") else "per-example outputs"


def reproduction(run: AuditRun) -> Reproduction:
    """The command, the versions, the seed and the time it took."""
    facts = run.run
    return Reproduction(
        command=facts.command,
        facts=(
            Fact("Tool", f"audit {facts.version}"),
            Fact("Run", facts.id),
            Fact("Started", prose.moment(facts.started)),
            Fact("Took", prose.seconds(facts.seconds)),
            *_reused(run),
            *_retried(run),
            Fact("Seed", str(facts.seed)),
            Fact("Policy file", run.policy_path),
            Fact("Policy SHA-256", run.policy_sha256),
            Fact("Candidate SHA-256", run.candidate.sha256),
            Fact("Ledger head", run.ledger_head or "no ledger"),
        ),
        environment=tuple(Fact(name, value) for name, value in sorted(facts.environment.items())),
        training_environment=()
        if run.training is None
        else tuple(Fact(name, value) for name, value in sorted(run.training.environment.items())),
        timings=tuple(
            Fact(name, prose.seconds(value)) for name, value in sorted(facts.timings.items(), key=lambda item: (-item[1], item[0]))
        ),
        licences=tuple(Fact(part, note) for part, note in sorted(run.licences.items())),
        policy_text=run.policy_text,
    )


def _reused(run: AuditRun) -> tuple[Fact, ...]:
    """How many findings rest on what earlier runs measured, where any does."""
    if not run.run.reused:
        return ()
    return (Fact("Evidence reused", f"{len(run.run.reused)} of {len(run.findings)} findings, measured by earlier runs on the same inputs"),)


def _retried(run: AuditRun) -> tuple[Fact, ...]:
    """What was measured again because a worker was lost, where anything was."""
    told = ", ".join(f"{name} ({count} more)" for name, count in sorted(run.run.retries.items()))
    return (Fact("Tried again", f"{told}: their workers were lost; same seed, same data"),) if told else ()


def methods(found: Entries) -> tuple[MethodNote, ...]:
    """One note per check, in the order of their ids."""
    notes: dict[str, MethodNote] = {}
    for entry in found.worst:
        check, head = entry.finding.check, entry.finding.headline
        said = [("Purpose", check.purpose), ("Limitations", check.limitations), ("Reference", check.reference)]
        said += [("Interval", head.method)] if head is not None and head.n > 0 else []
        notes.setdefault(check.id, MethodNote(check.id, tuple(Fact(*one) for one in said)))
    return tuple(notes[check_id] for check_id in sorted(notes))
