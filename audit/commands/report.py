"""`audit report`: the page of a stored run, rendered again from its record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import __version__, files, report
from audit.bundle import reader
from audit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def write(bundle: Path, out: Path) -> tuple[str, ...]:
    """Write the page to a file outside of the bundle; what a reader must know of it."""
    audit = reader.audit_run(bundle, tables=False)
    if out.resolve().is_relative_to(bundle.resolve()):
        msg = f"{out}: lies in the bundle, which a new file would change: name a file elsewhere with -o"
        raise InputError(msg)
    try:
        files.replace(out, report.render(audit).encode("utf-8", "backslashreplace").decode())  # as the bundle has it
    except OSError as error:
        msg = f"{out}: cannot be written ({error.strerror}): name another file with -o"
        raise InputError(msg) from error
    if audit.run.version == __version__:
        return ()
    return (
        f"the run was made by audit {audit.run.version} and the page by audit {__version__}: it may differ from the bundle's report.html",
    )
