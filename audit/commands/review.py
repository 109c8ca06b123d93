"""`audit review BUNDLE`: a person judges each finding before its status is shown; the review is signed and recorded.

Judgements are kept as they are made, in a draft beside the bundle, so that a review can be stopped and continued. Once they were
compared with the tool's statuses they are final: what may still be added are reasons.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pydantic import Field, ValidationError

from audit import files, phrases
from audit.bundle import reader
from audit.commands.sign_bundle import locked, recorded
from audit.errors import InputError, PolicyError, ToolError
from audit.evidence import OVERALL
from audit.formatting import rows_in_words
from audit.governance import keys, review, signatures
from audit.governance.review import IN_WORDS, OPINIONS, Judgement, Opinion, Review
from audit.governance.signed_file import LEAST
from audit.ledger import times
from audit.policy import yaml_reader
from audit.policy.strict import Strict
from audit.report import text as prose
from audit.report.findings import requirement_in_words
from audit.report.phrases import headline_numbers, label

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from audit.decision.finding import Finding
    from audit.errors import Mistake
    from audit.governance.sign_off import Release
    from audit.ledger import Ledger
    from audit.policy.yaml_reader import Marks
    from audit.record import AuditRun

_SLICES = 40
"""Slices of a finding that are shown; `results.json` has them all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the reviewer says of one finding."""

    judgement: Opinion
    reason: str | None
    seconds: float | None


class Reviewer(Protocol):
    """Whoever is asked: a person at a terminal, or a file of answers."""

    def judge(self, finding: str, shown: Sequence[str]) -> Answer:
        """The judgement of a finding, from what is shown of it."""

    def explain(self, difference: str, finding: str) -> str:
        """Why the reviewer overrides the tool's status. InputError where no reason is given."""


class _Draft(Strict):
    """A review in the making."""

    bundle_sha256: str
    key_fingerprint: str
    compared: bool = Field(default=False, description="whether the statuses were shown, after which no judgement changes")
    judgements: tuple[Judgement, ...] = ()


@dataclass(slots=True)
class _Work:
    """One review at work."""

    folder: Path
    audit: AuditRun
    release: Release
    key: keys.PublicKey
    draft: _Draft = field(init=False)

    def __post_init__(self) -> None:
        new = _Draft(bundle_sha256=self.release.bundle_sha256, key_fingerprint=keys.fingerprint(self.key))
        try:
            kept = _Draft.model_validate_json(self.draft_place.read_bytes())
            self.draft = kept if kept.model_copy(update={"compared": False, "judgements": ()}) == new else new
        except FileNotFoundError:
            self.draft = new
        except (OSError, ValidationError) as error:
            msg = f"{self.draft_place}: the draft of this review cannot be read: take the file away, and begin again"
            raise InputError(msg) from error

    @property
    def place(self) -> Path:
        """Of the signed review in the bundle."""
        return self.folder / review.FOLDER / review.file_name(self.key)

    @property
    def draft_place(self) -> Path:
        """Beside the bundle, which holds what is signed alone."""
        return self.folder.resolve().parent / f".{self.folder.resolve().name}.{review.file_name(self.key)}.draft"

    @property
    def statuses(self) -> dict[str, str]:
        """Of every finding, in the policy's order."""
        return {one.id: one.status for one in self.audit.findings}

    def keep(self, *judgements: Judgement, compared: bool = False) -> None:
        """Put judgements into the draft, in the policy's order, and the draft on disk."""
        found = {one.finding: one for one in (*self.draft.judgements, *judgements)}
        ordered = tuple(found[name] for name in self.statuses if name in found)
        self.draft = self.draft.model_copy(update={"judgements": ordered, "compared": self.draft.compared or compared})
        try:
            files.replace(self.draft_place, self.draft.model_dump_json() + "\n")
        except OSError as error:
            msg = f"{self.draft_place}: the draft of this review cannot be written ({error.strerror})"
            raise ToolError(msg) from error


