"""What the commands on keys and waivers do: drafts from a bundle's findings, and the lines that are printed."""

from __future__ import annotations

import json
import math
import os
import re
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, cast

from audit import catalog, files, phrases
from audit.bundle import reader
from audit.decision.finding import bounds
from audit.errors import InputError
from audit.evidence import OVERALL
from audit.formatting import moment, quoted
from audit.governance import keys
from audit.governance.apply_waivers import preview
from audit.governance.waiver_files import SUFFIXES, read_folder, read_waiver
from audit.governance.waiver_validity import FILL_IN, LONGEST_DAYS, situation, unwritten
from audit.ledger import Ledger, times
from audit.policy.messages import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from audit.decision.finding import Finding
    from audit.governance.apply_waivers import WaiverState
    from audit.governance.signed_file import Line
    from audit.ledger import Place
    from audit.policy import LoadedPolicy
    from audit.record import AuditRun


_WORDS = {"in_force": "in force", "void": "void", "unused": "unused"}


def keygen(name: str, line: int, role: str | None, folder: Path, ask: keys.Prompt) -> list[str]:
    """Make a pair of keys and say what to do with each. The passphrase comes from the environment, else from whoever is asked."""
    passphrase = os.environ.get(keys.PASSPHRASE) or ask(f"{name}.key")
    secret, public = keys.keygen(name, cast("Line", line), role, folder, passphrase=passphrase)
    key = keys.fingerprint(keys.read_key(public))[:16]
    how = "protected by its passphrase" if passphrase else f"not protected by a passphrase; {keys.PASSPHRASE} or a terminal gives it one"
    return [
        f"{secret}: the private key. Keep it to yourself: it is {how}",
        f"{public}: the public key {key}",
        "name the public key's file in a policy, under trust.keys, for its signatures to count",
    ]


def waive(bundle: Path, finding: str, folder: Path) -> list[str]:
    """Write a draft and say what is left to do."""
    path = draft(bundle, finding, folder, times.now())
    left = ", ".join(unwritten(read_waiver(path)))
    return [
        f"{path}: written, and void until it is signed",
        f"first write: {left}",
        f"then: audit sign {path} --key NAME.key --role ROLE",
    ]


def checked(path: Path) -> list[str]:
    """A waiver by itself; whether its signatures count is a policy's to say."""
    file = read_waiver(path)
    waiver, count = file.waiver, len(file.waiver.approvals)
    shown = [f"{path}: {waiver.id} can be read: for {waiver.check} of {waiver.scope.model} until {moment(waiver.expires_at)}"]
    shown += [f"{path}: not filled in: {', '.join(missing)}"] if (missing := unwritten(file)) else []
    shown.append(f"{path}: signatures: {count}; which of them count depends on the keys of a policy: audit validate POLICY")
    return shown


def of_policy(loaded: LoadedPolicy, ledger: Place) -> list[str]:
    """The state of every waiver of a policy, as far as it is known before anything is measured. PolicyError if one cannot be read."""
    folder = read_folder(loaded)
    entries = Ledger(ledger).verified() if folder.waivers else ()
    known = catalog.discover()
    required = [(one, bounds(one, known[one.check].better)) for one in loaded.policy.require]
    return list(lines(preview(required, situation(loaded, folder, None, times.now(), entries=entries))))


def lines(states: Iterable[WaiverState]) -> Iterable[str]:
    """One line a waiver: whether it is in force, and why not."""
    for one in states:
        more = "; ".join(one.why) or f"until {moment(datetime.fromisoformat(one.until))}, approved by {' and '.join(one.approved_by)}"
        yield f"{one.file}: {one.id} for {one.check}: {_WORDS[one.standing]}: {more}" + (f"; {one.warning}" if one.warning else "")


