"""The whole way through the command line: a loosened policy blocks, line 2 signs, it promotes; and each way round it blocks."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit.errors import MissingExtra
from audit.governance import keys, policy_approvals, policy_change, signatures
from audit.ledger import Ledger
from tests import command
from tests.running import policy, table

if TYPE_CHECKING:
    from collections.abc import Callable


PEOPLE = {"Olga": "1", "Rita": "2", "Bob": "2", "Mallory": "2"}
KEYS = ["keys/Olga.pub", "keys/Rita.pub", "keys/Bob.pub"]
IDLE, NOTHING = "a signature", "would not count"
LOWER = "require.performance/accuracy.min: 0.8 → 0.7: an easier bound"


def state(minimum: float = 0.8, keys: list[str] | None = None, **changed: Any) -> None:
    """The policy's file as its author writes it."""
    made = policy({"check": "performance/accuracy", "min": minimum}, trust={"keys": KEYS if keys is None else keys})
    made |= {"system": {"author": "model team"}} | changed
    Path("policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")


def audit(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = command.audit(*arguments)
    return done.returncode, done.stdout, done.stderr


def run() -> tuple[int, dict[str, Any], Path]:
    """A run's exit code, its results and its bundle."""
    code, out, err = audit("run", "policy.yaml")
    (report,) = re.findall(r"^Report: (.*)/report\.html$", out, re.MULTILINE) or [pytest.fail(out + err)]
    return code, json.loads((Path(report) / "results.json").read_text()), Path(report)


def sign(name: str, *more: str, role: str = "reviewer") -> tuple[int, str, str]:
    return audit("sign", "policy.yaml", "--key", f"keys/{name}.key", "--role", role, *more)


def reason(results: dict[str, Any]) -> str:
    """What is said of the loosened policy."""
    (told,) = [one["text"] for one in results["reasons"] if one["rule"] == "policy-loosened"]
    return str(told)


def blocked() -> str:
    code, results, _ = run()
    assert (code, results["decision"], results["policy_change"]["approved"]) == (1, "block", False)
    assert {one["status"] for one in results["findings"]} == {"pass"}
    assert "all-required-pass" not in {one["rule"] for one in results["reasons"]}
    return reason(results)


@pytest.fixture(scope="module")
def promoted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which accuracy of at least 0.8 was promoted, under keys of Olga (line 1), Rita and Bob (line 2)."""
    folder = tmp_path_factory.mktemp("promoted")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("AUDIT_CACHE", str(folder / "cache"))
        table().to_csv("test.csv", index=False)
        for name, line in PEOPLE.items():
            keys.keygen(name, int(line), None, Path("keys"))  # type: ignore[arg-type]  # lines of defence
        state()
        assert audit("run", "policy.yaml")[0] == 0
    return folder


@pytest.fixture(autouse=True)
def project(promoted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(promoted, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AUDIT_CACHE", str(folder / "cache"))
    return folder


def another_candidate() -> None:
    table(seed=4).to_csv("test.csv", index=False)


def newest() -> Path:
    """The results that were written last."""
    return max(Path("reports").glob("*/results.json"), key=lambda path: path.stat().st_mtime_ns)


def forged(name: str, key: str, **changed: Any) -> None:
    """An approval written by hand, with somebody's key; everything else as it ought to be."""
    told = json.loads(newest().read_text())["policy_change"]
    signed = {"by": name, "role": "reviewer", "line": 2, "independent": True, "at": "2026-11-01T00:00:00Z"}
    of = {"policy": "small", "policy_sha256": told["policy_sha256"], "since": told["run"], "since_entry": told["entry"]}
    own: dict[str, Any] = signed | of | {"requested_by": "model team", "loosened": [LOWER]} | changed
    secret, _ = keys.read_secret(Path(key))
    own["signature"] = signatures.sign(secret, policy_approvals.statement(own))
    Path("policy.yaml.approvals").write_text(json.dumps({"approvals": [own]}))


def test_from_block_to_promote_and_to_block_again() -> None:
    """A new candidate under a lower bound: only with line 2; what was signed promotes once, and nothing lower."""
    first = newest().parent.name
    another_candidate()
    state(0.7)
    said = f"Loosened since run {first} was promoted: {LOWER}. Line 2 has not approved it: have Bob or Rita sign it"
    code, results, bundle = run()
    assert (code, results["reasons"][0]["rule"]) == (1, "policy-loosened")
    assert sorted(one["name"] for one in results["policy_change"]["approvers"]) == ["Bob", "Rita"]
    assert reason(results).startswith(said)
    report = (bundle / "report.html").read_text()
    assert '<p class="small red">Blocking: nobody of line 2 has approved what the policy loosens.</p>' in report
    assert "Have line 2 approve what the policy loosens" in report
    assert "policy-loosened (blocks)" in audit("validate", "policy.yaml")[2]

    code, out, _ = sign("Rita")
    assert (code, out.splitlines()[0]) == (0, f"loosened: {LOWER}")
    signed = r"policy\.yaml\.approvals: signed by Rita as reviewer, line 2, key [0-9a-f]{16}, at .*Z, against run .*"
    assert re.fullmatch(signed, out.splitlines()[1])
    assert "policy.yaml.approvals: Rita (reviewer, line 2): counts\n" in audit("validate", "policy.yaml")[2]
    Path("policy.yaml").write_text("# a comment\n" + Path("policy.yaml").read_text())

    code, results, bundle = run()
    assert (code, results["decision"], results["policy_change"]["approved"]) == (0, "promote", True)
    assert reason(results).startswith(f"Loosened since run {first} was promoted: {LOWER}. Approved by Rita (reviewer, line 2) at ")
    assert [(one["by"], one["why"]) for one in results["policy_change"]["approvals"]] == [("Rita", [])]
    assert "Approved by Rita (reviewer, line 2)" in (bundle / "report.html").read_text()
    assert (bundle / "policy.approvals.yaml").read_text() == Path("policy.yaml.approvals").read_text()
    assert "policy.approvals.yaml" in {one["name"] for one in json.loads((bundle / "bundle.json").read_text())["files"]}

    assert run()[0] == 0  # the approved policy is what the next one is held against
    state(0.6)
    assert "Rita (reviewer, line 2): is stale: it was signed against run" in blocked()


def test_more_people_may_sign() -> None:
    state(0.7)
    assert [sign(name)[0] for name in ("Rita", "Bob")] == [0, 0]
    code, results, _ = run()
    assert (code, len(results["policy_change"]["approvals"])) == (0, 2)
    assert "Approved by Rita (reviewer, line 2) at " in reason(results)
    assert " and Bob (reviewer, line 2) at " in reason(results)


def test_loosening_first_and_the_model_next_is_barred_too() -> None:
    """The same candidate under a lower bound would be what the next candidate is held against."""
    state(0.7)
    blocked()
    another_candidate()
    blocked()


def own_key() -> None:
    state(0.7, [*KEYS, "keys/Mallory.pub"])


def own_key_alone() -> None:
    state(0.7, ["keys/Mallory.pub"])


def swapped_file() -> None:
    """Another key behind the same path, under the same name."""
    state(0.7)
    text = Path("keys/Mallory.pub").read_text().replace("Mallory", "Rita")
    Path("keys/Rita.pub").write_text(text)
    Path("keys/Mallory.pub").write_text(text)


def promoted_to_line_2() -> None:
    state(0.7)
    Path("keys/Olga.pub").write_text(Path("keys/Olga.pub").read_text().replace("line: 1", "line: 2"))


def no_keys() -> None:
    state(0.7, [])


@pytest.mark.parametrize(
    ("way", "name", "key", "said"),
    [
        (own_key, "Mallory", "Mallory", "no key that counts has that name"),
        (own_key_alone, "Mallory", "Mallory", "no key that counts has that name"),
        (no_keys, "Mallory", "Mallory", "no key that counts has that name"),
        (swapped_file, "Rita", "Mallory", "the signature does not verify"),
        (promoted_to_line_2, "Olga", "Olga", "no key that counts has that name"),
        (lambda: state(0.7), "Rita", "Mallory", "the signature does not verify"),
        (lambda: state(0.7, system={"author": "Rita"}), "Rita", "Rita", "is the author whom the policy names"),
    ],
)
def test_who_loosens_does_not_choose_who_approves(
    way: Callable[[], None],
    name: str,
    key: str,
    said: str,
) -> None:
    """The keys that count are those that the promoted policy trusted, by what they are."""
    way()
    blocked()
    if key == "Mallory" and name == "Rita" and "Rita" in Path("keys/Mallory.pub").read_text():
        assert "would not count" in sign("Mallory")[2]
    forged(name, f"keys/{key}.key")
    assert said in blocked()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"independent": False}, "does not declare to be independent"),
        ({"requested_by": "RITA"}, "asked for the change"),
        ({"line": 3}, "is of line 3, and line 2 has to approve"),
        ({"role": "executive"}, "signs as executive, and the trusted key names no such role"),
        ({"at": "2099-01-01T00:00:00Z"}, "which is in the future"),
        ({"policy_sha256": "0" * 64}, "is stale: the policy, or a key that it trusts, has changed since it was signed"),
        ({"since_entry": "0" * 64}, "is stale: it was signed against run"),
    ],
)
def test_a_good_signature_under_the_wrong_words(changed: dict[str, Any], said: str | None) -> None:
    """Of the same file without them it counts."""
    state(0.7)
    blocked()
    forged("Rita", "keys/Rita.key", **changed)
    if said is None:
        assert run()[0] == 0
    else:
        assert said in blocked()


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("Olga", (), f"{IDLE} of Olga {NOTHING}: is of line 1, and line 2 has to approve; does not declare to be independent"),
        ("Mallory", (), f"{IDLE} of Mallory {NOTHING}: no key that counts has that name: Bob, Rita"),
        ("Rita", ("--requested-by", "rita"), f"{IDLE} of Rita {NOTHING}: asked for the change; does not declare to be independent"),
        ("Rita", ("--no-independent",), f"{IDLE} of Rita {NOTHING}: does not declare to be independent"),
        ("Rita", ("--role", "executive"), "--role executive: the key is for no such role: make one with `audit keygen --role executive`"),
        ("Rita", ("--role", " "), "--role: say in which role, such as owner, reviewer or executive"),
        (
            "Rita",
            ("-o", "nowhere"),
            "nothing to approve: nowhere/ledger.sqlite holds no promotion under this policy's name; -o names the ledger's folder",
        ),
        (
            "Rita",
            ("--requested-by", "Ri\u0442a"),
            "cannot be signed like that: requested_by: mixes letters that look alike, of CYRILLIC and LATIN: write a name in one alphabet",
        ),
    ],
)
def test_a_signature_that_would_count_as_nothing_is_not_given(
    name: str,
    more: tuple[str, ...],
    said: str,
) -> None:
    state(0.7)
    code, out, err = sign(name, *more)
    assert (code, out, err) == (2, "", f"policy.yaml: {said}\n")
    assert not Path("policy.yaml.approvals").exists()


