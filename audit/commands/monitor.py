"""What `audit monitor` believes of the process that measured: only what the ledger says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import AuditError, ToolError
from audit.ledger import Ledger, ledger_path
from audit.monitor import state
from audit.monitor.run import recorded
from audit.pipeline import record

if TYPE_CHECKING:
    from pathlib import Path

    from audit.pipeline.run import Options


def refuse_unproven(policy: Path, window: Path, options: Options) -> None:
    """ToolError unless the ledger holds every window of the file with an outcome that ends in 0, and bundles that are as recorded."""
    ledger = Ledger(ledger_path(options.out))
    try:
        codes = recorded(policy, window, options)
        own = [one for one in ledger.verified() if one.kind == state.KIND and options.token in one.payload]
        proven = codes is not None and not any(codes) and all(record.state(options.out, one) != record.CHANGED for one in own)
    except AuditError:
        proven = False
    if not proven:
        msg = f"the audit's process ended as if nothing alarmed, and {ledger.name} and the bundles in {options.out} do not say so"
        raise ToolError(msg)
