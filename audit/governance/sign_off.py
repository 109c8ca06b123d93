"""Sign-off: people's signatures over a bundle, each a DSSE envelope over an in-toto statement, and the quorum that its tier asks for."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import Field, JsonValue, ValidationError

from audit.canonical_text import canonical_json, without_surrogates
from audit.decision import rules
from audit.errors import InputError
from audit.governance import signatures
from audit.governance.keys import SECOND, PublicKey, fingerprint
from audit.governance.signed_file import Digest, Line, Name, person
from audit.policy.strict import Strict
from audit.policy.written_file import Moment  # noqa: TC001  # pydantic needs the type at run time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from audit.decision.finding import Finding
    from audit.ledger import Entry
    from audit.policy.yaml_reader import Tree

PREDICATE = "urn:model-audit-gate:predicate:sign-off:v1"
"""What a person signs: the decision with its conditions and reasons, and the digest of the results behind it."""
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
"""The same for tools that read in-toto's own predicate."""
STATEMENT = "https://in-toto.io/Statement/v1"
KIND = "sign-off"
"""Of a sign-off's entry in the ledger."""
FOLDER, SUFFIX = "signatures", ".dsse.json"
"""Where the envelopes of a bundle lie, and how their names end."""
Role: TypeAlias = Literal["owner", "independent-reviewer", "executive"]
OWNER: Role = "owner"
REVIEWER: Role = "independent-reviewer"
EXECUTIVE: Role = "executive"
ROLES: tuple[Role, ...] = (OWNER, REVIEWER, EXECUTIVE)
_QUORUM: dict[int, tuple[Role, ...]] = {1: ROLES, 2: (OWNER, REVIEWER), 3: (OWNER,)}
_LOWEST_TIER = 3


@dataclass(frozen=True, slots=True)
class Release:
    """What a signature is for: one bundle and what it decides."""

    run: str
    bundle_sha256: str
    """Of its list of files, which stands for the whole bundle."""
    candidate_sha256: str
    tier: int
    """As the policy declares it; the lowest where it declares none."""
    author: str | None
    """Of the candidate."""
    facts: Mapping[str, JsonValue]
    """The part of the predicate that is the same for everybody who signs."""
    passed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Ids of the findings, as in-toto's test result sorts them."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """Of every finding, by its id."""
    waivers: Mapping[str, str] = field(default_factory=dict)
    """Ends of the waivers in force, ISO 8601, by their ids."""

    @property
    def decision(self) -> str:
        """`promote`, `promote-with-conditions` or `block`."""
        return str(self.facts["decision"])


def file_name(role: str, key: PublicKey) -> str:
    """Of an envelope with our predicate: one name for each role and key."""
    return f"{role}-{fingerprint(key)[:12]}{SUFFIX}"


def test_result_name(name: str) -> str:
    """Of the test result beside an envelope with our predicate."""
    return f"{name.removesuffix(SUFFIX)}.test-result{SUFFIX}"


def tier_of(tier: object) -> int:
    """The tier whose quorum counts, of a policy that declares this one or none."""
    return tier if isinstance(tier, int) and tier in _QUORUM else _LOWEST_TIER


def roles(tier: int) -> tuple[Role, ...]:
    """Who has to sign at a tier."""
    return _QUORUM[tier]


_OPEN = (
    *("check", "params", "threshold", "severity", "enforce", "on", "reference", "reference_group", "by"),
    *("against", "margin", "judge_on", "min_n", "confidence", "status", "disposition"),
)
"""Keys of a finding in `results.json` that say what stays open."""


def conditions_sha256(results: Mapping[str, Any]) -> str:
    """Digest of what stays open, without its dates: the requirement, what became of it, its owner, waivers, and the model compared with.

    It is taken of `results.json`, whose form stays, or of its `findings`, `conditions`, `waivers`, `champion`, `base` and `models`.
    """
    models = {**results["models"], **{name: results[name] for name in ("champion", "base")}}
    of = {one["id"]: one for one in results["findings"]}
    told = [
        {"finding": one["finding"], "owner": one["owner"]}
        | {key: of[one["finding"]].get(key) for key in _OPEN}
        | {"compared_with": (models.get(of[one["finding"]]["against"]) or {}).get("sha256")}
        | {"waivers": sorted(each["id"] for each in results["waivers"] if (each["finding"], each["state"]) == (one["finding"], "in_force"))}
        for one in results["conditions"]
    ]
    return hashlib.sha256(canonical_json(without_surrogates(told)).encode()).hexdigest()


class _PolicyName(Strict):
    name: str
    version: int | str
    sha256: Digest


class Owed(Strict):
    """A condition, as `results.json` says it."""

    finding: str
    owner: str
    due: str
    closes_with: str


