"""`audit promote` and `audit rollback`: what each refuses, what moves, and what the ledger keeps of it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from audit.ledger import Ledger, times
from audit.registry import moves, processes
from audit.registry.folder import Folder
from tests import promoting, signing
from tests.command import audit
from tests.killing import in_a_child
from tests.running import policy, run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.skipif(importlib.util.find_spec("skops") is None, reason="skops comes with the extra sklearn")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two signed bundles, one that nobody signed, and one that is blocked; the model is the first one's."""
    folder = tmp_path_factory.mktemp("ran")
    bundles = {
        "first": promoting.signed(folder),
        "second": promoting.signed(folder, promoting.OTHER),
        "blocked": promoting.audited(folder, promoting.BAD),
        "unsigned": promoting.audited(folder),
    }
    (folder / "bundles.json").write_text(json.dumps({name: one.name for name, one in bundles.items()}))
    return folder


@pytest.fixture
def project(ran: Path, tmp_path: Path) -> Path:
    shutil.copytree(ran, tmp_path / "copy")
    return tmp_path / "copy"


def bundle(project: Path, name: str) -> Path:
    return project / "reports" / str(json.loads((project / "bundles.json").read_text())[name])


def promote(project: Path, name: str, *more: str) -> subprocess.CompletedProcess[str]:
    return audit("promote", f"reports/{bundle(project, name).name}", "--to", "folder:live", *more, cwd=project)


def _promote(project: Path) -> None:
    promote(project, "first")


def payloads(project: Path, *kinds: str) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in Ledger(project / "reports/ledger.sqlite").verified() if one.kind in kinds]


def aliases(project: Path) -> tuple[str | None, str | None]:
    tree = json.loads((project / "live/small/aliases.json").read_text())
    return tree["champion"], tree["previous"]


def both(project: Path) -> None:
    """The first candidate, then the second one."""
    assert promote(project, "first").returncode == 0
    promoting.model(project, promoting.OTHER)
    assert promote(project, "second").returncode == 0


def test_a_signed_candidate_becomes_the_champion(project: Path) -> None:
    done = promote(project, "first")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"folder:{project}/live: small version 1 is the champion; there is no previous one\n"
    assert aliases(project) == ("1", None)
    assert (project / "live/small/versions/1/model/model.skops").read_bytes() == (project / "model.skops").read_bytes()
    started, finished = payloads(project, "promotion")
    (run,) = [one for one in payloads(project, "run") if one["run"] == bundle(project, "first").name]
    assert finished["bundle_sha256"] == run["bundle_sha256"]
    assert finished["candidate_sha256"] == run["candidate_sha256"]
    assert (finished["name"], finished["target"], finished["from"], finished["version"]) == ("small", f"folder:{project}/live", None, "1")
    assert "started" in started
    assert "finished" not in started
    assert "finished" in finished
    again = promote(project, "first")
    assert (again.returncode, "is the champion already" in again.stdout, len(payloads(project, "promotion"))) == (0, True, 2)


def test_a_rollback_returns_to_the_version_before_and_goes_no_further_forward(project: Path) -> None:
    both(project)
    assert aliases(project) == ("2", "1")
    done = audit("rollback", "small", cwd=project)
    assert (done.returncode, aliases(project)) == (0, ("1", None))
    assert "version 1 is the champion again, in place of version 2" in done.stdout
    (finished,) = [one for one in payloads(project, "rollback") if "finished" in one]
    (first, _) = [one for one in payloads(project, "promotion") if "finished" in one]
    assert (finished["from"], finished["version"], finished["previous"]) == ("2", "1", None)
    assert (finished["bundle_sha256"], finished["candidate_sha256"]) == (first["bundle_sha256"], first["candidate_sha256"])
    more = audit("rollback", "small", cwd=project)
    assert (more.returncode, aliases(project)) == (1, ("1", None))
    assert "has no version before 1, its champion" in more.stderr
    history = audit("history", cwd=project)
    assert history.returncode == 0
    entries = [line.split() for line in history.stdout.splitlines() if line.split()[:1] and line.split()[0].isdigit()]
    assert [words[2] for words in entries][-6:] == ["promotion"] * 4 + ["rollback"] * 2
    assert f"small at folder:{project}/live  version 2 to 1  finished" in history.stdout


