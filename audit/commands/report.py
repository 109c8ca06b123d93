"""`audit report`: the page of a stored run, or another format, written again from its record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit import __version__, files, report
from audit.bundle import reader
from audit.errors import InputError
from audit.governance import review, sign_off
from audit.governance.keys import read_keys
from audit.ledger import times
from audit.report.sign_off import Added

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from audit.export import Export


def write(bundle: Path, out: Path, trusted: Sequence[Path] = (), *, pdf: bool = False) -> Iterator[str]:
    """Write the page, as HTML or PDF, to a file outside of the bundle; what a reader must know of it."""
    from audit.report import pdf as pdf_file

    audit = reader.audit_run(bundle, tables=False)
    html = report.render(audit, added(bundle, trusted))
    _replace(bundle, out, pdf_file.render(html) if pdf else html.encode("utf-8", "backslashreplace"))  # as the bundle has it
    if audit.run.version != __version__:
        made = f"the run was made by audit {audit.run.version} and the page by audit {__version__}"
        yield f"{made}: it may differ from the bundle's report.html"


def added(bundle: Path, trusted: Sequence[Path]) -> Added:
    """Signatures and reviews in the bundle, verified under the trusted keys; without keys nothing counts."""
    files_there = [path for path in reader.added(bundle) if ".test-result." not in path.name]
    if not trusted:
        return Added(files=len(files_there))
    keys, now, release = read_keys(trusted), times.latest(times.now()), reader.release(bundle)
    signatures = [path.read_bytes() for path in files_there if path.parent.name == sign_off.FOLDER]
    good, problems = [], []
    for path in (one for one in files_there if one.parent.name == review.FOLDER):
        found = review.read(path.read_bytes(), keys, now)
        why = found if isinstance(found, str) else review.at_odds(found, release, release.statuses)
        if isinstance(found, str) or why is not None:
            problems.append(f"{path.relative_to(bundle).as_posix()}: {why}")
        else:
            good.append(found)
    return Added(sign_off.quorum(release, signatures, keys, now), len(files_there), tuple(good), tuple(problems))


def export(bundle: Path, formats: tuple[Export, ...], folder: Path) -> tuple[Path, ...]:
    """Write the files of further formats below a folder outside of the bundle; their places."""
    audit = reader.audit_run(bundle, tables=False)
    texts = {folder / name: text for one in formats for name, text in one.files(audit).items()}
    for place, text in texts.items():
        _replace(bundle, place, text.encode("utf-8", "backslashreplace"))
    return tuple(texts)


def _replace(bundle: Path, out: Path, content: bytes) -> None:
    if out.resolve().is_relative_to(bundle.resolve()):
        msg = f"{out}: lies in the bundle, which a new file would change: name a place elsewhere with -o"
        raise InputError(msg)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        files.replace_bytes(out, content)
    except OSError as error:
        msg = f"{out}: cannot be written ({error.strerror}): name another place with -o"
        raise InputError(msg) from error