def review_bundle(folder: Path, key_file: tuple[Path, keys.Prompt], reviewer: Reviewer, ledger: Ledger, now: datetime) -> list[str]:
    """Ask for a judgement of each finding, compare, sign and record; the agreement in words. The key comes with who asks its passphrase."""
    audit = reader.audit_run(folder, tables=False)
    release = reader.release(folder)
    recorded(ledger, release)
    secret, key = keys.read_secret(*key_file)
    work = _Work(folder, audit, release, key)
    if work.place.exists():
        return _complete(work, ledger, now)
    _judge(work, reviewer)
    work.keep(compared=True)
    _explain(work, reviewer)
    made = Review(
        run=release.run,
        judgements=work.draft.judgements,
        by=key.name,
        role=key.role or review.ROLE,
        line=key.line,
        reviewed_at=now.isoformat(timespec="seconds"),
    )
    with locked(folder):
        reader.refuse_changed(folder)
        return [*_outcome(work), *_put(work, _seal(secret, work, made), ledger, now)]


def _judge(work: _Work, reviewer: Reviewer) -> None:
    """A judgement of each finding that has none. What was compared already is asked again, and must be the same."""
    known = {one.finding: one for one in work.draft.judgements}
    total = len(work.audit.findings)
    for number, finding in enumerate(work.audit.findings, 1):
        before = known.get(finding.id)
        if before is not None and not isinstance(reviewer, FromFile):
            continue
        answer = reviewer.judge(finding.id, tuple(shown(finding, f"Finding {number} of {total}")))
        if before is not None and work.draft.compared and answer.judgement != before.judgement:
            msg = (
                f"{finding.id}: was judged {IN_WORDS[before.judgement]} before its status was shown, which is final: "
                f"keep that judgement, and say why in {LEAST} characters at least"
            )
            raise InputError(msg)
        made = Judgement(finding=finding.id, status=finding.status, **_as_dict(answer))
        work.keep(made if before is None else made.model_copy(update={"seconds": before.seconds}))


def _as_dict(answer: Answer) -> dict[str, object]:
    reason = (answer.reason or "").strip().encode("utf-8", "backslashreplace").decode()
    return {"judgement": answer.judgement, "reason": reason or None, "seconds": answer.seconds}


def _explain(work: _Work, reviewer: Reviewer) -> None:
    """A reason for every judgement that overrides the tool's status."""
    missing = []
    for one in work.draft.judgements:
        if not one.lacks_reason:
            continue
        try:
            reason = reviewer.explain(_difference(one), one.finding)
        except InputError as error:
            missing.append(str(error))
            continue
        work.keep(one.model_copy(update={"reason": reason.strip().encode("utf-8", "backslashreplace").decode()}))
    if missing:
        raise InputError(*missing)


def _difference(one: Judgement) -> str:
    return f"{one.finding}: you say {IN_WORDS[one.judgement]}, the tool's status is {prose.STATUSES[one.status]}"


def shown(finding: Finding, title: str) -> Iterator[str]:
    """What a reviewer sees of a finding: everything but its status and what follows from it."""
    head, requirement = finding.headline, finding.requirement
    yield f"{title}: {finding.id}"
    yield f"  question     {phrases.question(finding)}"
    yield f"  requirement  {requirement_in_words(finding)} ({requirement.enforce}, severity {requirement.severity})"
    if head is None or head.n == 0:
        yield f"  value        none. {phrases.message(finding)}".rstrip()
    else:
        member = "" if head.member == OVERALL else f", for {label(head.member)}"
        yield f"  value        {headline_numbers(head, requirement)}{member}; {rows_in_words(head.n)}, {head.method}"
    for one in finding.slices[:_SLICES]:
        numbers = one.reason if one.value is None or one.interval is None else f"{prose.figure(one.value)} {prose.bracket(one.interval)}"
        yield f"    {label(one.name)}: {numbers}, {rows_in_words(one.n)}"
    if len(finding.slices) > _SLICES:
        yield f"    and {len(finding.slices) - _SLICES:,} more, in results.json"


def _outcome(work: _Work) -> Iterator[str]:
    """The decision, what the tool says of each finding, and how far both agree."""
    yield f"decision: {work.audit.verdict.decision}"
    for one in work.draft.judgements:
        mark = "agrees " if one.agrees else "differs"
        why = "" if one.agrees else f": {one.reason}"
        yield f"{mark}  {one.finding}: you {IN_WORDS[one.judgement]}, tool {prose.STATUSES[one.status]}{why}"
    yield review.agreement(work.draft.judgements).words


def _seal(secret: Ed25519PrivateKey, work: _Work, made: Review) -> str:
    return signatures.seal(secret, review.statement(work.release, made)).text(work.key)


