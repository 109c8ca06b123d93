"""`audit run` and `audit validate` of one policy or of several: each by itself, then one exit code for all."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from audit.cli.base import paint, say
from audit.cli.display import display, progress
from audit.cli.exit_codes import BROKEN, GOOD, USAGE, guarded, tell
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.decision.finding import Finding
    from audit.pipeline.run import Options
    from audit.record import AuditRun

WORST_FIRST = (BROKEN, USAGE, 1, 4, GOOD)
"""Exit codes of several policies: what could not be audited outranks what was refused, for nobody knows what it would have said."""
DECISIONS: Mapping[int, str] = {
    GOOD: "promote",
    1: "block",
    USAGE: "bad policy or input",
    BROKEN: "incomplete or broken",
    4: "conditions await signatures",
}
VALIDITY: Mapping[int, str] = {GOOD: "valid", USAGE: "not valid"}
_POLICIES = (".yaml", ".yml")


def policy_files(named: Sequence[Path]) -> list[Path]:
    """Every policy that the command line names; of a folder all that lie in it, without waivers and approvals."""
    found: list[Path] = []
    for path in named:
        files = _in_folder(path) if path.is_dir() else [path]
        if not files:
            msg = f"{path}: no policy lies in this folder: name a policy file, or a folder with .yaml files that are policies"
            raise InputError(msg)
        found += files
    return list(dict.fromkeys(found))


def _in_folder(folder: Path) -> list[Path]:
    from audit.governance import waiver_files

    files = sorted(path for path in folder.iterdir() if path.suffix in _POLICIES and path.is_file() and not path.name.startswith("."))
    return [path for path in files if not path.stem.endswith(".approvals") and not waiver_files.is_waiver(path)]


def each(policies: Sequence[Path], work: Callable[[Path], int], meanings: Mapping[int, str] = DECISIONS, *, err: bool = False) -> int:
    """The exit code of some work on each policy; of several the worst one, with a table of all at the end.

    `err` sends the table to standard error, where a format prints results instead.
    """
    if len(policies) == 1:
        return work(policies[0])
    codes = {}
    for path in policies:
        if not display.quiet:
            tell([f"== {path}"])
        codes[path] = guarded(partial(work, path))
    if not display.quiet:
        (tell if err else say)(["", *_table(codes, meanings)])
    return worst(codes.values())


def worst(codes: Iterable[int]) -> int:
    """The exit code of several policies; one that no audit ends with counts as broken."""
    known = {code if code in WORST_FIRST else BROKEN for code in codes}
    return next((code for code in WORST_FIRST if code in known), BROKEN)


def _table(codes: Mapping[Path, int], meanings: Mapping[int, str]) -> Iterator[str]:
    first = max(len(str(path)) for path in codes)
    for path, code in sorted(codes.items(), key=lambda item: WORST_FIRST.index(worst([item[1]]))):
        yield f"{path!s:<{first}}  {code}  {meanings.get(code, 'broken')}"


def tell_of_new_ledger(out: Path) -> None:
    """On a fresh runner of a CI system nobody would notice that the ledger of earlier runs is missing."""
    from pathlib import Path

    from audit.ledger import ledger_path

    place = ledger_path(out)
    if os.environ.get("CI", "").lower() not in {"", "0", "false"} and isinstance(place, Path) and not place.exists():
        text = f"{place}: no ledger here, so looks at test sets and the check for a loosened policy start anew: keep it between runs,"
        tell([f"{text} or set AUDIT_LEDGER to a database (docs/ci.md)"])


def audit(policy: Path, options: Options, changed_since: Path | None) -> int:
    """One audit in the supervised process."""
    import contextlib

    from audit.bundle import reader
    from audit.cli import exported, summary
    from audit.commands import history_page
    from audit.pipeline.run import audit_policy

    before = None if changed_since is None else reader.audit_run(changed_since, tables=False)
    with exported.step_summary(options.exports) as step_summary:
        with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no result
            outcome = audit_policy(policy, options, progress(), on_finding=tell_of_finding)
        exported.publish(options.exports, outcome.place, step_summary)
    printed = any(one.instead for one in options.exports)
    if display.quiet:
        paint([summary.decision_line(outcome.audit)], err=printed)
    else:
        paint(summary.lines(outcome.audit, str(outcome.place)), err=printed)
    if display.verbose:
        tell(_timings(outcome.audit))
    if before is not None and not display.quiet:
        (tell if printed else say)(summary.reuse_lines(before, outcome.audit))
    tell(history_page.rebuild(options.out))
    return outcome.audit.verdict.exit_code


def tell_of_finding(finding: Finding) -> None:
    """Under -v each finding as it comes."""
    if display.verbose:
        tell([f"{finding.id}: {finding.status}, " + ("evidence kept by an earlier run" if finding.reused else f"{finding.seconds:.1f} s")])


def _timings(audit: AuditRun) -> Iterator[str]:
    """Seconds of each stage before and after measuring, and of the whole run."""
    findings = {one.id for one in audit.findings}
    yield from (f"{name}: {seconds:.1f} s" for name, seconds in audit.run.timings.items() if name not in findings)
    yield f"run {audit.run.id}: {audit.run.seconds:.1f} s"