def test_nothing_is_signed_twice_or_where_nothing_was_loosened() -> None:
    code, _, err = sign("Rita")
    assert (code, "nothing was loosened since run" in err) == (2, True)
    state(0.7)
    assert sign("Rita")[0] == 0
    assert sign("Rita")[2] == "policy.yaml: Rita has signed it already; one signature of line 2 is enough\n"
    state(0.7, system={})
    said = "policy.yaml: who asked for the change is not known: name them with --requested-by NAME, or in the policy under system.author\n"
    assert sign("Bob")[2] == said
    assert sign("Bob", "--requested-by", "Olga")[0] == 0


@pytest.mark.parametrize("way", [own_key, own_key_alone, swapped_file, promoted_to_line_2, no_keys])
def test_a_change_of_keys_needs_approval_by_itself(way: Callable[[], None]) -> None:
    """Else keys could be changed in one run, and used in the next. With the approval of line 2 they may be."""
    way()
    Path("policy.yaml").write_text(Path("policy.yaml").read_text().replace("min: 0.7", "min: 0.8"))
    assert "trust.keys: " in blocked()
    assert sign("Bob")[0] == 0
    assert run()[0] == 0


def test_the_author_of_either_policy_does_not_approve() -> None:
    state(0.8, system={"author": "Bob"})
    assert run()[0] == 0
    state(0.7, system={"author": "model team"})
    code, _, err = sign("Bob")
    assert (code, "is the author whom the policy names" in err) == (2, True)
    assert "have Rita sign it" in blocked()
    forged("Bob", "keys/Bob.key")
    assert "Bob (reviewer, line 2): is the author" in blocked()


