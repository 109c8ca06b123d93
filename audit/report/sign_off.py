"""Section 12: who signed, in which role, and who is still missing; what reviewers thought before they saw the statuses.

What lies in a bundle beside the files of its run is no part of the record: whoever renders the page hands it over, verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.governance import review, sign_off
from audit.governance.keys import fingerprint
from audit.report import text as prose
from audit.report.entries import Chip, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.governance.review import Judgement, Reviewed
    from audit.governance.sign_off import Quorum, Role, Signed
    from audit.record import AuditRun
    from audit.report.entries import Entries, Link

NAMES: dict[Role, str] = {"owner": "Owner", "independent-reviewer": "Independent reviewer", "executive": "Accountable executive"}
_STATEMENTS: dict[Role, str] = {
    "owner": "I answer for this system. I have read sections 1 to 11 and accept the risk that section 9 lists.",
    "independent-reviewer": "I did not build this candidate and do not report to those who did. I have read and challenged the evidence.",
    "executive": "I accept on behalf of the organisation the risk that section 9 lists.",
}
UNSIGNED, SIGNED, NOT_VERIFIED = "UNSIGNED", "SIGNED", "NOT VERIFIED"
_COVERS = (
    "What is signed is the digest of `bundle.json`, which lists the digest of every file of this bundle, this page among them; "
    "one changed byte voids it. The program never signs for a person."
)


@dataclass(frozen=True, slots=True)
class Added:
    """Signatures and reviews that lie in a bundle, as far as they verify under keys that the reader of the page trusts."""

    quorum: Quorum | None = None
    """None where no trusted keys are named: then nothing counts as signed."""
    files: int = 0
    """Of signatures and reviews, whatever they are worth."""
    reviews: tuple[Reviewed, ...] = ()
    problems: tuple[str, ...] = ()
    """Reviews that do not count, and why."""

    @property
    def signers(self) -> tuple[Signed, ...]:
        """Those who fill the roles of the quorum."""
        return () if self.quorum is None else self.quorum.signers

    @property
    def roles(self) -> frozenset[Role]:
        """Roles in which somebody has signed."""
        return frozenset(one.sign_off.role for one in self.signers)


_WINDOW = "A window needs no signature: its outcome follows from the policy and the evidence alone."
NOTHING = Added()
"""Of a bundle as its run left it."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether it is signed, in a word and in a count."""

    word: str
    count: str
    """`1 of 2 (tier 2)`."""
    sentence: str


def state(run: AuditRun, added: Added) -> State:
    """For the head of the page."""
    if run.monitor is not None and not added.files:
        return State(UNSIGNED, "a window needs no signature", _WINDOW)
    wanted = _wanted(run)
    count = f"{len(added.roles)} of {len(wanted)} ({tier(run)})"
    if added.quorum is None:
        if added.files:
            return State(
                NOT_VERIFIED,
                "no trusted key is named",
                "Signatures lie in the bundle, and this page was made without the keys to verify them.",
            )
        return State(UNSIGNED, count, "Nobody has signed this report.")
    if added.quorum.met:
        return State(SIGNED, count, f"Signed by {prose.listed(_name(one) for one in added.signers)}.")
    return State(UNSIGNED, count, "The signatures that it needs are not complete." if added.signers else "Nobody has signed this report.")


def _name(one: Signed) -> str:
    return f"{one.sign_off.by} as {NAMES[one.sign_off.role].lower()}"


def _wanted(run: AuditRun) -> tuple[Role, ...]:
    """Who has to sign; nobody a window."""
    if run.monitor is not None:
        return ()
    return sign_off.roles(sign_off.tier_of(run.policy.tier if "tier" in run.policy.model_fields_set else None))


def tier(run: AuditRun) -> str:
    """The declared tier, or that there is none."""
    return f"tier {run.policy.tier}" if "tier" in run.policy.model_fields_set else "tier not declared"


