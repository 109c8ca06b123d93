"""`audit report --format pdf`: the same content on paper, with its figures, and nothing fetched from anywhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit.errors import MissingExtra
from audit.report import pdf, render
from tests.command import audit
from tests.report import example
from tests.signing import audited

if TYPE_CHECKING:
    from pathlib import Path

POPPLER = shutil.which("pdftotext") and shutil.which("pdfinfo") and shutil.which("pdftoppm")
needs_poppler = pytest.mark.skipif(not POPPLER, reason="needs pdftotext, pdfinfo and pdftoppm of poppler-utils to read PDF back")


def output(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The PDF of a blocked run."""
    pytest.importorskip("weasyprint", reason="needs the extra pdf")
    place = tmp_path_factory.mktemp("pdf") / "page.pdf"
    place.write_bytes(pdf.render(render(example.block())))
    return place


@needs_poppler
def test_title_decision_pages_and_every_section_are_there(page: Path) -> None:
    facts = output("pdfinfo", str(page)).decode()
    assert re.search(r"Title: +BLOCK: complaint-triage v3, run ", facts)
    pages = int(re.findall(r"Pages: +(\d+)", facts)[0])
    words = output("pdftotext", "-layout", str(page), "-").decode()
    assert 10 <= pages <= 30
    assert f"page {pages} of {pages}" in words
    assert "must not be released" in words
    for title in ("Decision", "Scope and subject", "Evidence, one line per check", "Sign-off", "Crosswalk", "Method notes and references"):
        assert title in words
    for finding in example.block().findings:
        assert finding.id.split("/")[-1][:20] in words.replace("\n", "")


@needs_poppler
def test_figures_are_drawn_in_their_colours(page: Path) -> None:
    """Marks of what passes and of what fails; no plot is a black box."""
    colours = {(0, 105, 92): 0, (178, 51, 10): 0}
    dark = pixels = 0
    for number in range(4, 8):
        raw = output("pdftoppm", "-r", "72", "-f", str(number), "-l", str(number), str(page))
        body = raw.split(b"\n", 3)[3]
        found = [tuple(body[i : i + 3]) for i in range(0, len(body), 3)]
        for colour in colours:
            colours[colour] += sum(all(abs(a - b) < 40 for a, b in zip(one, colour, strict=True)) for one in found)
        dark += sum(max(one) < 60 for one in found)
        pixels += len(found)
    assert min(colours.values()) > 40, colours
    assert dark < 0.03 * pixels


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever address a page names, no file is read and no host is asked."""
    pytest.importorskip("weasyprint", reason="needs the extra pdf")
    import socket

    asked: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *given: asked.append(given))
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
    (tmp_path / "secret.svg").write_text(svg)
    sheet, image = "http://127.0.0.1:9/a.css", f"{tmp_path.as_uri()}/secret.svg"
    made = pdf.render(
        f'<html><head><link rel="stylesheet" href="{sheet}"></head><body><img src="{image}" alt="withheld"> text</body></html>'
    )
    assert made.startswith(b"%PDF")
    assert asked == []
    if POPPLER:
        (tmp_path / "page.pdf").write_bytes(made)
        assert output("pdftotext", str(tmp_path / "page.pdf"), "-").decode().split() == ["withheld", "text"]


def test_hostile_names_are_words_on_paper() -> None:
    """No script, no address, no program to start: the page's own links alone."""
    pytest.importorskip("weasyprint", reason="needs the extra pdf")
    html = render(example.hostile())
    made = pdf.render(html[: html.index('<section class="sec page" id="evidence"')])
    assert not [word for word in (b"/JavaScript", b"/Launch", b"/URI (http", b"/EmbeddedFile") if word in made]


def test_without_weasyprint_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(MissingExtra, match=r"weasyprint is not installed: pip install 'model-audit-gate\[pdf\]'"):
        pdf.render("<html></html>")


def test_the_command_writes_it_outside_of_the_bundle(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="needs the extra pdf")
    bundle = audited(tmp_path)
    done = audit("report", str(bundle), "--format", "pdf", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{bundle.name}.pdf: written\n")
    assert (tmp_path / f"{bundle.name}.pdf").read_bytes().startswith(b"%PDF")
    done = audit("report", str(bundle), "--format", "pdf", "--format", "csv", cwd=tmp_path)
    assert (done.returncode, "--format pdf: name it alone" in done.stderr) == (2, True)
