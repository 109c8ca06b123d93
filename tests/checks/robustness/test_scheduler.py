"""The scheduler gives each attack what it would have got alone, in fewer and larger batches."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import seeds
from audit.checks.robustness._scheduler import Job, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.checks.robustness._scheduler import Ask


def length(texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[len(text), text.count("a")] for text in texts], dtype=float)


def job(attack: Callable[[Ask], object], name: str = "") -> Job[object]:
    return Job(attack, seeds.GlobalStream(seeds.words(7, name)))


def drawn() -> tuple[float, float]:
    """What a library draws that knows the global streams only."""
    return random.random(), float(np.random.random())  # noqa: S311, NPY002  # as textattack draws


def walk(words: Sequence[Sequence[str]]) -> Callable[[Ask], object]:
    """Asks for one group of texts after the other and draws from both global streams in between."""

    def attack(ask: Ask) -> object:
        return tuple(str((ask(group).tolist(), *drawn())) for group in words)

    return attack


def attacks_alive() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "attack"]


def test_asks_of_all_attacks_go_in_one_call_and_each_text_once() -> None:
    """Two attacks of two asks each make two calls; "b", which both ask for, is scored once."""
    calls: list[list[str]] = []

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        calls.append(list(texts))
        return length(texts)

    found = run([job(walk([["aa", "b"], ["c"]])), job(walk([["b"], ["dd", "dd"]]))], score)
    assert calls == [["aa", "b"], ["c", "dd"]]
    assert [str(one).count("[[") for one in found] == [2, 2]
    assert "[[2.0, 2.0], [1.0, 0.0]]" in str(found[0])
    assert "[[2.0, 0.0], [2.0, 0.0]]" in str(found[1])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.lists(st.sampled_from(["", "a", "b", "ab", "banana"]), max_size=4), max_size=5), max_size=8), st.integers(1, 9))
def test_the_outcome_is_what_each_attack_finds_alone(plans: list[list[list[str]]], live: int) -> None:
    """Whatever runs beside it: answers, and draws from `random` and numpy, are those of a run by itself."""
    alone = []
    for number, plan in enumerate(plans):
        with seeds.GlobalStream(seeds.words(7, str(number))).installed():
            alone.append(walk(plan)(length))
    assert run([job(walk(plan), str(number)) for number, plan in enumerate(plans)], length, live=live) == alone


def test_the_global_streams_are_left_as_they_were() -> None:
    """An attack's draws do not move the streams of the rest of the process."""
    before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002  # the global generators are what is looked at
    run([job(walk([["a"], ["b"]]))], length)
    assert (random.getstate(), repr(np.random.get_state())) == before  # noqa: NPY002  # as above


def test_streams_differ_by_name_and_go_on_where_they_stopped() -> None:
    """One stream, installed twice, draws on; another name draws something else."""

    def draws(stream: seeds.GlobalStream) -> tuple[float, float]:
        with stream.installed():
            return drawn()

    first, second, other = (seeds.GlobalStream(seeds.words(0, name)) for name in ("a", "a", "b"))
    assert draws(first) == draws(second)
    assert draws(first) == draws(second) != draws(other)


def test_an_attack_that_crashes_ends_all_and_leaves_no_thread() -> None:
    """Never a row less: the error of one attack is the error of the run."""

    def crash(ask: Ask) -> object:
        ask(["a"])
        msg = "broken attack"
        raise ZeroDivisionError(msg)

    with pytest.raises(ZeroDivisionError, match="broken attack"):
        run([job(walk([["a"], ["b"]])), job(crash), job(walk([["a"]] * 5))], length)
    assert not attacks_alive()


def test_a_model_that_crashes_ends_all_and_leaves_no_thread() -> None:
    """Attacks parked on an answer that never comes are ended, even those that catch every `Exception`."""

    def stubborn(ask: Ask) -> object:
        try:
            return ask(["a"])
        except Exception:  # noqa: BLE001  # as broad as the worst recipe
            return "swallowed"

    def score(_texts: Sequence[str]) -> NDArray[np.float64]:
        msg = "out of memory"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="out of memory"):
        run([job(stubborn), job(stubborn)], score)
    assert not attacks_alive()


def test_an_abandoned_run_does_not_keep_the_process_alive() -> None:
    """A check whose model hangs is given up by the engine: its attacks wait in daemon threads."""
    release = threading.Event()

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        release.wait(10.0)
        return length(texts)

    check = threading.Thread(target=lambda: run([job(walk([["a"]]))], score), daemon=True)
    check.start()
    deadline = time.monotonic() + 5.0
    while not attacks_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [thread.daemon for thread in attacks_alive()] == [True]
    release.set()
    check.join(10.0)
    assert not attacks_alive()


def test_no_jobs_no_calls() -> None:
    """Nothing to attack, nothing asked."""
    assert run([], lambda _texts: pytest.fail("asked")) == []