class SignOff(Strict):
    """Our predicate: what one person signed. Read from an envelope that was verified."""

    run: str
    policy: _PolicyName
    datasets: dict[str, Digest]
    decision: str
    conditions: tuple[Owed, ...]
    conditions_sha256: Digest
    reasons: tuple[JsonValue, ...]
    valid_until: str | None
    results: dict[str, JsonValue] = Field(description="descriptor of results.json: name and digest")
    reviews: tuple[dict[str, JsonValue], ...] = Field((), description="descriptors of the reviews that lay in the bundle")
    by: Name
    role: Role
    line: Line
    independent: bool
    signed_at: Moment

    @property
    def words(self) -> str:
        """`Ann Example as owner`."""
        return f"{self.by} as {self.role}"

    def overdue(self, today: date) -> str | None:
        """Why it is no longer valid on a day."""
        if self.valid_until is not None and self.valid_until < today.isoformat():
            return f"was valid until {self.valid_until}"
        late = next((one for one in self.conditions if one.due < today.isoformat()), None)
        return None if late is None else f"its condition {late.finding} was due on {late.due}"


@dataclass(frozen=True, slots=True)
class Signed:
    """A sign-off whose signature verifies under a trusted key."""

    sign_off: SignOff
    key: PublicKey
    bundle_sha256: str
    candidate_sha256: str
    """The two subjects of the statement."""


@dataclass(frozen=True, slots=True)
class Quorum:
    """Whether everybody has signed whom the tier asks for."""

    met: bool
    missing: tuple[str, ...]
    """Roles that nobody fills, with the reason."""
    signers: tuple[Signed, ...]
    """Those who fill the roles."""
    problems: tuple[str, ...] = ()
    """Envelopes that do not count, and why."""


def outcome(finding: Finding) -> Literal["passed", "warned", "failed"] | None:
    """How in-toto's test result sorts a finding; None for what does not apply, which has passed nothing."""
    effect = rules.effect(finding)
    if effect == "block":
        return "failed"
    if effect == "condition" or finding.status not in {"pass", "not_applicable"}:
        return "warned"
    return "passed" if finding.status == "pass" else None


def statement(release: Release, own: Mapping[str, JsonValue]) -> Tree:
    """What a person signs: our predicate, with `own` facts of the signer."""
    predicate: Tree = json.loads(canonical_json({**release.facts, **own}))
    SignOff.model_validate_json(json.dumps(predicate))  # nothing is signed that could not be read back
    return in_toto(release, PREDICATE, predicate)


def test_result(release: Release) -> Tree:
    """The same decision as in-toto's test result."""
    policy = release.facts["policy"]
    sha256 = policy["sha256"] if isinstance(policy, dict) else None
    result = {"promote": "PASSED", "promote-with-conditions": "WARNED"}.get(release.decision, "FAILED")
    return in_toto(
        release,
        TEST_RESULT,
        {
            "result": result,
            "configuration": [{"name": "policy.yaml", "digest": {"sha256": str(sha256)}}],
            "passedTests": list(release.passed),
            "warnedTests": list(release.warned),
            "failedTests": list(release.failed),
        },
    )


def in_toto(release: Release, kind: str, predicate: Tree) -> Tree:
    """An in-toto statement about a bundle and its candidate."""
    digests = {"bundle.json": release.bundle_sha256, "candidate": release.candidate_sha256}
    subject: list[Tree] = [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in digests.items()]
    return {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate}


def predicate_type(envelope: signatures.Envelope) -> str | None:
    """What an envelope says it holds; None where it is no in-toto statement."""
    tree = in_toto_statement(envelope)
    found = None if tree is None else tree.get("predicateType")
    return found if isinstance(found, str) else None


def in_toto_statement(envelope: signatures.Envelope) -> dict[str, Tree] | None:
    """What an envelope holds, where that is an in-toto statement."""
    try:
        tree = json.loads(envelope.payload)
    except (ValueError, RecursionError):
        return None
    typed = envelope.payload_type == signatures.PAYLOAD_TYPE and isinstance(tree, dict) and tree.get("_type") == STATEMENT
    return tree if typed else None


def read(text: bytes | str, keys: Sequence[PublicKey], latest: datetime) -> Signed | str:
    """The sign-off of an envelope, or why it does not count. What is read are the very bytes that were verified."""
    try:
        envelope = signatures.open_envelope(text)
    except InputError as error:
        return str(error)
    tree = in_toto_statement(envelope)
    if tree is None or tree.get("predicateType") != PREDICATE:
        return f"is no in-toto statement of {PREDICATE}"
    try:
        said = SignOff.model_validate_json(json.dumps(tree["predicate"]))
        bundle, candidate = subjects(tree)
    except (ValidationError, KeyError, TypeError, ValueError):
        return "holds no sign-off that this release reads"
    claim = signatures.Claim("bundle", said.by, said.role, said.line, said.signed_at)
    key = signatures.signer(claim, envelope.signature, envelope.signed, keys, latest)
    return f"{said.words}: {key}" if isinstance(key, str) else Signed(said, key, bundle, candidate)


def subjects(statement: Mapping[str, Any]) -> tuple[str, str]:
    """Digests of the bundle and of the candidate; KeyError, TypeError or ValueError where there are none."""
    bundle, candidate = (str(one["digest"]["sha256"]) for one in statement["subject"])
    return bundle, candidate


