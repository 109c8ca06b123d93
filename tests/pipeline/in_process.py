"""`audit run` without a process of its own, for tests of what it decides and says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pytest

    from audit.record import AuditRun


def audited(folder: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, Any], **tables: pd.DataFrame) -> AuditRun:
    """The audit of a policy over tables, each written as CSV under its name."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AUDIT_CACHE", str(folder / "cache"))
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")
    return audit_policy(folder / "policy.yaml", Options(folder / "reports", "audit run"), Silent()).audit


def remarks(audit: AuditRun) -> str:
    """What a reader of the decision is told beside it."""
    return "\n".join(reason.text for reason in audit.verdict.reasons if reason.remark)
