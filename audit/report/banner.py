"""The head of the report: decision, dates, digests, signature, and what must be said on its face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.report import production
from audit.report import text as prose
from audit.report.entries import Fact

if TYPE_CHECKING:
    from audit.policy.schema import Policy
    from audit.record import AuditRun
    from audit.report.entries import Entries
    from audit.report.sign_off import State

_SUBTITLES = {"block": "must not be released", "promote": "may be released", "promote-with-conditions": "may be released under conditions"}
_CAUTION = "Aligned evidence, not a certification."
_NO_DATE = {True: "nothing released", False: "no end date set"}
_GENERATED = ("generated", "synthetic")


@dataclass(frozen=True, slots=True)
class Banner:
    """Everything above the first section."""

    policy: str
    run: str
    key: str
    word: str
    subtitle: str
    facts: tuple[Fact, ...]
    signature: State
    basis: str
    until: str
    """`until 4 December 2026`, or that there is nothing to expire."""
    until_iso: str
    first: str
    """What an operator does first; empty for `audit run`."""
    generated: str
    """Empty where no data set says that it was made up."""


def banner(run: AuditRun, found: Entries, signature: State) -> Banner:
    """The head of this run's report; of a window in an operator's words."""
    made = _banner(run, signature)
    facts = run.monitor
    if facts is None:
        return made
    window = Fact("Window", prose.clip(facts.window.key, 40), production.window_note(facts))
    return replace(
        made,
        key=production.HUES[facts.outcome],
        word=prose.outcome(facts.outcome),
        subtitle=production.subtitle(run, facts),
        facts=(window, *made.facts[1:]),
        until=f"window {prose.clip(facts.window.key, 24)}",
        until_iso="",
        first=production.first_action(run, found),
    )


def _banner(run: AuditRun, signature: State) -> Banner:
    policy, decision = run.policy, run.verdict.decision
    return Banner(
        policy=policy_name(policy),
        run=run.run.id,
        key=decision,
        word=prose.DECISIONS[decision],
        subtitle=f"{policy.policy}, candidate of {prose.day(run.run.started)}, {_SUBTITLES[decision]}",
        facts=(
            _validity(run),
            Fact("Policy", policy_name(policy), prose.digest(run.policy_sha256)),
            Fact("Model", prose.clip(run.candidate.description, 64), prose.digest(run.candidate.sha256)),
            Fact("Run", run.run.id, prose.moment(run.run.started)),
        ),
        signature=signature,
        basis=f"Decided by audit {run.run.version}, by rule and from measurements. {signature.sentence} {_CAUTION}",
        until=f"until {prose.day(run.valid_until)}" if run.valid_until else _NO_DATE[decision == "block"],
        until_iso=run.valid_until or "",
        first="",
        generated=_generated(run),
    )


def _validity(run: AuditRun) -> Fact:
    if run.valid_until:
        return Fact("Valid until", prose.day(run.valid_until), "after that the answer is block")
    if run.verdict.decision == "block":
        return Fact("Valid until", "no date", "nothing is released, nothing expires")
    return Fact("Valid until", "no date set", "the policy names no period (valid_for)")


def policy_name(policy: Policy) -> str:
    """`complaint-triage v3`."""
    return f"{policy.policy} v{policy.version}"


def _generated(run: AuditRun) -> str:
    """Says which data sets are made up, where their source says so."""
    roles = [data.role for data in run.datasets if any(mark in (data.source or "").lower() for mark in _GENERATED)]
    if not roles:
        return ""
    which = "every data set of this run" if len(roles) == len(run.datasets) else prose.listed(roles)
    return f"Made up, by the source that the policy names: {which}."


def running_heads(head: Banner) -> dict[str, str]:
    """The words that a printer repeats on every page, escaped for CSS."""
    parts = {
        "left": f"{head.policy} · run {head.run}",
        "right": f"{head.word} · {head.until} · {head.signature.word}",
        "foot": ("Generated data: nobody in it is real · " if head.generated else "") + "aligned evidence, not a certification",
    }
    return {name: prose.css_string(prose.clip(text, 90)) for name, text in parts.items()}