def _put(work: _Work, text: str, ledger: Ledger, now: datetime) -> list[str]:
    """The review in its place, then the ledger's entry, then no draft any more."""
    found = _read_back(work, text, now)
    try:
        work.place.parent.mkdir(exist_ok=True)
        files.replace(work.place, text, by_way_of=work.folder.resolve().parent)
    except OSError as error:
        msg = f"{work.place}: cannot be written ({error.strerror})"
        raise InputError(msg) from error
    ledger.append(now.isoformat(timespec="seconds"), review.KIND, review.entry(found, text))
    work.draft_place.unlink(missing_ok=True)
    return [f"{work.place}: signed by {keys.describe_key(work.key)}"]


def _read_back(work: _Work, text: str, now: datetime) -> review.Reviewed:
    found = review.read(text, [work.key], times.latest(now))
    problem = found if isinstance(found, str) else review.at_odds(found, work.release, work.statuses)
    if isinstance(found, str) or problem is not None:
        msg = f"{work.place}: does not verify ({problem}): take the file away, and review again"
        raise InputError(msg)
    return found


def _complete(work: _Work, ledger: Ledger, now: datetime) -> list[str]:
    """A review with this key is there: what a killed reviewer left undone is done, and no more."""
    text = work.place.read_text(encoding="utf-8", errors="replace")
    _read_back(work, text, now)
    entries = (json.loads(one.payload) for one in ledger.verified() if one.kind == review.KIND)
    if hashlib.sha256(text.encode()).hexdigest() in {str(one.get("envelope_sha256")) for one in entries}:
        msg = f"{work.folder}: {work.key.name} has reviewed it already"
        raise InputError(msg)
    return [*_put(work, text, ledger, now), "the review was there, and the ledger did not have it: it has it now"]


@dataclass(frozen=True, slots=True)
class FromFile:
    """A reviewer who answered in a file, for scripts."""

    answers: dict[str, Answer]
    file: str

    def judge(self, finding: str, shown: Sequence[str]) -> Answer:
        """As the file says it."""
        del shown
        return self.answers[finding]

    def explain(self, difference: str, finding: str) -> str:
        """Refused: whatever the file says of it is too short."""
        msg = f"{self.file}: {difference}: overriding it needs a reason of {LEAST} characters at least, under {finding}"
        raise InputError(msg)


class _Given(Strict):
    judgement: Opinion
    reason: str | None = Field(None, max_length=2000)


def read_answers(path: Path, bundle: Path) -> FromFile:
    """A YAML or JSON file: by the id of each finding its judgement, or `judgement` and `reason`. Every mistake is shown at its place."""
    wanted = [one.id for one in reader.audit_run(bundle, tables=False).findings]
    try:
        text = files.read_at_most(path, yaml_reader.MOST_BYTES).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: the answers cannot be read as a text file: {error}"
        raise InputError(msg) from error
    root, mistakes = yaml_reader.parse(text, str(path))
    tree, marks = yaml_reader.flatten(root)
    if not mistakes and not isinstance(tree, dict):
        msg = f"{path}: name each finding with a judgement, such as `performance/accuracy: acceptable`"
        raise InputError(msg)
    found: dict[str, Answer] = {}
    for finding, said in tree.items() if isinstance(tree, dict) and not mistakes else ():
        if finding not in wanted:
            mistakes.append(marks.mistake((finding,), f"{finding}: no finding of this bundle", key=True))
            continue
        try:
            given = _Given.model_validate(said if isinstance(said, dict) else {"judgement": said})
            found[finding] = Answer(given.judgement, given.reason, None)
        except ValidationError as error:
            mistakes += _unfit(error, finding, marks)
    if mistakes:
        raise PolicyError(tuple(mistakes))
    if missing := [name for name in wanted if name not in found]:
        msg = f"{path}: no judgement of {', '.join(missing)}: say acceptable, not-acceptable or cannot-tell"
        raise InputError(msg)
    return FromFile(found, str(path))


def _unfit(error: ValidationError, finding: str, marks: Marks) -> Iterator[Mistake]:
    for one in error.errors():
        loc = (finding, *one["loc"])
        text = f"say {', '.join(OPINIONS[:-1])} or {OPINIONS[-1]}" if one["loc"] == ("judgement",) else f"{one['loc'][-1]}: {one['msg']}"
        yield marks.mistake(loc if marks.known(loc) == loc else (finding,), text)
