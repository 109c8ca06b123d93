"""The report in a real browser: no sideways scrolling at any width, and the decision on the first printed page."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from audit.report import render
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit.results import AuditRun

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PDFTOTEXT = shutil.which("pdftotext")
WIDTHS = (320, 390, 834, 1440)
RUNS = [example.block, example.promote, example.crowded]
PROBE = """<script>
document.querySelectorAll("details").forEach(function (one) { one.open = true; });
parent.document.title += " " + document.documentElement.clientWidth + ":" + document.documentElement.scrollWidth;
</script></body>"""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium, and none is installed")]


def chromium(folder: Path, *options: str) -> str:
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
    command = [str(CHROMIUM), *flags, f"--user-data-dir={folder / 'profile'}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("run", [*RUNS, example.hostile])
def test_no_page_scrolls_sideways(run: Callable[[], AuditRun], tmp_path: Path) -> None:
    """With everything unfolded the page is never wider than its window, from the smallest phone to a desk, even with hostile names."""
    html = re.sub(r"<meta http-equiv[^>]*>", "", render(run()))  # the policy would forbid the probe
    (tmp_path / "page.html").write_text(html.replace("</body>", PROBE), encoding="utf-8")
    frames = "".join(f'<iframe src="page.html" style="border:0;width:{width}px;height:900px"></iframe>' for width in WIDTHS)
    (tmp_path / "frames.html").write_text(f"<html><head><title></title></head><body>{frames}</body></html>", encoding="utf-8")
    seen = chromium(
        tmp_path, "--allow-file-access-from-files", "--virtual-time-budget=8000", "--dump-dom", (tmp_path / "frames.html").as_uri()
    )
    title = re.search(r"<title>(.*?)</title>", seen)
    assert title
    widths = [tuple(map(int, pair.split(":"))) for pair in title[1].split()]
    assert len(widths) == len(WIDTHS)
    assert [(window, page) for window, page in widths if page > window] == []


@pytest.mark.skipif(PDFTOTEXT is None, reason="needs pdftotext of poppler-utils to read the printed pages")
@pytest.mark.parametrize("run", RUNS)
def test_decision_is_whole_on_the_first_printed_page(run: Callable[[], AuditRun], tmp_path: Path) -> None:
    """Section 1 ends on page 1 and section 2 begins page 2; every page carries the running words."""
    (tmp_path / "page.html").write_text(render(run()), encoding="utf-8")
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}", (tmp_path / "page.html").as_uri())
    text = subprocess.run([str(PDFTOTEXT), str(tmp_path / "page.pdf"), "-"], capture_output=True, text=True, check=True).stdout
    first, second, *_ = text.split("\f")
    assert "What was not looked at" in first
    assert "What must happen next" in first
    assert "Scope and subject" in second
    assert "Scope and subject" not in first
    pages = text.split("\f")[:-1]
    assert all("UNSIGNED" in page and "not a certification" in page for page in pages)
    assert all(f"page {number} of {len(pages)}" in page for number, page in enumerate(pages, 1))