def test_a_key_file_that_only_moved_is_no_loosening() -> None:
    Path("keys/Rita.pub").rename("keys/rita-2026.pub")
    state(keys=["keys/Olga.pub", "keys/rita-2026.pub", "keys/Bob.pub"])
    code, results, _ = run()
    assert code == 0
    assert {one["kind"] for one in results["policy_change"]["changes"]} == {"other"}


def test_a_key_taken_away_is_tightened() -> None:
    """As long as somebody of line 2 is left."""
    state(keys=["keys/Olga.pub", "keys/Rita.pub"])
    code, results, _ = run()
    assert (code, [one["kind"] for one in results["policy_change"]["changes"]]) == (0, ["tightened", "other"])


def test_a_base_policy_is_covered() -> None:
    """What `extends` brings in is loosened, approved and stale like the policy's own words."""

    def base(minimum: float) -> None:
        state(minimum)
        shutil.move("policy.yaml", "base.yaml")
        Path("policy.yaml").write_text("extends: base.yaml\n")

    base(0.7)
    blocked()
    assert sign("Rita")[0] == 0
    base(0.65)
    assert "is stale: the policy, or a key that it trusts, has changed since it was signed" in blocked()
    base(0.7)
    assert run()[0] == 0


def test_an_approval_is_for_one_step() -> None:
    """Held against another promotion it is stale, though it be of the same policy."""
    state(0.7)
    assert sign("Rita")[0] == 0
    state(0.8)
    assert run()[0] == 0
    state(0.7)
    assert "is stale: it was signed against run" in blocked()


