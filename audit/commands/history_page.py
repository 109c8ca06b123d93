"""`index.html` beside the bundles: the history of a ledger, rebuilt after every run and every window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import files
from audit.commands.past import history
from audit.errors import AuditError, InputError
from audit.ledger import Ledger, ledger_path
from audit.report.history.page import history_page
from audit.report.page import render_history

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NAME = "index.html"
_OWN, _BEGIN = b"<title>History of audits</title>", 4096
"""What our own page says among its first bytes."""


def write(out: Path, problems: Sequence[str] = (), states: Mapping[int, str] | None = None) -> Path:
    """Write the page, with what is not as recorded; its place. `states` are those of bundles that were checked."""
    ledger = Ledger(ledger_path(out))
    page = history_page(history(out, ledger.verified(), states), ledger.name, problems)
    place = out / NAME
    _refuse_foreign(place)
    try:
        out.mkdir(parents=True, exist_ok=True)
        files.replace_bytes(place, render_history(page).encode("utf-8", "backslashreplace"))
    except OSError as error:
        msg = f"{place}: cannot be written ({error.strerror})"
        raise InputError(msg) from error
    return place


def _refuse_foreign(place: Path) -> None:
    """A page that somebody else wrote is not replaced."""
    try:
        begin = place.read_bytes()[:_BEGIN] if place.is_file() else _OWN
    except OSError:
        begin = b""
    if _OWN not in begin:
        msg = f"{place}: is another page than the history of audits; move it away, or name another folder with -o"
        raise InputError(msg)


def rebuild(out: Path) -> tuple[str, ...]:
    """Write the page after a run that is recorded already; why it could not be written, which changes nothing about the run."""
    try:
        write(out)
    except AuditError as error:
        return tuple(f"history not rebuilt: {line}" for line in error.lines)
    except Exception as error:  # noqa: BLE001  # a page for reading must not turn a recorded run into a broken one
        return (f"history not rebuilt: {type(error).__name__}: {error}",)
    return ()