def test_a_candidate_that_was_audited_again_is_no_way_back_for_itself(project: Path) -> None:
    both(project)
    promoting.model(project, promoting.GOOD)
    for name in ("Olga Owner", "Rita Reviewer"):
        signing.sign(bundle(project, "unsigned"), name, "owner" if name == "Olga Owner" else "independent-reviewer")
    assert promote(project, "first").returncode == 0
    assert aliases(project) == ("3", "2")
    assert promote(project, "unsigned").returncode == 0, "another bundle of the same candidate"
    assert aliases(project) == ("4", "2")
    assert audit("rollback", "small", cwd=project).returncode == 0
    assert aliases(project) == ("2", "1")


def test_a_drill_does_all_but_move(project: Path) -> None:
    both(project)
    done = audit("rollback", "small", "--drill", cwd=project)
    assert (done.returncode, aliases(project)) == (0, ("2", "1"))
    assert "small can return from version 2 to 1" in done.stdout
    (entry,) = payloads(project, "rollback-drill")
    assert (entry["passed"], entry["champion"], entry["version"], entry["problems"]) == (True, "2", "1", [])
    assert 0 <= entry["seconds"] < 60
    assert "passed in" in audit("history", cwd=project).stdout


@pytest.mark.parametrize("drill", [True, False])
@pytest.mark.parametrize("harm", ["changed", "missing", "added"])
def test_no_rollback_to_files_that_are_not_those_that_were_promoted(project: Path, harm: str, drill: bool) -> None:  # noqa: FBT001  # a parameter
    both(project)
    place = project / "live/small/versions/1/model"
    if harm == "changed":
        promoting.model(place, 0.25)
    elif harm == "missing":
        (place / "model.skops").unlink()
    else:
        (place / "more.skops").write_bytes(b"")
    done = audit("rollback", "small", *(["--drill"] if drill else []), cwd=project)
    assert (done.returncode, aliases(project)) == (1, ("2", "1"))
    assert f"{'more' if harm == 'added' else 'model'}.skops: " in done.stderr
    assert harm in done.stderr
    assert [one["passed"] for one in payloads(project, "rollback-drill")] == ([False] if drill else [])
    assert payloads(project, "rollback") == []


def test_no_rollback_to_another_model_under_the_same_list(project: Path) -> None:
    """Files and list were both exchanged: the ledger knows which candidate was promoted."""
    both(project)
    promoted = project / "live/small/versions"
    shutil.copyfile(promoted / "2/model/model.skops", promoted / "1/model/model.skops")
    shutil.copyfile(promoted / "2/version.json", promoted / "1/version.json")
    done = audit("rollback", "small", cwd=project)
    assert (done.returncode, aliases(project)) == (1, ("2", "1"))
    assert "and the ledger recorded" in done.stderr


def test_a_ledger_that_does_not_hold_the_promotion_is_refused(project: Path) -> None:
    both(project)
    (project / "reports").rename(project / "elsewhere")
    done = audit("rollback", "small", "--to", "folder:live", cwd=project)
    assert (done.returncode, aliases(project)) == (1, ("2", "1"))
    assert "the ledger reports/ledger.sqlite holds no promotion of version 1: name the folder of its ledger with -o" in done.stderr
    done = audit("rollback", "small", "--to", "folder:live", "-o", "elsewhere", cwd=project)
    assert (done.returncode, aliases(project)) == (0, ("1", None))


def test_a_promotion_is_known_by_its_id_where_the_registry_was_moved(project: Path) -> None:
    both(project)
    (project / "live").rename(project / "moved")
    place = project / "moved/small/versions/1/version.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"bundle_sha256": "ab" * 32}))
    done = audit("rollback", "small", "--to", "folder:moved", cwd=project)
    assert (done.returncode, "and the ledger recorded" in done.stderr) == (1, True)


def test_a_blocked_candidate_is_refused(project: Path) -> None:
    promoting.model(project, promoting.BAD)
    done = promote(project, "blocked")
    assert (done.returncode, done.stdout) == (1, "")
    assert "refused: quorum: the decision is block, which nobody can sign" in done.stderr
    assert not (project / "live").exists()
    assert payloads(project, "promotion") == []


