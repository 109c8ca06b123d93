"""`audit review`: judged before the status is shown, compared, signed, recorded and verified."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from audit.bundle import reader, verification
from audit.commands.review import FromFile, read_answers, review_bundle
from audit.errors import InputError
from audit.governance import review
from audit.governance.keys import keygen, read_keys
from audit.governance.review import Judgement
from audit.ledger import Ledger, times
from tests.command import AUDIT, audit
from tests.killing import in_a_child, killed_at, killed_when_called, steps
from tests.signing import audited, policy, sign

if TYPE_CHECKING:
    from pathlib import Path

    from audit.bundle.verification import Verification

WHY = "The slice of islands decides here, and it is small."
ANSWERS = {"performance/accuracy": "acceptable", "strict": {"judgement": "acceptable", "reason": WHY}}
"""The first agrees with the tool, whose status of the second is fail."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return audited(tmp_path_factory.mktemp("ran"))


@pytest.fixture
def bundle(ran: Path, tmp_path: Path) -> Path:
    shutil.copytree(ran.parent.parent, tmp_path / "copy")
    return tmp_path / "copy" / "reports" / ran.name


def answered(bundle: Path, answers: dict[str, Any] = ANSWERS, name: str = "Rita Reviewer") -> list[str]:
    """A review from a file, in this process."""
    folder = bundle.parent.parent
    (folder / "answers.json").write_text(json.dumps(answers))
    reviewer = read_answers(folder / "answers.json", bundle)
    key = folder / f"keys/{name}.key"
    return review_bundle(bundle, (key, lambda _: None), reviewer, Ledger(bundle.parent / "ledger.sqlite"), times.now())


def verified(bundle: Path) -> Verification:
    return verification.verify(bundle, read_keys([bundle.parent.parent / "keys"]), Ledger(bundle.parent / "ledger.sqlite"), times.now())


def recorded(bundle: Path) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in Ledger(bundle.parent / "ledger.sqlite").verified() if one.kind == "review"]


def test_a_review_is_signed_recorded_and_verified(bundle: Path) -> None:
    told = answered(bundle)
    assert told[:3] == [
        "decision: promote-with-conditions",
        "agrees   performance/accuracy: you acceptable, tool pass",
        f"differs  strict: you acceptable, tool fail: {WHY}",
    ]
    assert told[3].startswith("agrees with the tool on 1 of 2 findings (50 % [1 %, 99 %]), kappa 0.000 [")
    assert told[3].endswith("time not measured (answers from a file)")
    (place,) = bundle.glob("reviews/*")
    assert place.name.startswith("rita-reviewer-")
    (entry,) = recorded(bundle)
    assert (entry["by"], entry["agreed"], entry["findings"], entry["kappa"][0]) == ("Rita Reviewer", 1, 2, 0.0)
    assert entry["envelope"] == place.read_text()
    reader.refuse_changed(bundle)
    (check,) = (one for one in verified(bundle).checks if one.name == "review")
    assert check.ok is True
    assert "covered by the ledger: Rita Reviewer agrees with the tool on 1 of 2 findings" in check.text
    assert list(bundle.parent.glob(".*.draft")) == []
    with pytest.raises(InputError, match="Rita Reviewer has reviewed it already"):
        answered(bundle)


def test_a_signature_covers_the_reviews_before_it(bundle: Path) -> None:
    answered(bundle)
    sign(bundle, "Olga Owner", "owner")
    (check,) = (one for one in verified(bundle).checks if one.name == "review")
    assert "covered by a signature" in check.text
    (place,) = bundle.glob("reviews/*")
    place.unlink()
    problems = " ".join(verified(bundle).problems)
    assert "was there when the bundle was signed, and is gone" in problems
    assert "the review of Rita Reviewer is recorded, and its file is not in the bundle" in problems