@pytest.mark.parametrize("place", ["by", "role", "line", "independent", "at", "requested_by", "policy", "since", "loosened"])
def test_a_word_changed_voids_the_signature(place: str) -> None:
    state(0.7)
    assert sign("Rita")[0] == 0
    path = Path("policy.yaml.approvals")
    tree = yaml.safe_load(path.read_text())
    other = {"by": "Bob", "role": "owner", "line": 1, "independent": False, "at": "2026-01-01T00:00:00Z", "loosened": []}
    tree["approvals"][0][place] = other.get(place, "another")
    path.write_text(json.dumps(tree))
    told = blocked()
    assert "Not counted: " in told
    if place not in {"line", "independent"}:
        assert "the signature does not verify" in told


def test_where_nobody_was_named_before_the_new_keys_themselves_approve() -> None:
    """Somebody has to be the first; a policy that names keys for the first time is signed by one of them."""
    shutil.rmtree("reports")  # bundles without their ledger are refused
    state(0.8, [])
    assert run()[0] == 0
    state(0.7, ["keys/Olga.pub"])
    assert "nobody can: no key of line 2 counts except the author's" in blocked()
    state(0.7)
    assert "have Bob or Rita sign it" in blocked()
    assert sign("Rita")[0] == 0
    assert run()[0] == 0


