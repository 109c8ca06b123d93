"""The whole report: views in, one HTML string out. Views hold finished strings; templates compute nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined
from markupsafe import Markup, escape

from audit.report import text as prose
from audit.report.appendix import FileRow, MethodNote, Reproduction, files, methods, reproduction
from audit.report.banner import Banner, banner, running_heads
from audit.report.crosswalk import CrosswalkView, crosswalk
from audit.report.decision import Decision, decision
from audit.report.entries import entries
from audit.report.evidence_table import Legend, Line, evidence_table, grades, legend
from audit.report.findings import Changes, FindingView, changes, finding_views
from audit.report.follow_up import Expiry, OpenCondition, Risk, Waiver, calendar, conditions, register, waivers
from audit.report.operations import Operations, operations
from audit.report.rmf import Rmf, TraitLine, rmf, traits
from audit.report.rows import Rows, rows
from audit.report.scope import PolicySince, Scope, policy_since, scope
from audit.report.sign_off import NOTHING, Added, SignOff, signed, state
from audit.report.since import ResultsSince, results_since
from audit.report.windows import Windows, windows

if TYPE_CHECKING:
    from audit.record import AuditRun
    from audit.report.history.page import HistoryPage


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the templates print."""

    banner: Banner
    heads: dict[str, str]
    """Running heads and foot, escaped for CSS."""
    decision: Decision
    windows: Windows | None
    """None for `audit run`."""
    scope: Scope
    since: PolicySince
    results_since: ResultsSince
    legend: Legend
    lines: tuple[Line, ...]
    grades: str
    rmf: Rmf
    traits: tuple[TraitLine, ...]
    open_findings: tuple[FindingView, ...]
    passed_findings: tuple[FindingView, ...]
    rows: Rows
    changes: Changes
    risks: tuple[Risk, ...]
    conditions: tuple[OpenCondition, ...]
    waivers: tuple[Waiver, ...]
    operations: Operations
    calendar: tuple[Expiry, ...]
    signed: SignOff
    crosswalk: tuple[CrosswalkView, ...]
    files: tuple[FileRow, ...]
    reproduction: Reproduction
    methods: tuple[MethodNote, ...]


def page(run: AuditRun, added: Added = NOTHING) -> Page:
    """The views of one run, with what was added to its bundle since."""
    found = entries(run)
    head = banner(run, found, state(run, added))
    open_findings, passed_findings = finding_views(run, found)
    return Page(
        banner=head,
        heads=running_heads(head),
        decision=decision(run, found),
        windows=windows(run, found),
        scope=scope(run),
        since=policy_since(run),
        results_since=results_since(run, found),
        legend=legend(run),
        lines=evidence_table(found),
        grades=grades(found),
        rmf=rmf(run, found, added.roles),
        traits=traits(run, found),
        open_findings=open_findings,
        passed_findings=passed_findings,
        rows=rows(run.sampled, run.candidate.classes),
        changes=changes(run, found),
        risks=register(run, found),
        conditions=conditions(run, found),
        waivers=waivers(run, found),
        operations=operations(run, found),
        calendar=calendar(run, found),
        signed=signed(run, found, added),
        crosswalk=crosswalk(run, found),
        files=files(run, found),
        reproduction=reproduction(run),
        methods=methods(found),
    )


def render(audit_run: AuditRun, added: Added = NOTHING) -> str:
    """One self-contained HTML file: no network, readable without JavaScript, the same bytes for the same run and signatures."""
    script = _static("report.js")
    views = page(audit_run, added)
    return (
        _environment()
        .get_template("report.html")
        .render(
            **{one.name: getattr(views, one.name) for one in fields(views)},
            style=Markup(_static("report.css")),  # noqa: S704  # our own file
            script=Markup(script),  # noqa: S704  # our own file
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def render_history(views: HistoryPage) -> str:
    """The history page: one self-contained HTML file without any script."""
    return (
        _environment()
        .get_template("history.html")
        .render(**{one.name: getattr(views, one.name) for one in fields(views)}, style=Markup(_static("report.css")))  # noqa: S704  # our own file
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("audit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["prose"] = _prose
    return environment


def _breakable(identifier: str) -> Markup:
    """An id that may be broken after a slash or an underscore, so that it fits a narrow column."""
    return Markup(re.sub(r"([/_])", r"\1<wbr>", str(escape(prose.clean(identifier)))))  # noqa: S704  # escaped before the breaks go in


def _prose(said: str) -> Markup:
    """A sentence in which names of fields and parameters stand in backticks, as docstrings write them."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(prose.clean(said)))))  # noqa: S704  # escaped before the marks go in


def _printable(value: object) -> str:
    """Whatever a template prints passes through here: finished strings only, cleaned of characters that act unseen."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, Undefined):
        return str(value)  # raises, with the name that no view gives
    if not isinstance(value, str):
        msg = f"a view gives finished strings, not {type(value).__name__}"
        raise TypeError(msg)
    return prose.clean(value)


def _static(name: str) -> str:
    return resources.files("audit.report").joinpath("static", name).read_text(encoding="utf-8")
