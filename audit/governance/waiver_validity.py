"""Why a waiver is not in force. Every rule stands here; whatever cannot be verified is void."""

from __future__ import annotations

import json
import math
import operator
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from audit.evidence import OVERALL
from audit.formatting import bound_in_words, moment, number
from audit.governance import signatures
from audit.governance.keys import SECOND
from audit.governance.signed_file import person
from audit.governance.waiver_files import digest, statement
from audit.ledger import times
from audit.policy.declared_facts import is_placeholder, is_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from audit.decision.finding import Bound, Finding, Side
    from audit.governance.keys import PublicKey
    from audit.governance.waiver_files import Approval, Folder, Waiver, WaiverFile
    from audit.ledger import Entry
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Requirement, Severity
    from audit.policy.yaml_reader import Tree

LONGEST_DAYS: dict[Severity, int] = {"high": 90, "medium": 180, "low": 180}
"""From grant to expiry."""
FILL_IN = "FILL IN"
"""What a draft says where people have to write."""
_TOP_TIER, _PEOPLE = 1, 2
KEPT = "waived"
"""Key of a run's entry that holds the waivers in force in it."""
_FREE = frozenset({"nist", "remediation.ticket", "renewal_of", "valid_while.op"})
"""Places where `none`, or a sign, is an answer."""
_REASONS = frozenset({"reason", "risk_accepted"})
"""Places where a placeholder in many letters is none."""


@dataclass(frozen=True, slots=True)
class Use:
    """A waiver that was in force in an earlier run."""

    id: str
    check: str
    """Id of the requirement."""
    sha256: str
    """Of all that it says, approvals left out: another text under the same id is another waiver."""
    until: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """What a waiver is checked against."""

    model: str
    """Name of the policy."""
    version: str | None
    """The candidate's, as the policy declares it."""
    candidate: str | None
    """Digest; None before there is a candidate, so that scope is not looked at."""
    tier: int
    author: str | None
    folder: Folder
    earliest: datetime
    latest: datetime
    """Time of the run, of the clock and of the ledger's newest entry: none of them set back revives a waiver."""
    used: tuple[Use, ...] = ()
    """Waivers that covered this candidate in earlier runs, by the ledger."""


def situation(
    loaded: LoadedPolicy, folder: Folder, candidate: str | None, started: datetime, *, entries: Sequence[Entry] = ()
) -> Situation:
    """What the waivers of a policy are held against in a run that began at a time."""
    policy = loaded.policy
    return Situation(
        model=policy.policy,
        version=policy.candidate.version,
        candidate=candidate,
        tier=policy.tier,
        author=policy.system.author,
        folder=folder,
        earliest=times.earliest(started),
        latest=times.latest(started, entries),
        used=uses(entries, model=policy.policy, candidate=candidate),
    )


def uses(entries: Sequence[Entry], *, model: str, candidate: str | None) -> tuple[Use, ...]:
    """Every waiver that was in force for this candidate under a policy of this name."""
    told = (json.loads(one.payload) for one in entries if one.kind == "run")
    found = {
        Use(one["id"], one["check"], one["sha256"], datetime.fromisoformat(one["until"])): None
        for run in told
        if (run["policy"], run["candidate_sha256"]) == (model, candidate)
        for one in run.get(KEPT, ())
    }
    return tuple(found)


def standing(file: WaiverFile, requirement: Requirement, bounds: Sequence[Bound], situation: Situation) -> tuple[str, ...]:
    """Everything that voids a waiver whatever is measured."""
    waiver = file.waiver
    signed = _signed(file, situation)
    quorum = () if signed.problems else _quorum(waiver, signed, situation)
    return (
        *_severity(requirement),
        *_time(waiver, requirement, situation),
        *_scope(waiver, situation),
        *_tightened(waiver, bounds),
        *signed.problems,
        *quorum,
        *(_unnamed_renewal(file, situation) if waiver.renewal_of is None else _renewal(file, situation)),
        *_used_before(file, situation),
        *_promises(file, situation),
    )


