"""Reviews: what a person thinks of each finding before seeing its status, and how far the two agree.

A review is a DSSE envelope over an in-toto statement, as a sign-off is. It holds the tool's status beside each judgement, so that
agreement can be computed from the review alone; `audit verify` compares these with the bundle's.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from pydantic import Field, FiniteFloat, ValidationError

from audit.errors import InputError
from audit.formatting import number
from audit.governance import sign_off, signatures
from audit.governance.keys import PublicKey, fingerprint
from audit.governance.signed_file import LEAST, Line, Name
from audit.policy.strict import Strict
from audit.policy.written_file import Moment  # noqa: TC001  # pydantic needs the type at run time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from audit.governance.sign_off import Release
    from audit.policy.yaml_reader import Tree

PREDICATE = "urn:model-audit-gate:predicate:review:v1"
KIND = "review"
"""Of a review's entry in the ledger."""
FOLDER, SUFFIX = "reviews", ".review.json"
ROLE = "reviewer"
"""Of a key that names no role of its own."""
Opinion: TypeAlias = Literal["acceptable", "not-acceptable", "cannot-tell"]
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)
IN_WORDS: dict[Opinion, str] = {"acceptable": "acceptable", "not-acceptable": "not acceptable", "cannot-tell": "cannot tell"}
_OF_STATUS: dict[str, Opinion] = {"pass": "acceptable", "not_applicable": "acceptable", "fail": "not-acceptable"}
"""What the tool's status says; every other one says that the evidence cannot tell."""
FASTEST = 2.0
"""Seconds a finding, in the median, below which nobody has read."""
_ALPHA = 0.025
"""Nominal error of either end of an interval."""


class Judgement(Strict):
    """What a person thinks of one finding, beside what the tool says of it."""

    finding: str
    judgement: Opinion
    reason: str | None = Field(None, max_length=2000)
    seconds: FiniteFloat | None = Field(None, ge=0, description="from the moment the finding was shown; none where it came from a file")
    status: str = Field(description="the tool's, which the reviewer had not been shown")

    @property
    def agrees(self) -> bool:
        """Whether the tool's status says the same."""
        return self.judgement == of_status(self.status)

    @property
    def lacks_reason(self) -> bool:
        """Whether it overrides the tool's status and does not say why."""
        return not self.agrees and len((self.reason or "").strip()) < LEAST


class Review(Strict):
    """Our predicate: one person's judgements, in the policy's order."""

    run: str
    judgements: tuple[Judgement, ...] = Field(min_length=1)
    by: Name
    role: str
    line: Line
    reviewed_at: Moment


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a reviewer and the tool agree, and how long the reviewer took."""

    agreed: int
    n: int
    share: tuple[float, float, float]
    """Of findings on which both agree, with the ends of its interval."""
    kappa: tuple[float, float, float] | None
    """Cohen's kappa with the ends of its interval; None where both gave one answer throughout, which leaves no chance to compare with."""
    median_seconds: float | None
    """None where no time was measured."""

    @property
    def too_fast(self) -> bool:
        """Whether the findings cannot have been read."""
        return self.median_seconds is not None and self.median_seconds < FASTEST

    @property
    def words(self) -> str:
        """`agrees with the tool on 4 of 5 findings (80 % [28 %, 99 %]), kappa 0.62 [0.11, 0.95], median 12 s a finding`."""
        share, low, high = (f"{100 * one:.0f} %" for one in self.share)
        said = f"agrees with the tool on {self.agreed} of {self.n} findings ({share} [{low}, {high}])"
        if self.kappa is None:
            said += ", kappa not defined: one answer throughout"
        else:
            value, lower, upper = map(number, self.kappa)
            said += f", kappa {value} [{lower}, {upper}]"
        return f"{said}, {self.pace}"

    @property
    def pace(self) -> str:
        """`median 12.0 s a finding`, and that this is too fast."""
        if self.median_seconds is None:
            return "time not measured (answers from a file)"
        return f"median {self.median_seconds:.1f} s a finding" + (", too fast to have read them" if self.too_fast else "")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review whose signature verifies under a trusted key."""

    review: Review
    key: PublicKey
    bundle_sha256: str
    candidate_sha256: str


def of_status(status: str) -> Opinion:
    """The judgement that a status stands for."""
    return _OF_STATUS.get(status, "cannot-tell")


def agreement(judgements: Sequence[Judgement]) -> Agreement:
    """Cohen's kappa and the share of equal answers between reviewer and tool, with 95 % intervals."""
    import numpy as np

    from audit.stats import Confusion, Proportion

    tool, person = (
        np.array([OPINIONS.index(one) for one in answers])
        for answers in ([of_status(one.status) for one in judgements], [one.judgement for one in judgements])
    )
    share = Proportion(int((tool == person).sum()), len(judgements))
    kappa = None
    if len({*tool.tolist(), *person.tolist()}) > 1:
        table = Confusion.of(tool, person, len(OPINIONS), metric="kappa")
        kappa = (table.value, *table.bounds(_ALPHA, _ALPHA))
    seconds = [one.seconds for one in judgements if one.seconds is not None]
    return Agreement(
        agreed=share.hits,
        n=share.n,
        share=(share.value, *share.bounds(_ALPHA, _ALPHA)),
        kappa=kappa,
        median_seconds=statistics.median(seconds) if seconds else None,
    )