def quorum(release: Release, texts: Sequence[bytes | str], keys: Sequence[PublicKey], latest: datetime) -> Quorum:
    """Who of those whom the tier asks for has signed this very bundle. Texts are the envelopes of our predicate."""
    good, problems = [], []
    for text in texts:
        one = read(text, keys, latest)
        if isinstance(one, str):
            problems.append(one)
        elif (one.bundle_sha256, one.candidate_sha256) != (release.bundle_sha256, release.candidate_sha256):
            problems.append(f"{one.sign_off.words}: signed another bundle")
        else:
            good.append(one)
    return _quorum(good, problems, tier=release.tier, author=release.author)


def _quorum(good: Sequence[Signed], problems: Sequence[str], *, tier: int, author: str | None) -> Quorum:
    """Different people with different keys fill the roles. Of all ways to fill them, one that fills most."""
    wanted = roles(tier)
    unfit = [f"{one.sign_off.words}: {why}" for one in good if (why := unfit_for(one.sign_off.role, one.key, author)) is not None]
    fit = [one for one in good if unfit_for(one.sign_off.role, one.key, author) is None]
    by_role = [[None, *(one for one in fit if one.sign_off.role == role)] for role in wanted]
    ways = (tuple(one for one in way if one is not None) for way in itertools.product(*by_role))
    different = (way for way in ways if len({person(one.key.name) for one in way}) == len({one.key.public_key for one in way}) == len(way))
    signers = max(different, key=len)
    filled = {one.sign_off.role for one in signers}
    missing = tuple(f"{role}: {_nobody(role, fit)}" for role in wanted if role not in filled)
    return Quorum(not missing, missing, signers, (*problems, *unfit))


def unfit_for(role: str, key: PublicKey, author: str | None) -> str | None:
    """Why a key cannot sign in a role of the quorum."""
    if role != REVIEWER:
        return None
    if key.line != SECOND:
        return f"an {REVIEWER} is of line {SECOND}, and the key is of line {key.line}"
    if author is not None and person(key.name) == person(author):
        return f"the author of the candidate is no {REVIEWER}"
    return None


def _nobody(role: str, fit: Sequence[Signed]) -> str:
    if any(one.sign_off.role == role for one in fit):
        return "has signed in another role too; each role takes a person and a key of its own"
    return "nobody has signed"


def entry(one: Signed, text: str) -> dict[str, object]:
    """What the ledger keeps of a sign-off: the envelope too, so that it is verified and not believed."""
    said = one.sign_off
    return {
        "run": said.run,
        "bundle_sha256": one.bundle_sha256,
        "candidate_sha256": one.candidate_sha256,
        "policy": said.policy.name,
        "policy_sha256": said.policy.sha256,
        "conditions_sha256": said.conditions_sha256,
        "decision": said.decision,
        "role": said.role,
        "by": said.by,
        "line": said.line,
        "independent": said.independent,
        "key_fingerprint": fingerprint(one.key),
        "signed_at": said.signed_at.isoformat(),
        "envelope_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "envelope": text,
    }


@dataclass(frozen=True, slots=True)
class Sought:
    """A run that ends with conditions, and whose quorum may have signed before."""

    candidate_sha256: str
    policy_sha256: str
    datasets: Mapping[str, str]
    conditions_sha256: str
    tier: int
    author: str | None


def standing(entries: Sequence[Entry], sought: Sought, keys: Sequence[PublicKey], latest: datetime) -> Quorum:
    """Whether the quorum signed the same conditions for the same candidate, policy and data, in a run that the ledger holds."""
    good, problems = [], []
    for text in _envelopes(entries, sought):
        one = read(text, keys, latest)
        why = one if isinstance(one, str) else _elsewhere(one, sought, latest)
        if isinstance(one, str) or why is not None:
            problems.append(str(why))
        else:
            good.append(one)
    return _quorum(good, problems, tier=sought.tier, author=sought.author)


def _envelopes(entries: Sequence[Entry], sought: Sought) -> Iterator[str]:
    """Of sign-offs that say to be of the same conditions, over bundles whose runs the ledger recorded before."""
    recorded: set[tuple[str, str]] = set()
    for one in entries:
        told = json.loads(one.payload) if one.kind in {"run", KIND} else {}
        if one.kind == "run":
            recorded.add((str(told.get("run")), str(told.get("bundle_sha256"))))
        same = (told.get("candidate_sha256"), told.get("conditions_sha256")) == (sought.candidate_sha256, sought.conditions_sha256)
        if one.kind == KIND and same and (str(told.get("run")), str(told.get("bundle_sha256"))) in recorded:
            yield str(told.get("envelope"))


def _elsewhere(one: Signed, sought: Sought, latest: datetime) -> str | None:
    """Why a verified sign-off is not for this run."""
    said = one.sign_off
    signed = (one.candidate_sha256, said.policy.sha256, dict(said.datasets), said.conditions_sha256)
    if signed != (sought.candidate_sha256, sought.policy_sha256, dict(sought.datasets), sought.conditions_sha256):
        return f"{said.words}: signed another candidate, policy, data set or condition"
    overdue = said.overdue(latest.date())
    return None if overdue is None else f"{said.words}: {overdue}"
