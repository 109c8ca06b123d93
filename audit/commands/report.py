"""`audit report`: the page of a stored run, or another format, written again from its record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import __version__, files, report
from audit.bundle import reader
from audit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from audit.export import Export


def write(bundle: Path, out: Path) -> tuple[str, ...]:
    """Write the page to a file outside of the bundle; what a reader must know of it."""
    audit = reader.audit_run(bundle, tables=False)
    _replace(bundle, out, report.render(audit))
    if audit.run.version == __version__:
        return ()
    return (
        f"the run was made by audit {audit.run.version} and the page by audit {__version__}: it may differ from the bundle's report.html",
    )


def export(bundle: Path, formats: tuple[Export, ...], folder: Path) -> tuple[Path, ...]:
    """Write the files of further formats below a folder outside of the bundle; their places."""
    audit = reader.audit_run(bundle, tables=False)
    texts = {folder / name: text for one in formats for name, text in one.files(audit).items()}
    for place, text in texts.items():
        _replace(bundle, place, text)
    return tuple(texts)


def _replace(bundle: Path, out: Path, text: str) -> None:
    if out.resolve().is_relative_to(bundle.resolve()):
        msg = f"{out}: lies in the bundle, which a new file would change: name a place elsewhere with -o"
        raise InputError(msg)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        files.replace(out, text.encode("utf-8", "backslashreplace").decode())  # as the bundle has it
    except OSError as error:
        msg = f"{out}: cannot be written ({error.strerror}): name another place with -o"
        raise InputError(msg) from error
