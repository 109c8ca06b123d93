"""How often a test set has served, counted from the ledger's entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.ledger import Ledger
from audit.ledger.alpha_spending import Look, Plan
from audit.ledger.test_set_usage import Exchanged, Identity, exchanged, wear

if TYPE_CHECKING:
    from pathlib import Path

SET, OTHER = Identity("f" * 64, "r" * 64), Identity("9" * 64, "8" * 64)


def told(candidate: str, rows: Identity = SET, **more: object) -> dict[str, object]:
    return {"policy": "p", "candidate_sha256": candidate, "test_sets": {"test": {"file": rows.file, "rows": rows.rows}}} | more


def looked(candidate: str, number: int, rows: Identity = SET) -> dict[str, object]:
    return told(candidate, rows, numbers={"test": number}, max=5, spending="pocock")


def test_candidates_are_counted_once_and_decisions_each(tmp_path: Path) -> None:
    """Three runs, two candidates; what was measured on other rows, and entries of other kinds, count for nothing."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for payload in (told("a"), told("b"), told("a"), told("c", OTHER)):
        ledger.append("t", "run", payload)
    ledger.append("t", "promotion", {"candidate_sha256": "d"})
    found = wear(ledger.entries(), SET)
    assert (found.decisions, found.candidates, found.looks) == (3, ("a", "b"), ())
    assert [found.number(one) for one in "abz"] == [1, 2, 3]


def test_a_look_and_its_run_are_one_decision_and_a_killed_run_is_one(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    entry = ledger.append("t", "look", looked("a", 1))
    ledger.append("t", "run", told("a", look=entry.digest))
    ledger.append("t", "look", looked("killed", 2))
    found = wear(ledger.entries(), SET)
    assert (found.decisions, found.candidates) == (2, ("a", "killed"))
    assert found.looks == (Look("a", 1, Plan(5, "pocock")), Look("killed", 2, Plan(5, "pocock")))


def test_rows_are_known_again_in_another_file_and_a_file_under_other_roles(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append("t", "run", told("a", Identity("another", SET.rows)))
    ledger.append("t", "run", told("b", Identity(SET.file, "read otherwise")))
    assert wear(ledger.entries(), SET).candidates == ("a", "b")
    assert not Identity("one", "").same(Identity("other", ""))


def test_what_is_the_same_as_the_same_set_is_the_same_set(tmp_path: Path) -> None:
    """One file read with another column of predictions has other rows; a new file of the first rows is both of them."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append("t", "look", looked("a", 1))
    ledger.append("t", "look", looked("b", 2, Identity(SET.file, "read otherwise")))
    third = Identity("another", SET.rows)
    assert wear(ledger.entries(), third).number("c") == 3
    assert exchanged(ledger.entries(), policy="p", role="test", now=third) == ()
    assert wear(ledger.entries(), OTHER).candidates == ()


def test_rows_are_known_again_by_one_column(tmp_path: Path) -> None:
    """Whatever roles the policy of then declared."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    then = Identity("another", "read otherwise", ("c" * 64, "d" * 64))
    ledger.append("t", "run", told("a") | {"test_sets": {"test": then.to_json()}})
    assert wear(ledger.entries(), Identity(SET.file, SET.rows, ("d" * 64,))).candidates == ("a",)
    assert wear(ledger.entries(), Identity(SET.file, SET.rows, ("e" * 64,))).candidates == ()


def test_runs_of_before_there_were_looks_count(tmp_path: Path) -> None:
    """They name every data set with the digest of its file, and not which of them decided."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append("t", "run", {"policy": "p", "candidate_sha256": "a", "datasets": {"train": "1" * 64, "test": SET.file}})
    assert wear(ledger.entries(), SET).candidates == ("a",)


def test_an_exchanged_file_is_told(tmp_path: Path) -> None:
    """Two other sets stood under this role and name before; the first one came in two files of the same rows."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    first, again = Identity("1" * 64, "x"), Identity("2" * 64, "x")
    for candidate, rows in (("a", first), ("b", again), ("c", OTHER), ("d", OTHER), ("a", SET)):
        ledger.append("t", "run", told(candidate, rows))
    ledger.append("t", "run", told("e", first) | {"policy": "another"})
    seen = exchanged(ledger.entries(), policy="p", role="test", now=SET)
    assert seen == (Exchanged("2" * 64, 2), Exchanged("9" * 64, 2))
    assert exchanged(ledger.entries(), policy="p", role="holdout", now=SET) == ()