def statement(release: Release, review: Review) -> Tree:
    """What the reviewer signs."""
    return sign_off.in_toto(release, PREDICATE, json.loads(review.model_dump_json()))


def read(text: bytes | str, keys: Sequence[PublicKey], latest: datetime) -> Reviewed | str:
    """The review of an envelope, or why it does not count."""
    try:
        envelope = signatures.open_envelope(text)
    except InputError as error:
        return str(error)
    tree = sign_off.in_toto_statement(envelope)
    if tree is None or tree.get("predicateType") != PREDICATE:
        return f"is no in-toto statement of {PREDICATE}"
    try:
        review = Review.model_validate_json(json.dumps(tree["predicate"]))
        bundle, candidate = sign_off.subjects(tree)
    except (ValidationError, KeyError, TypeError, ValueError):
        return "holds no review that this release reads"
    claim = signatures.Claim("review", review.by, review.role, review.line, review.reviewed_at)
    key = signatures.signer(claim, envelope.signature, envelope.signed, keys, latest)
    if isinstance(key, str):
        return f"{review.by}: {key}"
    if envelope.text(key) != (text if isinstance(text, str) else text.decode("utf-8", "replace")):
        return "is not as `audit review` writes it"
    return Reviewed(review, key, bundle, candidate)


def at_odds(one: Reviewed, release: Release, statuses: Mapping[str, str]) -> str | None:
    """Why a verified review is none of this bundle; `statuses` by finding."""
    if (one.bundle_sha256, one.candidate_sha256) != (release.bundle_sha256, release.candidate_sha256):
        return "is a review of another bundle"
    told = {each.finding: each.status for each in one.review.judgements}
    if one.review.run != release.run or told != dict(statuses) or len(told) != len(one.review.judgements):
        return "says otherwise of the findings than the bundle"
    if unexplained := [each.finding for each in one.review.judgements if each.lacks_reason]:
        return f"overrides {', '.join(unexplained)} without a reason of {LEAST} characters"
    return None


def entry(one: Reviewed, text: str) -> dict[str, object]:
    """What the ledger keeps of a review, with the envelope."""
    found = agreement(one.review.judgements)
    return {
        "run": one.review.run,
        "bundle_sha256": one.bundle_sha256,
        "candidate_sha256": one.candidate_sha256,
        "by": one.review.by,
        "line": one.review.line,
        "key_fingerprint": fingerprint(one.key),
        "reviewed_at": one.review.reviewed_at.isoformat(),
        "agreed": found.agreed,
        "findings": found.n,
        "kappa": None if found.kappa is None else list(found.kappa),
        "median_seconds": found.median_seconds,
        "envelope_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "envelope": text,
    }


def file_name(key: PublicKey) -> str:
    """`rita-reviewer-0123456789ab.review.json`, whatever stands in the name."""
    letters = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in key.name.lower())
    return f"{'-'.join(filter(None, letters.split('-')))[:40] or 'reviewer'}-{fingerprint(key)[:12]}{SUFFIX}"
