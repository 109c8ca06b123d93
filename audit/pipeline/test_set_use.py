"""Repeated use of a test set: each look is written to the ledger before anything is measured, and judged at what is left to spend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import catalog
from audit.datasets.identity import columns_sha256, rows_sha256
from audit.decision.finding import Reason
from audit.decision.judge import one_sided
from audit.ledger.alpha_spending import Look, Plan, Spent, left, levels
from audit.ledger.test_set_usage import Identity, exchanged, wear
from audit.record import LookFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from audit.datasets import Dataset
    from audit.ledger import Entry, Ledger
    from audit.ledger.test_set_usage import Wear
    from audit.policy import LoadedPolicy
    from audit.policy.schema import Policy, Requirement

WORN = 20
"""Candidates on one test set, without `looks`, from which on a remark says so."""


@dataclass(frozen=True, slots=True)
class LookRequest:
    """Who looks at what."""

    loaded: LoadedPolicy
    candidate: str
    """Digest."""
    sets: Mapping[str, Identity]
    """By role, each data set that a requirement measures the candidate on."""
    started: str


@dataclass(frozen=True, slots=True)
class Looks:
    """This run's looks, on the ledger as it was when they were counted."""

    before: Sequence[Entry]
    """The ledger's entries, verified, that everything here follows from."""
    facts: tuple[LookFacts, ...]
    look: str | None
    """Digest of the look's own entry, where the policy has `looks`."""
    sets: Mapping[str, Identity]
    spent: Mapping[str, tuple[Look, ...]]
    """By role under `looks`: every look at the set, this one last."""

    @property
    def head(self) -> str | None:
        """Digest of the newest entry before."""
        return self.before[-1].digest if self.before else None

    def spending(self, policy: Policy) -> dict[str, Spent]:
        """What each requirement may use towards a pass, by its id; absent where nothing is spent."""
        found = {}
        for one in policy.require:
            looks = self.spent.get(one.on)
            if looks is not None and catalog.discover()[one.check].asks_the_model:
                alpha = one_sided(one, policy.confidence)
                found[one.id] = Spent(looks[-1].number, looks[-1].plan.most, levels(looks, alpha)[-1], alpha)
        return found

    def blocking_reasons(self) -> Iterator[Reason]:
        """What blocks: test sets that have served as often as planned, or have nothing left."""
        for one in self.facts:
            if one.exhausted:
                text = f"The test set {one.role} is used up: look {one.number} of {one.most}. Audit on rows that nobody has looked at."
                yield Reason("test-set-exhausted", None, text)

    def remarks(self) -> Iterator[Reason]:
        """What a reader must know of sets that wear out without a plan."""
        for one in self.facts:
            if one.most is None and one.candidates > WORN:
                text = f"{one.candidates:,} candidates were held against the test set {one.role}: the best of many looks better than it is."
                yield Reason("test-set-worn", None, f"{text} Add `looks`, or fresh rows.")

    def entry(self) -> dict[str, object]:
        """What the entry of the run says of them."""
        return {"test_sets": _identities_to_json(self.sets)} | ({} if self.look is None else {"look": self.look})


def test_sets(policy: Policy, datasets: Mapping[str, Dataset], measured: Iterable[Requirement]) -> dict[str, Identity]:
    """Data sets on which these requirements measure the candidate: whole ones, however few of their rows a smoke run reads."""
    roles = dict.fromkeys(one.on for one in measured if catalog.discover()[one.check].asks_the_model)
    whole = {role: datasets[role].whole or datasets[role] for role in roles}
    others = policy.comparator_columns
    return {role: Identity(data.sha256, rows_sha256(data, without=others), columns_sha256(data)) for role, data in whole.items()}


def next_look(loaded: LoadedPolicy, sets: Mapping[str, Identity], entries: Sequence[Entry]) -> dict[str, Spent]:
    """What each requirement may use towards a pass when a candidate that nobody has seen yet is measured, by its id."""
    return _looks(entries, LookRequest(loaded, "", sets, ""), None).spending(loaded.policy)


def take(ledger: Ledger, asked: LookRequest) -> Looks:
    """Count this run's looks; under a policy with `looks` also write them down, so that a run that is killed still counts.

    The number is given while no other run can append: two runs at once never take the same one.
    """
    if asked.loaded.policy.looks is None or not asked.sets:
        return _looks(ledger.verified(), asked, None)
    before, entry = ledger.extend(asked.started, "look", lambda entries: _payload(entries, asked))
    return _looks(before, asked, entry.digest)


def _payload(entries: Sequence[Entry], asked: LookRequest) -> dict[str, object]:
    """What a look's entry keeps; every later look at the set is judged by it."""
    loaded, plan = asked.loaded, _plan(asked.loaded.policy)
    assert plan is not None  # noqa: S101  # a look is written only under a plan
    return {
        "policy": loaded.policy.policy,
        "policy_sha256": loaded.sha256,
        "candidate_sha256": asked.candidate,
        "test_sets": _identities_to_json(asked.sets),
        "numbers": {role: wear(entries, rows).number(asked.candidate) for role, rows in asked.sets.items()},
        "max": plan.most,
        "spending": plan.spending,
    }


def _identities_to_json(sets: Mapping[str, Identity]) -> dict[str, dict[str, object]]:
    return {role: one.to_json() for role, one in sets.items()}


def _plan(policy: Policy) -> Plan | None:
    return None if policy.looks is None else Plan(policy.looks.max, policy.looks.spending)


def _looks(before: Sequence[Entry], asked: LookRequest, look: str | None) -> Looks:
    plan, worn = _plan(asked.loaded.policy), {role: wear(before, rows) for role, rows in asked.sets.items()}
    spent = {} if plan is None else {role: (*one.looks, _this(one, asked, plan)) for role, one in worn.items()}
    facts = tuple(_facts(role, one, before, asked) for role, one in worn.items())
    return Looks(before, facts, look, asked.sets, spent)


def _this(worn: Wear, asked: LookRequest, plan: Plan) -> Look:
    return Look(asked.candidate, worn.number(asked.candidate), plan)


def _facts(role: str, worn: Wear, before: Sequence[Entry], asked: LookRequest) -> LookFacts:
    """One set's use, this run included."""
    policy, number = asked.loaded.policy, worn.number(asked.candidate)
    found = LookFacts(
        role=role,
        decisions=worn.decisions + 1,
        candidates=len({*worn.candidates, asked.candidate}),
        number=number,
        alpha=round((1 - policy.confidence) / 2, 12),
        exchanged=exchanged(before, policy=policy.policy, role=role, now=asked.sets[role]),
    )
    plan = _plan(policy)
    if plan is None:
        return found
    looks = (*worn.looks, _this(worn, asked, plan))
    level = levels(looks, found.alpha)[-1]
    return replace(found, most=plan.most, spending=plan.spending, level=level, left=left(looks, found.alpha))
