"""What texts can be told apart by: length, marks of the language, words that many hold, and neighbourhoods of the model's embedding."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.fairness._slice_discovery.attributes import Attribute, of_numbers
from audit.redaction.masking import common_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.checks.fairness._slice_discovery.holdout import Halves

LENGTH = "text (words)"
CHARACTERS = "text (characters)"
WORD = "text (holds the word)"
CLUSTER = "text (cluster among {})"
WORDS = 100
"""Words that are looked at: those whose texts are most often answered wrong in the half that is searched."""
MOST = 0.5
"""Share of the rows in which a word may stand; one that stands in more tells little."""
_TOKEN = re.compile(r"[^\W\d_]{2,}")
_TOLD = 3
"""Words by which a cluster is told."""
OFTEN = 2.0
"""How much more often a word stands in a cluster that it tells."""
_PRIOR = 500.0
"""Words that the prior is worth."""
_LAST = 0x110000
ROUNDS, SAMPLE = 25, 10_000
"""Rounds of k-means at most, and points that the centres are learnt from."""
_BLOCK = 20_000


def marks(texts: Sequence[str], learnt: NDArray[np.bool_]) -> tuple[Attribute, ...]:
    """Lengths, and shares of characters of each kind."""
    sizes = np.array([len(text) for text in texts])
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    ends = np.cumsum(sizes)
    found = [of_numbers(LENGTH, np.array([float(len(text.split())) for text in texts]), learnt)]
    found.append(of_numbers(CHARACTERS, sizes.astype(float), learnt))
    for name, kind in _kinds().items():
        total = np.concatenate([[0], np.cumsum(kind[points])])
        share = (total[ends] - total[ends - sizes]) / np.maximum(sizes, 1)
        found.append(of_numbers(name, np.round(share, 3), learnt))
    return tuple(found)


@cache
def _kinds() -> Mapping[str, NDArray[np.bool_]]:
    """For each mark, which characters count."""
    categories = [unicodedata.category(chr(code)) for code in range(_LAST)]
    letter = np.array([one[0] == "L" for one in categories])
    return {
        "text (share of capitals)": np.array([one == "Lu" for one in categories]),
        "text (share of letters outside a to z)": letter & (np.arange(_LAST) > 127),  # noqa: PLR2004  # the last of ASCII
        "text (share of punctuation)": np.array([one[0] == "P" for one in categories]),
        "text (share of digits)": np.array([one == "Nd" for one in categories]),
    }


def tokens(texts: Sequence[str]) -> list[frozenset[str]]:
    """(n,) the different words of each text, any case."""
    known = {text: frozenset(_TOKEN.findall(text.casefold())) for text in dict.fromkeys(texts)}
    return [known[text] for text in texts]


def words(
    texts: Sequence[str], held: Sequence[frozenset[str]], halves: Halves, least: int, *, entities: NDArray[np.int64] | None = None
) -> tuple[Attribute, ...]:
    """One attribute a word that enough rows of both halves hold. A word that few different texts hold may name somebody and is left out."""
    allowed = common_words(texts, entities)
    found: dict[str, list[int]] = {word: [] for word in allowed}
    for row, of_row in enumerate(held):
        for word in of_row & allowed:
            found[word].append(row)
    kept = []
    for word in sorted(found):
        rows = np.array(found[word], dtype=np.int64)
        searched = int(halves.search[rows].sum())
        if least <= searched <= MOST * halves.search.sum() and len(rows) - searched >= least:
            kept.append((halves.excess(rows), word, rows))
    kept.sort(key=lambda one: (-one[0], one[1]))
    return tuple(_holding(word, rows, len(texts)) for _, word, rows in kept[:WORDS])


def _holding(word: str, rows: NDArray[np.int64], n: int) -> Attribute:
    codes = np.zeros(n, dtype=np.int64)
    codes[rows] = 1
    return Attribute(WORD, codes, ((word, (1,)),), 2)


def clusters(
    points: NDArray[np.float64], k: int, held: Sequence[frozenset[str]], allowed: frozenset[str], learnt: NDArray[np.bool_], rng: Generator
) -> tuple[Attribute, ...]:
    """Neighbourhoods of the embedding, small and larger ones: a weak part may be a topic or a corner of one."""
    length = np.linalg.norm(points, axis=1, keepdims=True)
    unit = points / np.where(length > 0, length, 1.0)
    known = [one & allowed for one in held]
    numbers = [many for many in dict.fromkeys((k, k // 2, k // 4)) if many > 1]
    return tuple(_cluster(nearest(unit, centres(unit[learnt], many, rng)), many, known, learnt) for many in numbers)


def _cluster(codes: NDArray[np.int64], k: int, held: Sequence[frozenset[str]], learnt: NDArray[np.bool_]) -> Attribute:
    """Each neighbourhood told by the words that tell it best from the rest."""
    everywhere, n = _counts(held, np.flatnonzero(learnt)), int(learnt.sum())
    conditions = []
    for code in range(int(codes.max()) + 1):
        rows = np.flatnonzero(learnt & (codes == code))
        told = distinctive(_counts(held, rows), everywhere, len(rows), n)
        conditions.append((f"{code + 1}" + (f": {', '.join(told[:_TOLD])}" if told else ""), (code,)))
    return Attribute(CLUSTER.format(k), codes, tuple(conditions), len(conditions))


def _counts(held: Sequence[frozenset[str]], rows: NDArray[np.int64]) -> Counter[str]:
    """In how many of these texts each word stands."""
    return Counter(word for row in rows for word in held[row])


def distinctive(here: Counter[str], everywhere: Counter[str], rows: int, n: int) -> list[str]:
    """Words that stand at least `OFTEN` times as often in these texts as in the others, the surest first.

    Sure is a large log-odds ratio over its standard error, with a prior of the words as they stand everywhere (Monroe, Colaresi
    & Quinn, Political Analysis 2008). A word that is common everywhere, such as `the`, cannot stand so much more often here.
    """
    rest, all_here = n - rows, here.total() + rows  # the end of a text is a word too, so that no word is all there is
    everything = everywhere.total() + n

    def sure(word: str) -> float:
        prior = _PRIOR * everywhere[word] / everything
        inside, outside = here[word] + prior, everywhere[word] - here[word] + prior
        odds = inside / (all_here + _PRIOR - inside), outside / (everything - all_here + _PRIOR - outside)
        return float(np.log(odds[0] / odds[1]) / np.sqrt(1 / inside + 1 / outside))

    known = {word: sure(word) for word, count in here.items() if rest and count * rest >= OFTEN * (everywhere[word] - count) * rows}
    return sorted((word for word, found in known.items() if found > 0), key=lambda word: (-known[word], word))


def centres(points: NDArray[np.float64], k: int, rng: Generator) -> NDArray[np.float64]:
    """(k or fewer, d) centres by Lloyd's rounds from the seeding of Arthur & Vassilvitskii (SODA 2007)."""
    if len(points) > SAMPLE:
        points = points[np.sort(rng.choice(len(points), SAMPLE, replace=False))]
    found = _seeds(points, k, rng)
    for _ in range(ROUNDS):
        codes = nearest(points, found)
        counts = np.bincount(codes, minlength=len(found))
        held = counts > 0
        sums = np.zeros_like(found)
        np.add.at(sums, codes, points)
        moved = sums[held] / counts[held, None]
        if moved.shape == found.shape and np.allclose(moved, found, rtol=0, atol=1e-9):
            break
        found = moved
    return found


def nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) the centre that lies nearest to each point."""
    half = (centres * centres).sum(axis=1) / 2
    found = np.zeros(len(points), dtype=np.int64)
    for begin in range(0, len(points), _BLOCK):
        found[begin : begin + _BLOCK] = np.argmin(half - points[begin : begin + _BLOCK] @ centres.T, axis=1)
    return found


def _seeds(points: NDArray[np.float64], k: int, rng: Generator) -> NDArray[np.float64]:
    """Points drawn one after the other, each with a chance that grows with the square of its distance from those before."""
    chosen = [int(rng.integers(len(points)))]
    distance = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < k and distance.sum() > 0:
        chosen.append(int(rng.choice(len(points), p=distance / distance.sum())))
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]
