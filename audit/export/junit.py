"""JUnit XML, which every CI system shows: a test case a requirement, and one for the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from audit import phrases
from audit.export import Export
from audit.export._outcomes import blocking, meaning, sentence
from audit.formatting import neutral

if TYPE_CHECKING:
    from audit.decision.finding import Finding
    from audit.record import AuditRun

_CHILD = {"bad": "failure", "unproven": "failure", "broken": "error", "advisory": "skipped", "not_applicable": "skipped"}
"""What a test case holds. A required check without proof is a failure: skipped tests pass every CI system."""


def text(audit: AuditRun) -> str:
    """The document. Control characters are spelt out, since XML has none."""
    cases = [_case(finding, audit.run.timings.get(finding.id, 0.0)) for finding in audit.findings]
    cases.append(_decision(audit))
    count = {child: str(sum(case.find(child) is not None for case in cases)) for child in ("failure", "error", "skipped")}
    numbers = {"tests": str(len(cases)), "failures": count["failure"], "errors": count["error"], "skipped": count["skipped"]}
    seconds = f"{audit.run.seconds:.3f}"
    root = ET.Element("testsuites", {"name": "audit"} | numbers | {"time": seconds})
    about = {"name": neutral(audit.policy.policy)} | numbers | {"time": seconds, "timestamp": audit.run.started.split("+")[0]}
    suite = ET.SubElement(root, "testsuite", about)
    suite.extend(cases)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(finding: Finding, seconds: float) -> ET.Element:
    family, _, name = finding.check.id.rpartition("/")
    shown = name if finding.id == finding.check.id else f"{name}: {finding.id}"
    case = ET.Element("testcase", {"classname": neutral(f"audit.{family}"), "name": neutral(shown), "time": f"{seconds:.3f}"})
    what = meaning(finding)
    told = neutral(sentence(finding))
    if (child := _CHILD.get(what)) is not None:
        said = f"{finding.requirement.enforce}, {finding.requirement.severity}: {finding.status}"
        ET.SubElement(case, child, {"message": told} if child == "skipped" else {"message": told, "type": said}).text = neutral(
            phrases.remedy(finding)
        )
    elif what == "waived":
        waiver = finding.waiver
        ET.SubElement(case, "system-out").text = f"WAIVED {'' if waiver is None else neutral(waiver.id)}: {told}"
    return case


def _decision(audit: AuditRun) -> ET.Element:
    """Fails unless the exit code is 0: so a block for reasons beyond any check is red too."""
    case = ET.Element("testcase", {"classname": "audit", "name": "decision", "time": "0.000"})
    verdict = audit.verdict
    if verdict.exit_code != 0:
        told = " ".join([f"{verdict.decision} (exit code {verdict.exit_code}).", *blocking(audit)])
        child = "error" if verdict.exit_code == 3 else "failure"  # noqa: PLR2004  # the tool broke or the audit is incomplete
        ET.SubElement(case, child, {"message": neutral(told), "type": verdict.decision})
    return case


EXPORTS = (Export("junit", "test results for CI systems (JUnit XML)", lambda audit: {"junit.xml": text(audit)}),)