@dataclass(frozen=True, slots=True)
class Approvals:
    """What became of a waiver's approvals. One that does not count voids the waiver, whatever the others say."""

    good: tuple[tuple[Approval, PublicKey], ...] = ()
    problems: tuple[str, ...] = ()


def approvals(file: WaiverFile, keys: Sequence[PublicKey], latest: datetime) -> Approvals:
    """Every approval with the key that verifies it, or what is wrong with it."""
    if not file.waiver.approvals:
        return Approvals(problems=("is a draft: nobody has signed it",))
    raw = file.tree["approvals"]
    good, problems = [], []
    for approval, told in zip(file.waiver.approvals, raw if isinstance(raw, list) else (), strict=True):
        claim = signatures.Claim("waiver", approval.by, approval.role, approval.line, approval.at)
        text = statement(file.tree, told if isinstance(told, dict) else {})
        key = signatures.signer(claim, approval.signature, text, keys, latest)
        if isinstance(key, str):
            problems.append(f"{approval.by}: {key}")
        else:
            good.append((approval, key))
    return Approvals(tuple(good), tuple(problems))


def _signed(file: WaiverFile, situation: Situation) -> Approvals:
    return approvals(file, situation.folder.trusted, situation.latest)


def _quorum(waiver: Waiver, signed: Approvals, situation: Situation) -> Iterator[str]:
    """What the signatures lack: two people, one of the second line and independent, at tier 1 an executive besides."""
    people = {person(key.name) for _, key in signed.good}
    if len(people) < _PEOPLE:
        yield f"needs two different people, and {'one has' if people else 'none has'} signed"
    reviewers = _independent(waiver, signed, situation)
    if not reviewers:
        yield f"needs an approver of line {SECOND} who is independent of {waiver.requested_by}, who asked for it"
    executives = {person(key.name) for approval, key in signed.good if approval.role == signatures.EXECUTIVE}
    pairs = {(one, other) for one in executives for other in reviewers if one != other}
    if situation.tier == _TOP_TIER and (not pairs or len(people) <= _PEOPLE):
        yield "needs an accountable executive at tier 1 (role executive), besides two other people"


def _independent(waiver: Waiver, signed: Approvals, situation: Situation) -> frozenset[str]:
    """Approvers of the second line who declare themselves independent, and neither asked for it nor built the candidate."""
    involved = {person(waiver.requested_by), person(situation.author)}
    return frozenset({person(key.name) for approval, key in signed.good if key.line == SECOND and approval.independent} - involved)


def _severity(requirement: Requirement) -> Iterator[str]:
    if requirement.severity == "critical":
        yield "what is critical cannot be waived"


def _time(waiver: Waiver, requirement: Requirement, situation: Situation) -> Iterator[str]:
    if situation.latest >= waiver.expires_at:
        yield f"expired at {moment(waiver.expires_at)}"
    if situation.earliest < waiver.granted_at:
        yield f"begins at {moment(waiver.granted_at)}, and the run's clock says {moment(situation.earliest)}"
    if waiver.expires_at <= waiver.granted_at:
        yield "ends before it begins"
    most = LONGEST_DAYS.get(requirement.severity)
    if most is not None and waiver.expires_at - waiver.granted_at > timedelta(days=most):
        yield f"lasts longer than {most} days, the most at severity {requirement.severity}"


def _scope(waiver: Waiver, situation: Situation) -> Iterator[str]:
    scope = waiver.scope
    if scope.model != situation.model:
        yield f"is for the model {scope.model!r}, and this policy is {situation.model!r}"
    if scope.sha256 is not None and situation.candidate not in {None, scope.sha256}:
        yield f"is for the candidate {scope.sha256[:12]}…, and this one is {str(situation.candidate)[:12]}…"
    if scope.versions is not None:
        inside = None if situation.version is None else within(situation.version, scope.versions)
        if situation.version is None:
            yield f"is for versions {scope.versions}, and the policy declares none (candidate.version)"
        elif inside is None:
            yield f"is for versions {scope.versions}, and it is not known whether {situation.version!r} is one of them"
        elif not inside:
            yield f"is for versions {scope.versions}, and this one is {situation.version}"
    if scope.environments:
        yield f"is for {', '.join(scope.environments)} alone, and an audit cannot tell where the model will run"