def draft(bundle: Path, finding_id: str, folder: Path, now: datetime) -> Path:
    """Write the draft of a waiver into a folder; returns its path. Nothing is overwritten."""
    audit = reader.audit_run(bundle, tables=False)
    finding = next((one for one in audit.findings if one.id == finding_id), None)
    if finding is None:
        msg = f"{bundle} has no finding {finding_id!r}; {nearest(finding_id, [one.id for one in audit.findings])}"
        raise InputError(msg)
    if refusal := _refusal(finding):
        msg = f"{finding_id}: {refusal}"
        raise InputError(msg)
    path = folder / f"{_unused(folder)}.yaml"
    text = _text(audit, finding, path, now.astimezone(UTC).replace(microsecond=0))
    try:
        files.write_new(path, text)
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror}): name another folder with -o"
        raise InputError(msg) from error
    return path


def _refusal(finding: Finding) -> str | None:
    """Why no waiver could ever cover a finding."""
    if finding.requirement.severity == "critical":
        return "what is critical cannot be waived"
    if finding.requirement.enforce == "advisory":
        return "is advisory and decides nothing: there is nothing to waive"
    if finding.status not in {"fail", "inconclusive"}:
        return f"its status is {finding.status}: only a fail or an inconclusive finding can be waived"
    if _side(finding) is None:
        return "nothing was measured that a waiver could cover: fix what prevents the measurement"
    return None


def _side(finding: Finding) -> tuple[str, float] | None:
    """The side that is missed and the unfavourable end of the interval; None where that end is open, or both sides are missed."""
    if finding.headline is None:
        return None
    low, high = finding.headline.interval
    limits = _limits(finding)
    below = "min" in limits and low < limits["min"]
    above = "max" in limits and high > limits["max"]
    floor = below or ("min" in limits and not above)  # neither: the bound is met, on too few rows
    end = low if floor else high
    return None if (below and above) or not math.isfinite(end) else (">=" if floor else "<=", end)


def _limits(finding: Finding) -> dict[str, float]:
    return {"min" if bound.floor else "max": bound.limit for bound in finding.bounds}


def _unused(folder: Path) -> str:
    """An id that no file of the folder mentions."""
    files = [one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES] if folder.is_dir() else []
    texts = [one.name + one.read_text(encoding="utf-8", errors="replace") for one in files if one.is_file()]
    taken = [int(found) for text in texts for found in re.findall(r"\bW-([0-9]{1,9})\b", text)]
    return f"W-{max(taken, default=0) + 1}"


def _text(audit: AuditRun, finding: Finding, path: Path, now: datetime) -> str:
    """The file, in the order in which people read it."""
    op, end = _side(finding) or ("", math.nan)
    limits, days = _limits(finding), LONGEST_DAYS[finding.requirement.severity]
    last = datetime.combine((now + timedelta(days=days - 1)).date(), time(23, 59, 59), UTC)
    unproven = list(dict.fromkeys(str(name) for side in finding.sides for name in side.unproven))
    names = [] if unproven == [str(OVERALL)] else unproven
    return f"""\
# Void until people have written wherever it says {FILL_IN}, and two of them have signed, one of line 2 and independent:
#   audit sign {path.name} --key NAME.key --role ROLE
# Signatures cover every word but these comments. It is for this finding:
#   {quoted(phrases.message(finding))}
id: {path.stem}
check: {quoted(finding.id)}
slices: [{", ".join(map(quoted, names))}]
scope:
  model: {quoted(audit.policy.policy)}
  sha256: {quoted(audit.candidate.sha256)}
  threshold: {{min: {json.dumps(limits.get("min"))}, max: {json.dumps(limits.get("max"))}}}
reason: "{FILL_IN}: why this is acceptable for a time"
risk_accepted: "{FILL_IN}: what may go wrong meanwhile, and for whom"
compensating_controls:
  - description: "{FILL_IN}: what limits the harm meanwhile"
    owner: "{FILL_IN}: who keeps it up"
    evidence: "{FILL_IN}: where one sees that it works"
# a result worse than this voids the waiver
valid_while: {{metric: {quoted(finding.check.id)}, op: "{op}", value: {json.dumps(end)}}}
remediation:
  plan: "{FILL_IN}: what will make the check pass"
  due: "{last.date().isoformat()}"
granted_at: "{now.isoformat().replace("+00:00", "Z")}"
expires_at: "{last.isoformat().replace("+00:00", "Z")}"
# id of the waiver that this one renews, once at most
renewal_of: null
requested_by: "{FILL_IN}: name"
approvals: []
"""