@dataclass(frozen=True, slots=True)
class Box:
    """One role: a signature, or lines to sign on paper."""

    role: str
    word: str
    signed: bool
    statement: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class JudgementRow:
    """Where a reviewer and the tool differ."""

    link: Link | None
    finding: str
    person: str
    tool: Chip
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One review."""

    title: str
    agreement: str
    hue: str
    """`red` where it was too fast to have read the findings."""
    rows: tuple[JudgementRow, ...]


@dataclass(frozen=True, slots=True)
class SignOff:
    """The section."""

    lead: str
    covers: str
    boxes: tuple[Box, ...]
    missing: tuple[str, ...]
    """What the quorum lacks, and what does not count."""
    command: str
    reviews: tuple[ReviewView, ...]


def signed(run: AuditRun, found: Entries, added: Added) -> SignOff:
    """Every role of the tier, then the reviews."""
    wanted = _wanted(run)
    by_role = {one.sign_off.role: one for one in added.signers}
    return SignOff(
        lead=_lead(run, added, len(wanted)),
        covers=_COVERS,
        boxes=tuple(_box(role, by_role.get(role)) for role in wanted),
        missing=tuple(_missing(added)),
        command=""
        if run.verdict.decision == "block" or len(by_role) == len(wanted)
        else f"audit sign {run.run.id} --key KEY --role {_next(wanted, by_role)}",
        reviews=tuple(_review(one, found) for one in added.reviews),
    )


def _lead(run: AuditRun, added: Added, wanted: int) -> str:
    if run.monitor is not None:
        return _WINDOW
    people = prose.counted(wanted, "signature")
    asks = f"{prose.sentence(tier(run))} asks for {people}" + (", each of another person with another key." if wanted > 1 else ".")
    if run.verdict.decision == "block":
        return f"A block cannot be signed. {asks}"
    return f"{asks} {state(run, added).sentence}"


def _next(wanted: tuple[Role, ...], by_role: dict[Role, Signed]) -> str:
    return next((role for role in wanted if role not in by_role), wanted[0])


def _box(role: Role, one: Signed | None) -> Box:
    if one is None:
        return Box(NAMES[role], UNSIGNED, signed=False, statement=_STATEMENTS[role], facts=())
    said = one.sign_off
    line = {1: "first, owns and develops", 2: "second, validates independently", 3: "third, audits"}[said.line]
    facts = (
        Fact("Name", said.by),
        Fact("Line of defence", line),
        Fact("Signed", prose.moment(said.signed_at.isoformat())),
        Fact("Key", fingerprint(one.key), "SHA-256 of the public key"),
        Fact("Signed decision", said.decision + ("" if said.valid_until is None else f", until {prose.day(said.valid_until)}")),
    )
    return Box(NAMES[role], SIGNED, signed=True, statement=_STATEMENTS[role], facts=facts)


def _missing(added: Added) -> Iterator[str]:
    if added.quorum is None:
        if added.files:
            files = prose.sentence(prose.counted(added.files, "file"))
            yield f"{files} of signatures and reviews not verified: render with --key TRUSTED, or run audit verify."
        return
    yield from (f"Missing: {one}." for one in added.quorum.missing)
    yield from (f"Does not count: {one}." for one in (*added.quorum.problems, *added.problems))


def _review(one: Reviewed, found: Entries) -> ReviewView:
    agreed = review.agreement(one.review.judgements)
    who = f"{one.review.by}, line {one.review.line}, {prose.moment(one.review.reviewed_at.isoformat())}"
    rows = tuple(_judgement(each, found) for each in one.review.judgements if not each.agrees)
    return ReviewView(who, f"{prose.sentence(agreed.words)}.", "red" if agreed.too_fast else "", rows)


def _judgement(one: Judgement, found: Entries) -> JudgementRow:
    entry = found.of(one.finding)
    return JudgementRow(
        None if entry is None else entry.link,
        one.finding,
        review.IN_WORDS[one.judgement],
        Chip(one.status if one.status in prose.STATUSES else "error", prose.STATUSES.get(one.status, one.status)),
        one.reason or "",
    )