def test_without_the_quorum_it_is_refused(project: Path) -> None:
    done = promote(project, "unsigned")
    assert done.returncode == 1
    assert "refused: quorum: tier 2: owner: nobody has signed; independent-reviewer: nobody has signed" in done.stderr
    signing.sign(bundle(project, "unsigned"), "Olga Owner", "owner")
    assert "independent-reviewer: nobody has signed" in promote(project, "unsigned").stderr
    signing.sign(bundle(project, "unsigned"), "Rita Reviewer", "independent-reviewer")
    assert promote(project, "unsigned").returncode == 0


def test_another_model_than_the_audited_one_is_refused(project: Path) -> None:
    promoting.model(project, promoting.OTHER)
    done = promote(project, "first")
    assert done.returncode == 1
    assert "refused: artefact: " in done.stderr
    assert "was audited" in done.stderr
    (project / "model.skops").rename(project / "elsewhere.skops")
    assert "is not there: name its file or folder with --artefact" in promote(project, "first").stderr
    assert promote(project, "second", "--artefact", "elsewhere.skops").returncode == 0


def test_a_bundle_with_a_changed_byte_is_refused(project: Path) -> None:
    place = bundle(project, "first") / "results.json"
    place.write_bytes(place.read_bytes().replace(b"promote", b"promotf", 1))
    done = promote(project, "first")
    assert done.returncode == 1
    assert "refused: bytes: " in done.stderr


def test_keys_that_are_not_trusted_do_not_count(project: Path) -> None:
    assert promote(project, "first", "--key", "keys/Olga Owner.pub").returncode == 1
    assert promote(project, "first", "--key", "keys").returncode == 0


def test_without_the_ledger_of_its_run_it_is_refused(project: Path) -> None:
    done = promote(project, "first", "-o", "elsewhere")
    assert done.returncode == 1
    assert "refused: ledger: elsewhere/ledger.sqlite is not there" in done.stderr


def test_what_has_expired_is_refused(ran: Path, tmp_path: Path) -> None:
    shutil.copytree(ran, tmp_path / "copy", ignore=shutil.ignore_patterns("reports"))
    made = promoting.signed(tmp_path / "copy", valid_for=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(4_000_000_000))
        done = audit("promote", f"reports/{made.name}", "--to", "folder:live", cwd=tmp_path / "copy")
    assert done.returncode == 1
    assert "refused: dates: the decision was valid until" in done.stderr


def test_without_to_it_goes_where_the_policy_says(tmp_path: Path) -> None:
    made = promoting.signed(tmp_path, registry={"to": "folder:live", "name": "desk"})
    done = audit("promote", f"reports/{made.name}", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"folder:{tmp_path}/live: desk version 1 is the champion; there is no previous one\n"
    other = audit("promote", f"reports/{made.name}", "--to", "folder:other", "--name", "small", cwd=tmp_path)
    assert (other.returncode, f"folder:{tmp_path}/other: small version 1" in other.stdout) == (0, True)


def test_without_to_and_without_a_registry_in_the_policy_it_is_refused(project: Path) -> None:
    done = audit("promote", f"reports/{bundle(project, 'first').name}", cwd=project)
    assert (done.returncode, "its policy names no registry: say with --to" in done.stderr) == (2, True)


def test_of_saved_predictions_the_bundle_alone_is_promoted(tmp_path: Path) -> None:
    made = signing.signed(tmp_path)
    done = audit("promote", f"reports/{made.name}", "--to", "folder:live", "--name", "other", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "saved predictions have no artefact, so the version is the bundle alone" in done.stdout
    version = json.loads((tmp_path / "live/other/versions/1/version.json").read_text())
    assert (version["files"], version["decision"]) == ([], "promote-with-conditions")
    refused = audit("promote", f"reports/{made.name}", "--to", "folder:live", "--artefact", "test.csv", cwd=tmp_path)
    assert refused.returncode == 1
    assert "has no artefact: leave the option out" in refused.stderr


def test_a_policy_that_trusts_no_keys_is_refused(tmp_path: Path) -> None:
    done, results = run(tmp_path, policy())
    assert results is not None, done.stderr
    done = audit("promote", f"reports/{results['run']['id']}", "--to", "folder:live", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "refused: quorum: the policy names no trusted keys (trust.keys): name those that you trust with --key" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("promote", ".", "--to", "folder:live"), "no bundle"),
        (("promote", "reports", "--to", "live"), "names no registry"),
        (("promote", "reports", "--to", "folder:live", "--name", "../x"), "is no name of a model"),
        (("rollback", "small"), "holds no promotion of small"),
        (("rollback", "../x", "--to", "folder:live"), "is no name of a model"),
    ],
)
def test_wrong_usage_ends_with_2(project: Path, arguments: tuple[str, ...], told: str) -> None:
    done = audit(*arguments, cwd=project)
    assert (done.returncode, told in done.stderr, "Traceback" in done.stderr) == (2, True, False)