def test_no_bit_of_a_review_is_without_meaning(bundle: Path) -> None:
    answered(bundle)
    (place,) = bundle.glob("reviews/*")
    whole = place.read_bytes()
    for bit in range(0, 8 * len(whole), 101):
        raw = bytearray(whole)
        raw[bit // 8] ^= 1 << bit % 8
        place.write_bytes(bytes(raw))
        assert any(one.name == "review" and one.ok is False for one in verified(bundle).checks), bit


def test_a_review_of_another_bundle_is_none_of_this_one(bundle: Path, tmp_path: Path) -> None:
    answered(bundle)
    (place,) = bundle.glob("reviews/*")
    other = audited(tmp_path / "copy", policy(version=4))
    (other / "reviews").mkdir()
    shutil.copy(place, other / "reviews")
    (check,) = (one for one in verified(other).checks if one.name == "review")
    assert (check.ok, "is a review of another bundle" in check.text) == (False, True)


def test_an_override_needs_a_reason_and_a_judgement_is_final(bundle: Path) -> None:
    """Whoever was shown that the tool differs cannot go over to it."""
    with pytest.raises(InputError, match=r"strict: you say acceptable, the tool's status is fail: overriding it needs a reason of 20"):
        answered(bundle, ANSWERS | {"strict": {"judgement": "acceptable", "reason": "nineteen characters"}})
    assert recorded(bundle) == []
    with pytest.raises(InputError, match="strict: was judged acceptable before its status was shown, which is final"):
        answered(bundle, ANSWERS | {"strict": "not-acceptable"})
    assert "agrees with the tool on 1 of 2 findings" in answered(bundle)[3]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"strict": "acceptable"}, "no judgement of performance/accuracy: say acceptable, not-acceptable or cannot-tell"),
        (ANSWERS | {"strict": "fine"}, r"answers.json:1:\d+: strict: say acceptable, not-acceptable or cannot-tell"),
        (ANSWERS | {"stirct": "acceptable"}, "stirct: no finding of this bundle"),
        (ANSWERS | {"strict": {"judgement": "acceptable", "why": WHY}}, "strict.why"),
    ],
)
def test_mistakes_in_answers_are_shown_at_their_place(bundle: Path, answers: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        answered(bundle, answers)
    assert list(bundle.parent.glob(".*.draft")) == []


def test_without_a_terminal_a_file_is_asked_for(bundle: Path) -> None:
    folder = bundle.parent.parent
    done = subprocess.run(
        [AUDIT, "review", str(bundle), "--key", "keys/Rita Reviewer.key"],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "a review asks at a terminal; in a script name a file of judgements with --answers" in done.stderr
    (folder / "answers.yaml").write_text(f"performance/accuracy: acceptable\nstrict: {{judgement: acceptable, reason: '{WHY}'}}\n")
    done = audit("review", str(bundle), "--key", "keys/Rita Reviewer.key", "--answers", "answers.yaml", cwd=folder)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "decision: promote-with-conditions")


class Terminal:
    """The command at a terminal of its own, answered line by line."""

    def __init__(self, bundle: Path) -> None:
        self.child, self.end = pty.fork()
        if self.child == 0:
            os.chdir(bundle.parent.parent)
            os.execv(AUDIT, [AUDIT, "review", f"reports/{bundle.name}", "--key", "keys/Rita Reviewer.key"])  # noqa: S606  # our command
        self.seen = ""

    def until(self, words: str) -> str:
        """What appears up to these words."""
        limit, begin = time.monotonic() + 60, len(self.seen)
        while words not in self.seen[begin:]:
            assert time.monotonic() < limit, self.seen
            if select.select([self.end], [], [], 1)[0]:
                try:
                    self.seen += os.read(self.end, 4096).decode()
                except OSError:  # the command has ended
                    break
        assert words in self.seen[begin:], self.seen
        return self.seen[begin:]

    def type(self, line: str) -> None:
        os.write(self.end, line.encode() + b"\n")

    def ended(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def test_a_person_judges_at_a_terminal_before_anything_is_decided(bundle: Path) -> None:
    """Stopped after the first finding and continued with the second; the reason of an override is asked until it is long enough."""
    first = Terminal(bundle)
    shown = first.until("your judgement")
    assert "Finding 1 of 2: performance/accuracy" in shown
    assert "requirement  accuracy at least 0.5, on test (required, severity high)" in shown
    first.type("what?")
    first.until("your judgement")
    first.type("a")
    first.until("why (optional)")
    first.type("")
    shown += first.until("your judgement")
    first.type("s")
    first.until("the same command continues it with this finding")
    assert first.ended() == 3

    again = Terminal(bundle)
    shown += again.until("your judgement")
    assert "Finding 1 of 2" not in again.seen
    assert "Finding 2 of 2: strict" in again.seen
    for word in ("pass", "fail", "promote", "block", "decision", "\x1b["):
        assert word not in shown.lower(), word
    again.type("acceptable")
    again.until("why (optional)")
    again.type("")
    again.until("why do you override it (20 characters at least)")
    assert "strict: you say acceptable, the tool's status is fail" in again.seen
    again.type("too short")
    again.until("why do you override it")
    again.type(WHY)
    again.until("signed by Rita Reviewer (line 2), key")
    assert again.ended() == 0
    assert "too fast to have read them" in again.seen
    (entry,) = recorded(bundle)
    assert 0 <= entry["median_seconds"] < 2
    assert verified(bundle).problems[0].startswith("quorum")


def test_a_killed_reviewer_is_completed_by_the_next(bundle: Path, tmp_path: Path) -> None:
    def copied(to: Path) -> Path:
        shutil.copytree(bundle.parent.parent, to)
        return to / "reports" / bundle.name

    def work(once: Path) -> None:
        answered(once)

    most = steps(partial(work, copied(tmp_path / "counted")))
    for step in range(most // 3, most, most // 25):
        once = copied(tmp_path / str(step))
        if in_a_child(killed_at(step, partial(work, once))) != -signal.SIGKILL:
            continue
        with suppress(InputError):  # it has reviewed already, where it was killed at the very end
            answered(once)
        assert len(recorded(once)) == 1
        assert {one.ok for one in verified(once).checks if one.name in {"bytes", "review"}} == {True}

    once = copied(tmp_path / "before the ledger")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "append", killed_when_called)
        assert in_a_child(partial(work, once)) == -signal.SIGKILL
    assert "the review was there, and the ledger did not have it: it has it now" in answered(once)


def judged(*pairs: tuple[review.Opinion, str], seconds: float | None = None) -> list[Judgement]:
    return [Judgement(finding=str(i), judgement=said, status=status, seconds=seconds) for i, (said, status) in enumerate(pairs)]


def test_kappa_by_hand() -> None:
    """Ten findings: 6 acceptable to both, 2 to neither, one each way. Agreement 0.8; by chance 0.49 + 0.09; (0.8 - 0.58) / 0.42."""
    good: tuple[review.Opinion, str] = ("acceptable", "pass")
    bad: tuple[review.Opinion, str] = ("not-acceptable", "fail")
    found = review.agreement(judged(*[good] * 6, *[bad] * 2, ("acceptable", "fail"), ("not-acceptable", "pass"), seconds=3.0))
    assert (found.agreed, found.n, found.median_seconds, found.too_fast) == (8, 10, 3.0, False)
    assert found.kappa is not None
    assert found.kappa[0] == pytest.approx(0.22 / 0.42)
    assert -1 <= found.kappa[1] < found.kappa[0] < found.kappa[2] <= 1
    assert found.share == pytest.approx((0.8, found.share[1], found.share[2]))
    assert found.share[1] < 0.8 < found.share[2]


def test_kappa_is_not_defined_where_one_answer_is_given_throughout() -> None:
    found = review.agreement(judged(("acceptable", "pass"), ("acceptable", "not_applicable"), seconds=1.0))
    assert (found.kappa, found.agreed, found.too_fast) == (None, 2, True)
    assert "kappa not defined: one answer throughout, median 1.0 s a finding, too fast to have read them" in found.words


@pytest.mark.parametrize("status", ["inconclusive", "not_run", "error"])
def test_what_was_not_settled_agrees_with_cannot_tell_alone(status: str) -> None:
    assert [one.agrees for one in judged(("cannot-tell", status), ("acceptable", status), ("not-acceptable", status))] == [
        True,
        False,
        False,
    ]


def test_hostile_names_and_reasons_stay_inert(bundle: Path, tmp_path: Path) -> None:
    """In the file's name, in the terminal and in what is verified."""
    name = "Rita ..' <script>$(x)"
    keygen(name, 2, None, bundle.parent.parent / "keys")
    reason = "\x1b[31m::error::<script>alert(1)</script>\n|`=cmd()` ]]>"
    (tmp_path / "copy" / "answers.json").write_text(json.dumps(ANSWERS | {"strict": {"judgement": "acceptable", "reason": reason}}))
    done = audit("review", str(bundle), "--key", f"keys/{name}.key", "--answers", "answers.json", cwd=bundle.parent.parent)
    assert done.returncode == 0, done.stderr
    (place,) = bundle.glob("reviews/*")
    assert place.name.startswith("rita-script-x-")
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 5
    assert verified(bundle).problems[0].startswith("quorum")


def test_a_changed_bundle_is_not_reviewed(bundle: Path) -> None:
    reviewer = FromFile({}, "answers")
    (bundle / "report.html").write_text("promoted")
    with pytest.raises(InputError, match=r"report\.html: not as the run wrote it"):
        review_bundle(bundle, (bundle, lambda _: None), reviewer, Ledger(bundle.parent / "ledger.sqlite"), times.now())
