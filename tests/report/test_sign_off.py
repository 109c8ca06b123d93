"""The sign-off block: signatures that verify under trusted keys, who is missing, and reviews; never a signature that was not verified."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.command import audit
from tests.commands.test_review import answered
from tests.signing import audited, sign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return audited(tmp_path_factory.mktemp("ran"))


@pytest.fixture
def bundle(ran: Path, tmp_path: Path) -> Path:
    shutil.copytree(ran.parent.parent, tmp_path / "copy")
    return tmp_path / "copy" / "reports" / ran.name


def page(bundle: Path, *options: str) -> str:
    folder = bundle.parent.parent
    done = audit("report", str(bundle), "-o", "page.html", *options, cwd=folder)
    assert done.returncode == 0, done.stderr
    return (folder / "page.html").read_text()


def section(html: str) -> str:
    return html[html.index('id="signoff"') : html.index('id="crosswalk"')]


def test_the_page_of_an_unsigned_bundle_has_lines_to_sign_on_paper(bundle: Path) -> None:
    html = page(bundle, "--key", "keys")
    assert section(html).count("signature, date") == 2
    assert section(html).count(">UNSIGNED<") == 2
    assert "Tier 2 asks for two signatures, each of another person with another key. Nobody has signed this report." in section(html)
    assert "<small>0 of 2 (tier 2)</small>" in html


def test_who_signed_and_who_is_missing(bundle: Path) -> None:
    sign(bundle, "Olga Owner", "owner")
    html = page(bundle, "--key", "keys")
    assert "<small>1 of 2 (tier 2)</small>" in html
    assert "Missing: independent-reviewer: nobody has signed." in section(html)
    assert section(html).count(">SIGNED<") == section(html).count(">UNSIGNED<") == 1
    assert "<dd>Olga Owner</dd>" in section(html)
    sign(bundle, "Rita Reviewer", "independent-reviewer")
    html = page(bundle, "--key", "keys")
    assert "UNSIGNED" not in html
    assert "Signed by Olga Owner as owner and Rita Reviewer as independent reviewer." in html
    assert '<span class="state signed">signed</span>' in html[html.index('id="measure-1-3"') :][:600]
    assert (bundle / "report.html").read_text().count("UNSIGNED") > 2


def test_what_no_trusted_key_verifies_counts_for_nothing(bundle: Path) -> None:
    sign(bundle, "Olga Owner", "owner")
    html = page(bundle)
    assert "NOT VERIFIED" in html
    assert "Olga" not in section(html)
    assert "One file of signatures and reviews not verified: render with --key TRUSTED, or run audit verify." in section(html)
    html = page(bundle, "--key", "keys/Rita Reviewer.pub")
    assert "Does not count: Olga Owner as owner: no key that counts has that name" in section(html)
    assert section(html).count(">UNSIGNED<") == 2


def test_a_review_shows_where_person_and_tool_differ(bundle: Path) -> None:
    answered(bundle)
    html = section(page(bundle, "--key", "keys"))
    assert "Rita Reviewer, line 2" in html
    assert "Agrees with the tool on 1 of 2 findings (50 %" in html
    assert "The slice of islands decides here, and it is small." in html
    assert html.count('data-l="tool"') == 1