def test_a_broken_registry_ends_with_3(project: Path) -> None:
    both(project)
    (project / "live/small/aliases.json").write_text("{")
    assert audit("rollback", "small", cwd=project).returncode == 3
    assert promote(project, "second").returncode == 3


@pytest.mark.parametrize(
    ("place", "told", "champion"),
    [
        ((Folder, "move"), "was killed before it had moved the aliases of folder:{live}: it is undone", None),
        ((moves, "_end"), "was killed after it had moved the aliases of folder:{live}: it is recorded now", "1"),
    ],
)
def test_history_completes_or_undoes_what_was_killed(project: Path, place: tuple[object, str], told: str, champion: str | None) -> None:
    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*place, killed)
        assert in_a_child(partial(_promote, project)) == -signal.SIGKILL
    done = audit("history", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"a promotion of small {told.format(live=project / 'live')}" in done.stdout
    assert [one.name for one in (project / "live/small/versions").iterdir()] == ([] if champion is None else [champion])
    (_, ended) = payloads(project, "promotion")
    assert (ended.get("version"), "finished" in ended, "undone" in ended) == (champion, champion is not None, champion is None)
    again = audit("history", cwd=project)
    assert "was killed" not in again.stdout


def test_a_promotion_that_is_under_way_is_left_alone(project: Path) -> None:
    """Its process, this one, is alive; one of another machine is taken to be for an hour."""
    ledger = Ledger(project / "reports/ledger.sqlite")
    begun = {"move": "m", "name": "small", "target": f"folder:{project}/live", "started": times.now().isoformat()}
    ledger.append(times.now().isoformat(), "promotion", begun | {"process": processes.this_process()})
    ledger.append(times.now().isoformat(), "promotion", begun | {"move": "n", "process": "elsewhere/1/pid:[1] 7 9"})
    assert audit("history", cwd=project).returncode == 0
    assert [one["move"] for _, one in moves.unfinished(ledger.verified())] == ["m", "n"]
    assert not processes.is_alive("elsewhere/1/pid:[1] 7 9", "2026-01-01T00:00:00+00:00")
    assert not processes.is_alive("", "2026-01-01T00:00:00+00:00")


def test_a_move_of_another_ledger_is_seen(project: Path) -> None:
    """The aliases stand elsewhere than this ledger knows: what counts is where they stand."""
    both(project)
    place = project / "live/small/aliases.json"
    tree = json.loads(place.read_text())
    place.write_text(json.dumps(tree | {"champion": "1", "previous": None}))
    assert "version 1 of this bundle is the champion already" in _first_again(project)


def _first_again(project: Path) -> str:
    promoting.model(project, promoting.GOOD)
    return promote(project, "first").stdout


@pytest.mark.parametrize("move", ["the same", "another"])
def test_no_rollback_to_a_version_that_nobody_promoted(project: Path, move: str) -> None:
    """Its own list of files proves nothing: whoever may write the registry can plant both, and point `previous` to it."""
    both(project)
    versions = project / "live/small/versions"
    shutil.copytree(versions / "1", versions / "9")
    planted = json.loads((versions / "9/version.json").read_text())
    model = promoting.model(versions / "9/model", promoting.BAD)
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    planted |= {"candidate_sha256": sha256, "files": [{"name": model.name, "sha256": sha256, "size": model.stat().st_size}]}
    planted |= {} if move == "the same" else {"move": "0" * 16}
    (versions / "9/version.json").write_text(json.dumps(planted))
    stand = json.loads((project / "live/small/aliases.json").read_text())
    (project / "live/small/aliases.json").write_text(json.dumps(stand | {"previous": "9"}))
    for drill in ((), ("--drill",)):
        done = audit("rollback", "small", *drill, cwd=project)
        assert done.returncode == 1, done.stdout
        assert "holds no promotion of version 9" in done.stderr
    assert aliases(project) == ("2", "9")