def _tightened(waiver: Waiver, bounds: Sequence[Bound]) -> Iterator[str]:
    granted = waiver.scope.threshold
    if granted is None:
        yield "does not say the bound that it was granted under (scope.threshold): whether it was tightened cannot be checked"
        return
    for bound in bounds:
        was = granted.min if bound.floor else granted.max
        now = bound_in_words(bound.limit if bound.floor else None, None if bound.floor else bound.limit)
        if was is None:
            yield f"the policy has added a bound since: {now}"
        elif bound.limit > was if bound.floor else bound.limit < was:
            yield f"the bound was tightened since, from {number(was)} to {now}"


def _renewal(file: WaiverFile, situation: Situation) -> Iterator[str]:
    """At most one renewal, of the same check, approved independently by somebody else."""
    waiver, first, folder = file.waiver, file.waiver.renewal_of, situation.folder.waivers
    original = next((one for one in folder if one.waiver.id == first and one is not file), None)
    if original is None:
        yield f"renews {first}, which is not in the folder: its approvals are not known"
        return
    if original.waiver.check != waiver.check:
        yield f"renews {first}, which is for {original.waiver.check}"
    if original.waiver.renewal_of is not None:
        yield f"renews {first}, which is a renewal itself; a waiver is renewed once at most"
    if others := [one.waiver.id for one in folder if one.waiver.renewal_of == first and one is not file]:
        yield f"{first} is renewed by {', '.join(others)} too; a waiver is renewed once at most"
    before = _signed(original, situation)
    if before.problems:
        yield f"renews {first}, whose approvals cannot be verified: {'; '.join(before.problems)}"
    fresh = _independent(waiver, _signed(file, situation), situation) - {person(key.name) for _, key in before.good}
    if not fresh:
        yield f"needs an independent approver of line 2 who did not approve {first}, which it renews"


def _unnamed_renewal(file: WaiverFile, situation: Situation) -> Iterator[str]:
    """A second waiver of the same finding of the same candidate is a renewal, said or not."""
    mine = file.waiver
    for other in situation.folder.waivers:
        theirs = other.waiver
        same = theirs.check == mine.check and _for_the_same(theirs, mine, situation)
        earlier = (theirs.granted_at, theirs.id) < (mine.granted_at, mine.id)
        if other is not file and same and earlier and not _signed(other, situation).problems:
            yield f"follows {theirs.id} for the same candidate: name that under renewal_of"


def _used_before(file: WaiverFile, situation: Situation) -> Iterator[str]:
    """Whatever covered the same before and ended earlier is renewed by this one, though its file be gone or say something else by now."""
    own, waivers = file.waiver, situation.folder.waivers
    known = {digest(one.tree) for one in waivers if one is file or one.waiver.id == own.renewal_of}
    for one in situation.used:
        if one.check == own.check and one.sha256 not in known and one.until < own.expires_at:
            until = moment(one.until)
            yield f"follows {one.id}, which covered this finding of this candidate until {until}: keep that, and name it under renewal_of"


def _for_the_same(theirs: Waiver, mine: Waiver, situation: Situation) -> bool:
    """Whether both are for the candidate at hand, in whatever words; before there is one, whether they say the same."""
    if theirs.scope.model != mine.scope.model:
        return False
    if situation.candidate is not None:
        return not any(_scope(theirs, situation))
    return (theirs.scope.sha256, theirs.scope.versions) == (mine.scope.sha256, mine.scope.versions)


