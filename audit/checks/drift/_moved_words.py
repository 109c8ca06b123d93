"""Words whose share of texts moved beyond chance between two windows, shown only where they are common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.evidence import Intervals, Point
from audit.redaction.masking import COMMON, common_words
from audit.stats import Proportion
from audit.stats.hypothesis_tests import holm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset

_SHOWN = 10
_LEVEL = 0.05


def moved_words(
    windows: tuple[Dataset, Dataset],
    words: tuple[Sequence[list[str]], Sequence[list[str]]],
    entities: Sequence[NDArray[np.int64] | None],
    sizes: Sequence[int],
) -> tuple[Intervals | None, str]:
    """A figure of the shares, what moved most by chance's measure first; and what is said of it.

    `words` are the lower-case words of each text, `sizes` the rows that each window is worth. A two-sided test of two proportions
    for every common word, corrected by Holm. A word that fewer than ten different texts hold in small letters is never named.
    """
    known = [codes for codes in entities if codes is not None]
    whose = np.concatenate(known).tolist() if len(known) == len(windows) else None
    common = sorted(common_words([text for data in windows for text in data.texts()], whose))
    if not common:
        return None, f"No word stands in {COMMON} different texts, so none is named."
    before, now = (_shares(side, common) for side in words)
    both = (before * sizes[0] + now * sizes[1]) / sum(sizes)
    spread = np.sqrt(both * (1 - both) * (1 / sizes[0] + 1 / sizes[1]))
    z = np.divide(now - before, spread, out=np.zeros(len(common)), where=spread > 0)
    found = holm(_two_sided(z)) <= _LEVEL
    order = [i for i in np.argsort(-np.abs(z), kind="stable").tolist() if found[i]]
    if not order:
        return None, f"No word of {len(common):,} common ones moved beyond chance (two proportions, Holm)."
    shown = order[:_SHOWN]
    figure = Intervals(
        unit="share of texts with a word that moved",
        series=(windows[0].role, windows[1].role),
        names=tuple(common[i] for i in shown),
        points=tuple((_point(before[i], sizes[0]), _point(now[i], sizes[1])) for i in shown),
    )
    return figure, f"{len(order):,} of {len(common):,} common words moved beyond chance (two proportions, Holm); rare words are not named."


def _shares(texts: Sequence[list[str]], common: list[str]) -> NDArray[np.float64]:
    """Share of texts that hold each word."""
    place = {word: i for i, word in enumerate(common)}
    counts = np.zeros(len(common))
    for text in texts:
        for word in set(text) & place.keys():
            counts[place[word]] += 1
    return counts / max(1, len(texts))


def _point(share: float, size: int) -> Point:
    """With its interval on so many independent texts."""
    return Point(float(share), *Proportion(round(share * size), size).bounds(0.025, 0.025))


def _two_sided(z: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    p: NDArray[np.float64] = 2 * ndtr(-np.abs(z))
    return p
