"""Text surface: how far length, letters, vocabulary and language of the texts have moved between two windows.

Purpose      Show changes that anybody can see without a model: length, characters, words never met, another language.
Risk         High: the model reads texts unlike those it was tested on; an encoding or a form broke, or another group of people writes.
Limitations  The surface alone: the same words with another meaning are not seen (drift/embedding_drift, drift/mmd). The vocabulary is
             that of one half of the reference's texts, and its other half says how many words are new anyway. The language is a heuristic
             by scripts and character trigrams of seven languages: short texts, names and mixtures are often guessed wrongly, in both
             both windows. Words that moved are named only where ten different texts hold them in small letters. The value is the rise of
             a share of rows or words; of lengths and letters it is the Kolmogorov-Smirnov distance.
Reference    Smirnov 1939; difference of proportions by Newcombe, Statistics in Medicine 1998; trigrams after Cavnar & Trenkle, SDAIR 1994.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.drift import _language, drift_check
from audit.checks.drift._moved_words import moved_words
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Slice, Unmeasured
from audit.metrics import bins, groups, windows
from audit.stats import Difference, KolmogorovSmirnov, Proportion
from audit.stats.distance import largest_distance

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import NoParams
    from audit.datasets import Dataset
    from audit.subject import Subject

_BINS = 20
_WORD = re.compile(r"\w+")
_LEAST = 2
"""Texts of the reference: one for each half."""


def measure(subject: Subject, _params: NoParams, rng: Generator) -> Evidence:
    """Distances of length and letters, and the rise of unseen words and of other languages."""
    reference, current = windows.pair(subject)
    if reference.columns.text is None or current.columns.text is None:
        lacks = reference if reference.columns.text is None else current
        msg = f"{lacks.role}: no text column: name it under columns.text"
        raise CannotMeasure(msg)
    if reference.rows < _LEAST:
        msg = f"{reference.role}: the vocabulary needs two texts, got {reference.rows}"
        raise CannotMeasure(msg)
    features, _ = windows.features(reference, current, tuple(windows.DERIVED))
    sizes = [windows.effective_rows(subject, data) for data in (reference, current)]
    members = [
        Member(feature.slice, KolmogorovSmirnov(largest_distance(feature.reference.astype(float), feature.current.astype(float)), *sizes))
        for feature in features
    ]
    words, unseen = _unseen_words(subject, reference, current, rng)
    other, languages = _other_languages(subject, reference, current)
    entities = windows.entities(subject)
    texts = ([_words(text) for text in reference.texts()], [_words(text) for text in current.texts()])
    moved, said = moved_words((reference, current), texts, [entities[data.role] for data in (reference, current)], sizes)
    if words is not None:
        members.append(Member(_named("text (unseen words)"), words))
    members.append(Member(_named("text (other language)"), other))
    return Evidence(
        members=tuple(members),
        unit="change of a share",
        rows=reference.rows + current.rows,
        unmeasured=() if words is not None else (Unmeasured(_named("text (unseen words)"), unseen),),
        figures=(
            *(() if moved is None else (moved,)),
            *(bins.of(feature, _BINS).figure(feature.name, reference.role, current.role) for feature in features),
        ),
        notes=(*windows.change_notes(members), *((unseen,) if words is not None else ()), said, languages, *windows.cluster_notes(subject)),
    )


def _named(name: str) -> Slice:
    return Slice((("column", name),))


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if not word.isdigit()]


def _unseen_words(subject: Subject, reference: Dataset, current: Dataset, rng: Generator) -> tuple[Difference | None, str]:
    """The share of words that half of the reference lacks, in the current window less in the other half.

    Words of one text, or of one entity, move together.
    """
    before, now = ([_words(text) for text in data.texts()] for data in (reference, current))
    whose = [subject.clusters(data) for data in (reference, current)]
    units = [np.arange(data.rows) if codes is None else codes for data, codes in zip((reference, current), whose, strict=True)]
    learnt = rng.permutation(int(units[0].max()) + 1) % 2 == 0
    first = learnt[units[0]]
    vocabulary = {word for words, known in zip(before, first, strict=True) if known for word in words}
    rest = _share(before, units[0], ~first, vocabulary)
    new = _share(now, units[1], np.ones(len(now), dtype=bool), vocabulary)
    if rest is None or new is None:
        return None, "a window, or half of the reference, has no words: compare windows with more texts"
    shares = f"{new.value:.1%} in {current.role}, {rest.value:.1%} in the other half of {reference.role}"
    return Difference(new, rest), f"Words that half of the reference lacks: {shares}."


def _share(texts: list[list[str]], units: NDArray[np.int64], rows: NDArray[np.bool_], vocabulary: set[str]) -> Proportion | None:
    sizes = np.array([len(words) for words in texts], dtype=float)
    unseen = np.array([sum(word not in vocabulary for word in words) for words in texts], dtype=float)
    total, hits = (np.bincount(units[rows], weights=one[rows]).astype(np.float64) for one in (sizes, unseen))
    there = total > 0
    return Proportion.of_entities(hits[there], total[there]) if there.any() else None


def _other_languages(subject: Subject, reference: Dataset, current: Dataset) -> tuple[Difference, str]:
    """The rise of the share of texts that are not in the reference's most frequent language, by the heuristic."""
    said = [np.array([_language.language(text) for text in data.texts()]) for data in (reference, current)]
    main = min(Counter(said[0].tolist()).items(), key=lambda item: (-item[1], item[0]))[0]
    entities = windows.entities(subject)
    before, now = (groups.share(side != main, entities[data.role]) for side, data in zip(said, (reference, current), strict=True))
    most = Counter(side for side in said[1].tolist() if side != main).most_common(3)
    others = f"; others in {current.role}: {', '.join(f'{name} {count / current.rows:.1%}' for name, count in most)}" if most else ""
    note = f"Languages are guessed by scripts and character trigrams, a heuristic: most texts of {reference.role} are {main}{others}."
    return now.compare(before, Difference), note


CHECK = drift_check(
    measure=measure,
    question="Do the texts still look like those of the reference data: length, characters, words, language?",
    remedy="Read texts of what moved most; mend the encoding or the form, or label such texts, test on them and fine-tune again.",
    unit="change of a share",
    needs=frozenset({"reference", "text"}),
)
