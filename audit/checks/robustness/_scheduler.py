"""Run many black-box attacks in lockstep, so that the model sees one large batch where each attack asks for a few texts."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import numpy as np

from audit.candidates.interface import why_no_scores
from audit.datasets.column_store import Texts
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.candidates.predictions import Predictions
    from audit.seeds import GlobalStream

Result = TypeVar("Result")
Ask: TypeAlias = "Callable[[Sequence[str]], NDArray[np.float64]]"
"""(n texts) to (n, k + 1): class probabilities, and behind them the place among the classes of the label that the model gives."""
LIVE = 64
"""Attacks under way at once: on two cores the batches are full from about 32 on."""


@dataclass(frozen=True, slots=True)
class Job(Generic[Result]):
    """One attack: a function that is given the model and returns its outcome."""

    attack: Callable[[Ask], Result]
    stream: GlobalStream
    """What the attack draws when it draws from the global streams."""


class _Abandoned(BaseException):
    """Ends a parked attack whose answer will never come; no `except Exception` on its way stops it."""


@dataclass(frozen=True, slots=True)
class _Ended(Generic[Result]):
    value: Result


class _Lane(Generic[Result]):
    """One attack in a thread of its own, which runs only while `step` waits for it: a coroutine without the attack's help."""

    def __init__(self, job: Job[Result]) -> None:
        self._job = job
        self._answers: SimpleQueue[NDArray[np.float64] | _Abandoned] = SimpleQueue()
        self._said: SimpleQueue[list[str] | _Ended[Result] | BaseException] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, name="attack", daemon=True)

    def step(self, answer: NDArray[np.float64] | None) -> list[str] | _Ended[Result]:
        """Start it, or hand it its answer; the texts it asks for next, or its end. Its error is raised here."""
        with self._job.stream.installed():
            if answer is None:
                self._thread.start()
            else:
                self._answers.put(answer)
            said = self._said.get()
        if isinstance(said, BaseException):
            raise said
        return said

    def close(self) -> None:
        """End the thread where it is parked."""
        self._answers.put(_Abandoned())
        self._thread.join(timeout=5.0)

    def _live(self) -> None:
        try:
            self._said.put(_Ended(self._job.attack(self._ask)))
        except BaseException as error:  # noqa: BLE001  # whatever ends the attack is raised in the thread that waits in `step`
            self._said.put(error)

    def _ask(self, texts: Sequence[str]) -> NDArray[np.float64]:
        self._said.put(list(texts))
        answer = self._answers.get()
        if isinstance(answer, _Abandoned):
            raise answer
        return answer


def asking(predicted: Predictions) -> Ask:
    """What an attack asks the model: its probabilities lead the search, its own label decides whether a text is adversarial."""
    place = {name: number for number, name in enumerate(predicted.candidate.classes)}

    def ask(texts: Sequence[str]) -> NDArray[np.float64]:
        answers = predicted.answer(Texts.of(texts))
        if answers.labels is None or answers.probabilities is None:
            raise CannotMeasure(why_no_scores(predicted.candidate))
        return np.column_stack([answers.probabilities, [place[label] for label in answers.labels]])

    return ask


def run(jobs: Sequence[Job[Result]], score: Ask, *, live: int = LIVE) -> list[Result]:
    """Outcomes of all attacks, in the order of the jobs; the same whatever `live` is. One attack's error ends all."""
    waiting = deque(range(len(jobs)))
    lanes: dict[int, _Lane[Result]] = {}
    asked: dict[int, list[str]] = {}
    ended: dict[int, Result] = {}
    try:
        while waiting or lanes:
            answers: dict[int, NDArray[np.float64] | None] = dict(_answer(asked, score))
            while waiting and len(lanes) < live:
                lanes[waiting[0]] = _Lane(jobs[waiting[0]])
                answers[waiting.popleft()] = None
            asked = {}
            for index, answer in answers.items():
                said = lanes[index].step(answer)
                if isinstance(said, _Ended):
                    ended[index] = said.value
                    del lanes[index]
                else:
                    asked[index] = said
    finally:
        for lane in lanes.values():
            lane.close()
    return [ended[index] for index in range(len(jobs))]


def _answer(asked: dict[int, list[str]], score: Ask) -> dict[int, NDArray[np.float64]]:
    """Answer everything that was asked for in one call, each distinct text once."""
    place = {text: row for row, text in enumerate(dict.fromkeys(text for texts in asked.values() for text in texts))}
    if not place:
        return {index: np.empty((0, 0)) for index in asked}
    table = score(list(place))  # (distinct texts, k + 1)
    return {index: table[[place[text] for text in texts]] for index, texts in asked.items()}
