"""`audit history --html`: the page beside the bundles, from ledger and records alone, with whatever names inert."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

from audit.commands import history_page
from audit.ledger import Ledger
from tests.command import audit
from tests.commands.test_review import answered
from tests.signing import OPEN, PASSING, audited, policy, sign

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-05-02T10:00:00+00:00"


def page(folder: Path, code: int = 0) -> str:
    done = audit("history", "--html", cwd=folder)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1] == "reports/index.html: written"
    return (folder / "reports" / "index.html").read_text()


def test_runs_stand_newest_first_with_what_became_of_them(tmp_path: Path) -> None:
    """Each links to its report, with signatures, reviews and promotions; the values of each requirement are drawn."""
    first = audited(tmp_path)
    answered(first)
    sign(first, "Olga Owner", "owner")
    ledger = Ledger(first.parent / "ledger.sqlite")
    run = json.loads(next(one.payload for one in ledger.verified() if one.kind == "run"))
    moved = {"name": "triage", "version": "7", "bundle_sha256": run["bundle_sha256"], "run": run["run"], "move": "m", "target": "folder:x"}
    ledger.append(TIME, "promotion", moved | {"started": TIME, "finished": TIME})
    second = audited(tmp_path, policy(PASSING, OPEN | {"severity": "high"}, version=4))
    html = page(tmp_path)
    assert re.findall(r'href="\./([^"]+)/report\.html"', html) == [second.name, first.name]
    assert (first.parent / f"./{first.name}/report.html").is_file()
    for words in (
        "signed by Olga Owner as owner",
        "reviewed by Rita Reviewer: agrees on 1 of 2",
        "promoted as triage version 7 on 2026-05-02",
    ):
        assert html.count(words) == 1
    assert html.count("<b>BLOCK</b>") == html.count("<b>PROMOTE WITH CONDITIONS</b>") == 1
    assert "Two runs: 1 promote with conditions and 1 block. Newest first." in html
    value = json.loads((second / "results.json").read_text())["findings"][0]["headline"]["value"]
    assert f"{value:.3f}; " in html
    assert html.count('class="lostf"') == html.count('class="gainf"') == 2  # one requirement fails in both runs, one passes
    assert "<script" not in html
    assert "http" not in re.sub(r"Content-Security-Policy|http-equiv", "", html)


def test_a_bundle_that_is_gone_or_changed_is_no_link(tmp_path: Path) -> None:
    """Its values stay, since the ledger keeps them; what is not as recorded is said on the page and by the exit code."""
    gone = audited(tmp_path)
    changed = audited(tmp_path)
    shutil.rmtree(gone)
    (changed / "report.html").write_text("promoted")
    html = page(tmp_path, code=1)
    assert "report.html" not in html
    assert "no bundle here" in html
    assert "its bundle was changed after it was recorded" in html
    assert html.count('class="gainf"') == 2


def test_an_empty_ledger_gives_an_empty_page(tmp_path: Path) -> None:
    assert "The ledger holds no runs yet." in page(tmp_path)


def test_hostile_names_are_inert(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    evil = '"><script>alert(1)</script>\x1b[31m\u202e::error::'
    outcome = {
        "finding": evil, "status": evil, "unit": evil, "value": 0.5, "interval": [0.4, None], "n": 3,
        "minimum": 0.4, "maximum": None, "margin": None, "severity": evil,
    }  # fmt: skip
    entry = {
        "run": "../../" + evil,
        "policy": evil,
        "policy_version": evil,
        "candidate_sha256": evil,
        "decision": evil,
        "bundle_sha256": "x",
    }
    ledger.append(TIME, "run", entry | {"outcomes": [outcome, outcome | {"finding": "b", "status": "fail"}]})
    ledger.append(TIME, "sign-off", {"by": evil, "role": evil, "bundle_sha256": "x"})
    html = history_page.write(tmp_path, [evil]).read_text()
    assert "<script" not in html
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert 'href="./' not in html
    assert "&lt;script&gt;alert(1)" in html