def _promises(file: WaiverFile, situation: Situation) -> Iterator[str]:
    """What must be written and what is overdue."""
    waiver = file.waiver
    if waiver.remediation is None:
        yield "promises no remedy with a date (remediation)"
    elif waiver.remediation.due < situation.latest.astimezone(UTC).date():
        yield f"its remedy was due on {waiver.remediation.due.isoformat()}"
    if missing := unwritten(file):
        yield f"is not filled in: {', '.join(missing)}"


def unwritten(file: WaiverFile) -> list[str]:
    """Places of a waiver where people have not written yet."""
    return sorted(set(_unwritten({key: value for key, value in file.tree.items() if key != "approvals"}, "")))


def _unwritten(tree: Tree, place: str) -> Iterator[str]:
    """Places where text is missing or still that of a draft."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _unwritten(value, f"{place}.{key}".lstrip("."))
    elif isinstance(tree, list):
        for value in tree:
            yield from _unwritten(value, place)
    elif isinstance(tree, str) and (FILL_IN in tree or _says_nothing(tree, place)):
        yield place


def _says_nothing(text: str, place: str) -> bool:
    return not is_reason(text) if place in _REASONS else is_placeholder(text) and place not in _FREE


def against(file: WaiverFile, finding: Finding) -> tuple[str, ...]:
    """Everything about a finding's evidence that its waiver does not cover."""
    if finding.status in {"not_run", "error"}:
        return (f"what is {finding.status.replace('_', ' ')} cannot be waived: there is no evidence to accept",)
    open_ = [side for side in finding.sides if side.unproven]
    if len(open_) != 1:
        return ("nothing was measured, so its extent is not known" if not open_ else "misses both its bounds; a waiver covers one",)
    return (*_worse(file.waiver, finding, open_[0]), *_uncovered(file.waiver, finding, open_[0]))


def _worse(waiver: Waiver, finding: Finding, side: Side) -> Iterator[str]:
    said = waiver.valid_while
    known = {finding.check.id, finding.check.id.rsplit("/", 1)[-1]}  # no id of a requirement: another check may carry it by now
    if finding.headline is not None:
        known.add(finding.headline.unit)
    if said.metric not in known:
        yield f"holds while {said.metric} stays good, and this is {finding.check.id}"
    if said.op != (">=" if side.bound.floor else "<="):
        yield f"holds while the value is {said.op} {number(said.value)}, and the other bound is missed"
        return
    end = side.interval[0] if side.bound.floor else side.interval[1]
    covered = end >= said.value if side.bound.floor else end <= said.value
    if not (math.isfinite(end) and covered):
        yield f"the unfavourable end of the interval is {number(end)}, worse than {number(said.value)}, the worst that it covers"


def _uncovered(waiver: Waiver, finding: Finding, side: Side) -> Iterator[str]:
    """Every member that keeps the finding from a pass has to be named; a name that fits two of them names neither."""
    evidence = finding.evidence
    members = () if evidence is None else (*(one.name for one in evidence.members), *(one.name for one in evidence.unmeasured))
    names = [str(name) for name in members]
    missing = [
        str(name)
        for name in side.unproven
        if not (name == OVERALL and not waiver.slices) and (str(name) not in waiver.slices or names.count(str(name)) != 1)
    ]
    if missing:
        yield f"does not cover {'; '.join(missing)}"


_PART = re.compile(r"\s*(<=|>=|==|<|>)\s*([0-9]{1,9}(?:\.[0-9]{1,9})*)\s*")
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})*")
_COMPARE: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


def within(version: str, wanted: str) -> bool | None:
    """Whether a version lies in a range such as `>=1.2, <2`; None where either cannot be read."""
    parts = [_PART.fullmatch(part) for part in wanted.split(",")]
    if not _VERSION.fullmatch(version):
        return None
    outcomes = []
    for part in parts:
        if part is None:
            return None
        outcomes.append(_COMPARE[part[1]](_numbers(version), _numbers(part[2])))
    return all(outcomes)


def _numbers(version: str) -> tuple[int, ...]:
    """Without trailing zeros, so that 1.0 is 1."""
    found = [int(part) for part in version.split(".")]
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)
