"""A run's record as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from audit.errors import InputError
from audit.record.run import AuditRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from audit.decision.finding import Finding
    from audit.evidence.codec import Codec

SCHEMA = "audit.record/1"


def to_text(audit: AuditRun) -> str:
    """The whole run as JSON, which reads back equal but for the tables of evidence: those are Parquet files of the bundle."""
    return (
        json.dumps({"schema": SCHEMA, "record": _codec().to_json(audit)}, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    )


def from_text(text: str | bytes, table: Callable[[str], Mapping[str, NDArray[np.generic]]] | None = None) -> AuditRun:
    """The run again; `table` reads the file of a finding's own table, and without it tables stay empty. Anything else is refused."""
    from audit.evidence.codec import UnreadableError

    try:
        plain = json.loads(text)
    except ValueError as error:
        msg = f"the record is no JSON: {error}"
        raise InputError(msg) from error
    schema = plain.get("schema") if isinstance(plain, dict) else None
    if schema != SCHEMA:
        msg = f"the record has the form {schema!r}, and this release reads {SCHEMA}: read it with the release that wrote it"
        raise InputError(msg)
    try:
        audit = _codec().from_json(AuditRun, plain.get("record"))
    except UnreadableError as error:
        msg = f"the record cannot be read: {error}"
        raise InputError(msg) from error
    return audit if table is None else replace(audit, findings=tuple(_with_table(one, table) for one in audit.findings))


def _with_table(finding: Finding, table: Callable[[str], Mapping[str, NDArray[np.generic]]]) -> Finding:
    if finding.evidence is None or finding.evidence_table is None:
        return finding
    return replace(finding, evidence=replace(finding.evidence, table=table(finding.evidence_table)))


@cache
def _codec() -> Codec:
    """Knows every type that a run is made of."""
    from audit.candidates.capabilities import TrainingRecord
    from audit.check import Characteristic, CheckInfo, Measures
    from audit.decision import finding
    from audit.evidence import storage
    from audit.evidence.codec import Codec
    from audit.governance import apply_waivers, keys, policy_approvals, policy_change, policy_diff
    from audit.ledger import alpha_spending, test_set_usage
    from audit.policy import monitoring, schema
    from audit.record import monitor
    from audit.stats import hypothesis_tests

    modules = (
        alpha_spending,
        finding,
        policy_approvals,
        policy_change,
        policy_diff,
        apply_waivers,
        keys,
        test_set_usage,
        monitor,
        monitoring,
        schema,
        hypothesis_tests,
    )
    names: dict[str, object] = {"CheckInfo": CheckInfo, "Characteristic": Characteristic, "Measures": Measures}
    for module in modules:
        names |= {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return Codec(names | storage.types() | {"TrainingRecord": TrainingRecord})