def test_another_name_has_no_predecessor() -> None:
    """The ledger and the report show that; there is nothing to be held against."""
    state(0.7, policy="other")
    code, results, bundle = run()
    assert (code, results["policy_change"]) == (0, None)
    assert "no promotion under a policy of this name" in (bundle / "report.html").read_text()
    Path("policy.yaml.approvals").write_text("approvals: []\n")
    state(0.7, policy="third")
    assert "approves nothing: reports/ledger.sqlite holds no promotion under third" in audit("validate", "policy.yaml")[2]


def test_without_cryptography_nothing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    state(0.7)
    assert sign("Rita")[0] == 0

    def missing() -> None:
        raise MissingExtra("cryptography", "signing")

    monkeypatch.setattr(signatures, "require_cryptography", missing)
    assert "no signature can be verified: cryptography is not installed" in blocked()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (policy_approvals, "read"),
        (policy_approvals, "states"),
        (policy_approvals, "rejection_reasons"),
        (policy_change, "blocking_reasons"),
    ],
)
def test_what_breaks_in_reading_approvals_ends_in_3(
    module: Any,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state(0.7)
    assert sign("Rita")[0] == 0

    def broken(*_: object, **__: object) -> None:
        msg = "planted"
        raise RuntimeError(msg)

    monkeypatch.setattr(module, name, broken)
    code, _, err = audit("run", "policy.yaml")
    assert (code, "audit broke: RuntimeError: planted" in err) == (3, True)


@pytest.mark.parametrize(("confidence", "expected"), [(0.99, 3), (0.95, 0), (0.9, 0)])
def test_a_stricter_policy_promoted_meanwhile_is_not_undone(
    confidence: float,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run that began before it, under what is by now the looser policy, is not recorded; the same or a looser one harms nothing."""
    seal = policy_change.blocking_reasons
    ledger = Ledger(Path("reports/ledger.sqlite"))
    told = ledger.entries()[-1].whole()

    def meanwhile(change: policy_change.PolicyChange | None) -> Any:
        stricter = told[policy_change.KEPT] | {"confidence": confidence}
        ledger.append("2026-11-21T00:00:00+00:00", "run", told | {"run": "meanwhile", policy_change.KEPT: stricter})
        return seal(change)

    monkeypatch.setattr(policy_change, "blocking_reasons", meanwhile)
    code, _, err = audit("run", "policy.yaml")
    assert code == expected
    assert ("run meanwhile was promoted meanwhile, under a policy that asks more" in err) == (expected == 3)
    assert len(list(Path("reports").glob("*/results.json"))) == (1 if expected else 2)


def test_an_unreadable_promotion_bars_where_keys_were_named() -> None:
    """What changed is not known, so somebody has to answer for it."""
    ledger = Ledger(Path("reports/ledger.sqlite"))
    told = ledger.entries()[-1].whole()
    later = told[policy_change.KEPT] | {"key_of_a_later_release": 1}
    ledger.append("2026-11-21T00:00:00+00:00", "run", told | {"run": "later", policy_change.KEPT: later})
    assert "What changed since run later was promoted is not known" in blocked()
    assert sign("Rita")[0] == 0
    assert run()[0] == 0


def test_keys_that_the_ledger_does_not_tell_approve_nothing() -> None:
    """A promotion of before keys were kept; once more under its own policy, and they are."""
    ledger = Ledger(Path("reports/ledger.sqlite"))
    told = ledger.entries()[-1].whole()
    del told["trusted_keys"]
    ledger.append("2026-11-21T00:00:00+00:00", "run", told | {"run": "earlier"})
    state(0.7)
    assert "the ledger does not tell which keys run earlier trusted" in blocked()
    forged("Rita", "keys/Rita.key")
    assert "the ledger does not tell which keys run earlier trusted" in blocked()
    Path("policy.yaml.approvals").unlink()
    state(0.8)
    assert run()[0] == 0
    state(0.7)
    assert sign("Rita")[0] == 0
    assert run()[0] == 0
