"""The report in a real browser: no sideways scrolling, labels and contrast that can be read, and the decision on the first printed page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit.report import render
from tests import command
from tests.report import example
from tests.signing import signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PDFTOTEXT = shutil.which("pdftotext")
WIDTHS = (320, 390, 834, 1440)
PHONE = 768
"""Up to this width tables are stacked."""
RUNS = [example.block, example.promote, example.crowded, example.compared, example.rolled_back]
BEYOND_PROBE = "(document.documentElement.scrollWidth - document.documentElement.clientWidth)"
LABEL_PROBE = """Array.from(document.querySelectorAll(".cards td[data-l]")).filter(function (cell) {
  var label = getComputedStyle(cell, "::before");
  return label.content !== JSON.stringify(cell.dataset.l) || parseFloat(label.width) < 12 || parseFloat(label.borderTopWidth) > 0;
}).length"""
CONTRAST_PROBE = """(function () {
  function numbers(colour) { return colour.match(/[\\d.]+/g).map(Number); }
  function opaque(colour) { var parts = numbers(colour); return parts.length < 4 || parts[3] === 1; }
  function light(colour) {
    var part = numbers(colour).slice(0, 3).map(function (eight) {
      var c = eight / 255;
      return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  }
  function grounds(element) {
    var found = [];
    for (var at = element; at; at = at.parentElement) {
      var style = getComputedStyle(at);
      found = found.concat((style.backgroundImage.match(/rgba?\\([^)]*\\)/g) || []).filter(opaque));
      if (opaque(style.backgroundColor)) return found.concat(style.backgroundColor);
    }
    return found;
  }
  function poor(element) {
    var said = Array.from(element.childNodes).some(function (node) { return node.nodeType === 3 && node.data.trim(); });
    if (!said || element.closest("title, desc, script, style, .vh, .skip") || !element.getClientRects().length) return false;
    var style = getComputedStyle(element), ink = light(element.namespaceURI.indexOf("svg") > 0 ? style.fill : style.color);
    return grounds(element).some(function (ground) {
      var paper = light(ground);
      return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.5;
    });
  }
  return Array.from(document.body.querySelectorAll("*")).filter(poor).length;
})()"""

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium, and none is installed")]


def chromium(folder: Path, *options: str) -> str:
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
    command = [str(CHROMIUM), *flags, f"--user-data-dir={folder / 'profile'}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def printed(folder: Path) -> list[str]:
    """The words on each printed page of `page.html`."""
    chromium(folder, "--no-pdf-header-footer", f"--print-to-pdf={folder / 'page.pdf'}", (folder / "page.html").as_uri())
    told = subprocess.run([str(PDFTOTEXT), str(folder / "page.pdf"), "-"], capture_output=True, text=True, check=True).stdout
    return told.split("\f")[:-1]


def probe(folder: Path, run: AuditRun, question: str, *options: str) -> dict[int, int]:
    """The number that a page answers at each width, with everything unfolded."""
    script = f"""<script>document.querySelectorAll("details").forEach(function (one) {{ one.open = true; }});
parent.document.title += " " + innerWidth + ":" + {question};</script></body>"""
    html = re.sub(r"<meta http-equiv[^>]*>", "", render(run))  # the policy would forbid the probe
    (folder / "page.html").write_text(html.replace("</body>", script), encoding="utf-8")
    frames = "".join(f'<iframe src="page.html" style="border:0;width:{width}px;height:900px"></iframe>' for width in WIDTHS)
    (folder / "frames.html").write_text(f"<html><head><title></title></head><body>{frames}</body></html>", encoding="utf-8")
    flags = ("--allow-file-access-from-files", "--virtual-time-budget=8000", "--dump-dom")
    title = re.search(r"<title>(.*?)</title>", chromium(folder, *flags, *options, (folder / "frames.html").as_uri()))
    assert title
    answers = {int(width): int(answer) for width, answer in (said.split(":") for said in title[1].split())}
    assert sorted(answers) == sorted(WIDTHS)
    return answers


@pytest.mark.parametrize("run", [*RUNS, example.hostile, example.hostile_window, example.looked_at])
def test_no_page_scrolls_sideways(run: Callable[[], AuditRun], tmp_path: Path) -> None:
    """With everything unfolded the page is never wider than its window, from the smallest phone to a desk, even with hostile names."""
    assert probe(tmp_path, run(), BEYOND_PROBE) == dict.fromkeys(WIDTHS, 0)


@pytest.mark.parametrize("run", [example.block, example.compared])
def test_stacked_tables_keep_their_labels(run: Callable[[], AuditRun], tmp_path: Path) -> None:
    """On a phone every cell of a stacked table says what it is, in words that no other mark squeezes."""
    squeezed = probe(tmp_path, run(), LABEL_PROBE)
    assert {window: n for window, n in squeezed.items() if window <= PHONE} == dict.fromkeys((320, 390), 0)


def test_the_table_of_changes_needs_no_scrolling_on_a_phone(tmp_path: Path) -> None:
    """A regulator who does not scroll a table sideways sees its last column too."""
    beyond = "function (one) { return one.scrollWidth > one.parentElement.clientWidth; }"
    hidden = f"Array.from(document.querySelectorAll('.churn')).filter({beyond}).length"
    assert probe(tmp_path, example.compared(), hidden) == dict.fromkeys(WIDTHS, 0)


def test_a_question_keeps_its_room_on_every_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a tablet and a desk the table's other columns must not squeeze the question to one letter a line."""
    monkeypatch.setattr(sys.modules[__name__], "WIDTHS", (760, 1060, 1100, 1180, 1240, 1280))
    narrow = "Array.from(document.querySelectorAll('.ev tbody .k2')).filter(function (one) { return one.clientWidth < 150; }).length"
    assert set(probe(tmp_path, example.block(), narrow).values()) == {0}


def test_lines_are_counted_in_grammar(tmp_path: Path) -> None:
    for run, told in ((example.audit_run([example.f1(min=0.8)]), "1 of 1 line"), (example.compared(), "2 of 2 lines")):
        (tmp_path / "page.html").write_text(render(run), encoding="utf-8")
        assert f'<output name="seen">{told}</output>' in chromium(tmp_path, "--dump-dom", (tmp_path / "page.html").as_uri())


@pytest.mark.skipif(PDFTOTEXT is None, reason="needs pdftotext of poppler-utils to read the printed pages")
def test_the_heading_of_the_waivers_never_ends_a_printed_page(tmp_path: Path) -> None:
    """Wherever on a page it comes to stand, what it heads stands below it: the words, the table's head and the first waiver."""
    html = render(example.waived())
    begin, end = html.index("<main>") + len("<main>"), html.index("</main>")
    start = html.index("<h3>Waivers</h3>")
    part = html[start : html.index("</table>", start)] + "</table>"
    spaced = "".join(f'<div style="break-before:page;height:{height}px"></div>{part}' for height in range(780, 1000, 10))
    (tmp_path / "page.html").write_text(html[:begin] + spaced + html[end:], encoding="utf-8")
    pages = printed(tmp_path)
    headed = [page for page in pages if re.search("^Waivers$", page, re.MULTILINE)]
    assert len(headed) == 22
    assert [page for page in headed if "in force." not in page] == []


@pytest.mark.parametrize("scheme", ["0", "1"], ids=["dark", "light"])
@pytest.mark.parametrize("run", [*RUNS, example.looked_at])
def test_every_text_stands_out_from_its_ground(run: Callable[[], AuditRun], scheme: str, tmp_path: Path) -> None:
    """The contrast of every text is at least 4.5 to 1 (WCAG 2.2, 1.4.3), by day and by night, on every colour of a shaded ground too."""
    assert probe(tmp_path, run(), CONTRAST_PROBE, f"--blink-settings=preferredColorScheme={scheme}") == dict.fromkeys(WIDTHS, 0)


AXE_RUN = """axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(function (found) {
  document.title = "axe:" + JSON.stringify(found.violations.map(function (one) {
    return one.id + " at " + one.nodes.map(function (node) { return node.target.join(" "); }).slice(0, 3).join(", ");
  }));
});"""


def axe_core() -> Path | None:
    """The file of axe-core: named by AXE_CORE, or where npm installs it for this project or for the machine."""
    named = os.environ.get("AXE_CORE")
    places = [Path(named)] if named else [Path("node_modules/axe-core/axe.min.js"), Path("/usr/lib/node_modules/axe-core/axe.min.js")]
    return next((place for place in places if place.is_file()), None)


@pytest.mark.skipif(axe_core() is None, reason="needs axe-core: npm install axe-core, or name its axe.min.js in AXE_CORE")
@pytest.mark.parametrize("window", ["390,900", "834,1100", "1440,1000"])
@pytest.mark.parametrize("run", [*RUNS, example.looked_at])
def test_axe_finds_nothing(run: Callable[[], AuditRun], window: str, tmp_path: Path) -> None:
    """WCAG 2.2 AA and best practice, with everything unfolded, on a phone, a tablet and a desk."""
    assert axe(render(run()), window, tmp_path) == "axe:[]"


def axe(html: str, window: str, folder: Path) -> str:
    """The title that axe gives a page."""
    place = axe_core()
    assert place is not None
    bare = re.sub(r"<meta http-equiv[^>]*>", "", html).replace("<details", "<details open")  # the policy would forbid axe
    script = f"<script>{place.read_text(encoding='utf-8')}</script><script>{AXE_RUN}</script></body>"
    (folder / "page.html").write_text(bare.replace("</body>", script), encoding="utf-8")
    flags = ("--dump-dom", "--virtual-time-budget=60000", f"--window-size={window}")
    title = re.search(r"<title>(.*?)</title>", chromium(folder, *flags, (folder / "page.html").as_uri()))
    assert title
    return title[1]


@pytest.mark.skipif(axe_core() is None, reason="needs axe-core: npm install axe-core, or name its axe.min.js in AXE_CORE")
@pytest.mark.parametrize("window", ["390,900", "1440,1000"])
def test_axe_finds_nothing_in_a_signed_report_and_in_the_history(window: str, tmp_path: Path) -> None:
    bundle = signed(tmp_path)
    assert command.audit("report", str(bundle), "--key", "keys", "-o", "signed.html", cwd=tmp_path).returncode == 0
    assert command.audit("history", "--html", cwd=tmp_path).returncode == 0
    for page in (tmp_path / "signed.html", tmp_path / "reports" / "index.html"):
        assert axe(page.read_text(encoding="utf-8"), window, tmp_path) == "axe:[]", page.name


FOLLOW = """<title></title><iframe id="page" sandbox="allow-same-origin" src="page.html" style="width:900px;height:700px"></iframe><script>
var frame = document.getElementById("page"), lost = [], left = ANCHORS.slice();
frame.onload = function () {
  var inside = frame.contentDocument;
  frame.onload = null;
  (function next() {
    var anchor = left.pop();
    if (!anchor) { document.title = "lost:" + lost.join(" "); return; }
    inside.querySelectorAll("details").forEach(function (one) { one.open = false; });
    inside.querySelector("a[href='#" + anchor + "']").click();
    setTimeout(function () {
      var target = inside.getElementById(anchor), box = target.getBoundingClientRect();
      if (target.closest("details:not([open])") || !box.height || box.top < 0 || box.top > 650) lost.push(anchor);
      next();
    }, 20);
  })();
};
</script>"""
"""Follows links in a page whose own script may not run."""


def test_every_way_to_rows_leads_there_without_a_script(tmp_path: Path) -> None:
    """A click on a cell, a slice, a pair's group or a row's id unfolds what it leads to and brings it into view."""
    html = render(example.looked_at())
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    anchors = sorted(set(re.findall(r'href="#((?:[RS]-\d+)|(?:[DF]-F-\d+[-\d]*))"', html)))
    assert {anchor[:2] for anchor in anchors} == {"R-", "S-"}
    (tmp_path / "frame.html").write_text(FOLLOW.replace("ANCHORS", str(anchors)), encoding="utf-8")
    flags = ("--allow-file-access-from-files", "--virtual-time-budget=20000", "--dump-dom")
    assert "<title>lost:</title>" in chromium(tmp_path, *flags, (tmp_path / "frame.html").as_uri())


@pytest.mark.skipif(PDFTOTEXT is None, reason="needs pdftotext of poppler-utils to read the printed pages")
@pytest.mark.parametrize("run", RUNS)
def test_decision_is_whole_on_the_first_printed_page(run: Callable[[], AuditRun], tmp_path: Path) -> None:
    """Section 1 ends on page 1 and section 2 begins page 2; every page carries the running words."""
    (tmp_path / "page.html").write_text(render(run()), encoding="utf-8")
    pages = printed(tmp_path)
    first, second, *_ = pages
    assert "What was not looked at" in first
    assert "What must happen next" in first
    assert ("Scope and subject" if run().monitor is None else "Evidence over the windows") in second
    assert "Scope and subject" not in first
    assert all("UNSIGNED" in page and "not a certification" in page for page in pages)
    assert all(f"page {number} of {len(pages)}" in page for number, page in enumerate(pages, 1))


@pytest.mark.skipif(PDFTOTEXT is None, reason="needs pdftotext of poppler-utils to read the printed pages")
def test_sixteen_findings_fit_twenty_printed_pages(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(render(example.block()), encoding="utf-8")
    assert len(printed(tmp_path)) <= 20


@pytest.mark.skipif(PDFTOTEXT is None, reason="needs pdftotext of poppler-utils to read the printed pages")
def test_the_operations_card_is_whole_on_one_printed_page(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(render(example.rolled_back()), encoding="utf-8")
    (card,) = [page for page in printed(tmp_path) if re.search(r"^11\s+Operations card$", page, re.MULTILINE)]
    assert card.split("11 ", 1)[0].count("\n") < 8, "it begins its page"
    for words in ("To go back", "Safe fallback", "Whom to call", "drift/psi", "on average at most one false alarm a year"):
        assert words in " ".join(card.split())
