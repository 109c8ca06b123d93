"""Accuracy under the attack DeepWordBug: share of rows classified correctly that stay so when words are misspelt on purpose.

Purpose      Show how easily a few typing errors, chosen to do harm, turn the model's answer.
Risk         Low: whoever wants another answer gets it by misspelling the words that count, and so, at times, does an honest bad typist.
Limitations  One attack of many: a model that withstands it may fall to another. A seeded sample of the rows is attacked, and rows that
             are wrong to begin with count as lost. English stop words, and words of two characters and more: a row in which the attack
             can change no word counts as right, is counted in a note, and too many such rows bar a pass (max_unattackable). With
             max_queries the attack is weaker than published.
Reference    Gao, Lanchantin, Soffa & Qi, IEEE Security and Privacy Workshops 2018; textattack's recipe DeepWordBugGao2018.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, FiniteFloat

from audit.check import Params
from audit.checks.robustness import _scheduler, _textattack, robustness_check
from audit.evidence import OVERALL, Evidence, Example, Member, Slice, Unmeasured
from audit.metrics.excerpts import changes
from audit.metrics.groups import part
from audit.seeds import GlobalStream, words
from audit.stats import Proportion

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

SHOWN = 5
"""Broken rows that the report shows."""
NO_WORD = "{:,} of the {:,} attacked rows hold no word that the attack changed (single characters, stop words, or no query left for it)"
WEAKER = "Each attack ended after {} queries at the latest: weaker than published."


class DeepWordBugParams(Params):
    """How many rows, and how hard."""

    examples: int = Field(200, ge=1, description="rows attacked, drawn by the policy's seed")
    max_queries: int | None = Field(None, ge=1, description="texts that one attack may have scored; unlimited where absent, as published")
    max_unattackable: FiniteFloat = Field(
        0.05, ge=0, le=1, description="share of the attacked rows that may stay without any changed word; more bar a pass"
    )


def measure(subject: Subject, params: DeepWordBugParams, rng: Generator) -> Evidence:
    """Share of the sampled rows that are right before and after the attack."""
    seed = int(rng.integers(2**62))
    rows = np.sort(rng.choice(subject.data.rows, size=_examined(subject, params), replace=False))
    right = (subject.y_true() == subject.y_pred())[rows]  # (n,) bool
    outcomes = _attack(subject, rows[right], seed=seed, max_queries=params.max_queries)
    survived = np.array([row in outcomes and not outcomes[row].broken for row in rows.tolist()])  # (n,) bool
    untried = sum(not (found.tried or found.broken) for found in outcomes.values())
    barring = untried > params.max_unattackable * len(outcomes)
    clusters = part(subject.clusters(), rows)
    return Evidence(
        members=(Member(OVERALL, Proportion.of(survived, clusters)),),
        context=(Member(Slice((("attack", "none"),)), Proportion.of(right, clusters)),),
        unmeasured=(_unattackable(untried, len(outcomes)),) if barring else (),
        unit="accuracy under attack",
        rows=len(rows),
        examples=_examples(subject, outcomes),
        notes=(*(_textattack.load().notes if outcomes else ()), *_notes(params, untried, len(outcomes))),
        backend=f"textattack {_textattack.installed_version()}",
        table=_table(subject, rows, outcomes=outcomes, survived=survived),
    )


def _unattackable(untried: int, attacked: int) -> Unmeasured:
    what = NO_WORD.format(untried, attacked)
    reason = f"{what}: they show nothing about the attack; use an attack that fits these texts, or test on texts with longer words"
    return Unmeasured(Slice((("rows", "without a changed word"),)), reason)


def _notes(params: DeepWordBugParams, untried: int, attacked: int) -> list[str]:
    weaker = [] if params.max_queries is None else [WEAKER.format(params.max_queries)]
    return weaker + ([f"{NO_WORD.format(untried, attacked)}; they count as right."] if untried else [])


def _examined(subject: Subject, params: DeepWordBugParams) -> int:
    return min(params.examples, subject.data.rows)


def _attack(subject: Subject, rows: NDArray[np.int64], *, seed: int, max_queries: int | None) -> dict[int, _textattack.Outcome]:
    """The outcome of each row, by its number. A row's own random stream depends on the seed and its id alone."""
    texts, y_true, ids = subject.data.texts(), subject.y_true(), subject.data.ids
    if not len(rows):
        return {}
    library = _textattack.load()

    def job(row: int) -> _scheduler.Job[_textattack.Outcome]:
        label = subject.classes.index(y_true[row])
        stream = GlobalStream(words(seed, str(ids[row])))
        return _scheduler.Job(lambda ask: library.deepwordbug(texts[row], label, ask, max_queries=max_queries), stream)

    numbers = rows.tolist()
    return dict(zip(numbers, _scheduler.run([job(row) for row in numbers], _scheduler.asking(subject.predicted)), strict=True))


def _examples(subject: Subject, outcomes: dict[int, _textattack.Outcome]) -> tuple[Example, ...]:
    texts, y_true = subject.data.texts(), subject.y_true()
    broken = [(row, found) for row, found in outcomes.items() if found.broken][:SHOWN]
    notes = [f"{y_true[row]} before, {subject.classes[found.predicted]} after {found.queries} queries" for row, found in broken]
    ids = [subject.data.shown(row) for row, _ in broken]
    shown = [changes(texts[row], found.text, subject.data.common_words) for row, found in broken]
    return tuple(Example(*one) for one in zip(ids, shown, notes, strict=True))


def _table(
    subject: Subject, rows: NDArray[np.int64], *, outcomes: dict[int, _textattack.Outcome], survived: NDArray[np.bool_]
) -> dict[str, NDArray[np.generic]]:
    """One entry an examined row. A row that was wrong to begin with was not attacked: no queries, its prediction unchanged.

    `changed`: whether any text with a changed word was put to the model.
    """
    clean = subject.y_pred()[rows].astype(str)
    attacked = {row: subject.classes[found.predicted] for row, found in outcomes.items()}
    numbers = rows.tolist()
    return {
        "id": subject.data.ids[rows],
        "label": subject.y_true()[rows].astype(str),
        "prediction": clean,
        "prediction_attacked": np.array([attacked.get(row, before) for row, before in zip(numbers, clean, strict=True)], dtype=str),
        "queries": np.array([outcomes[row].queries if row in outcomes else 0 for row in numbers], dtype=np.int64),
        "changed": np.array([row in outcomes and outcomes[row].tried for row in numbers], dtype=bool),
        "survived": survived,
    }


CHECK = robustness_check(
    measure=measure,
    question="Does it withstand misspellings that are meant to mislead it?",
    remedy="Fine-tune with misspelt copies of the training rows, or correct the spelling before the model reads the text.",
    rmf=("MEASURE 2.6", "MEASURE 2.7"),
    unit="accuracy under attack",
    needs=frozenset({"labels", "predictions", "scores", "text", "model"}),
    params=DeepWordBugParams,
    tasks=("text-classification",),
    extra="attacks",
    expected_rows=_examined,
    limit=3600.0,
)
