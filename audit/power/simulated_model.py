"""A model that is not there yet: answers drawn from the labels, so that the checks' own code says what they will have to judge.

A population holds what every simulated model sees of the rows; a model of some strength answers from it. Two models that are compared
share most of their noise, since most of what makes an answer wrong is the row's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from audit import seeds
from audit.candidates.capabilities import Embeddings, Queries, Values, find
from audit.candidates.interface import Outputs
from audit.datasets.column_store import Texts
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C, Capability
    from audit.datasets import Dataset
    from audit.datasets.column_store import Inputs

USUAL = 1.2815515655446004
"""Strength at which two classes are ranked with an AUC of 0.90."""
STRONGEST = 8.0
DIMENSIONS = 16
"""Of the vector that stands for a text."""
SHARED = 0.8
"""Correlation of the noise of two models that are compared."""
_LEAST = 1e-12

Rows: TypeAlias = "tuple[NDArray[Any], NDArray[np.float64]]"
"""True answers, and the noise through which a model sees them."""


class Population:
    """True classes and noise of every data set, the same for models of every strength; each `draw` has its own noise.

    A model has one normal latent score a class and gives calibrated posterior probabilities; no group is served worse. With two
    classes the log odds are normal in each class with equal spread (the binormal model), and the AUC is the normal distribution
    function of the strength.
    """

    def __init__(self, classes: Sequence[str], datasets: Mapping[str, Dataset], seed: int, draw: int = 0) -> None:
        self.classes = tuple(classes)
        self._noise = _Noise(seed, draw)
        labelled = [data.labels(data.columns.label) for data in datasets.values() if data.columns.label is not None]
        counts = np.array([sum(int(np.sum(labels == name)) for labels in labelled) for name in self.classes], dtype=float)
        self._shares = (counts + 1) / (counts + 1).sum()

    def rows(self, data: Dataset, *, comparator: bool = False) -> Rows:
        """(n,) true classes, drawn where the data name none, and (n, k) standard normal noise, as the comparator sees it or not."""
        return self._noise.rows(data, self._drawn, comparator=comparator)

    def _drawn(self, data: Dataset, rng: np.random.Generator) -> Rows:
        noise = rng.standard_normal((data.rows, len(self.classes)))
        if data.columns.label is None:
            return rng.choice(len(self.classes), data.rows, p=self._shares), noise
        place = {name: code for code, name in enumerate(self.classes)}
        return np.array([place[name] for name in data.labels(data.columns.label)], dtype=np.int64), noise

    def answers(self, data: Dataset, strength: float, *, comparator: bool) -> Outputs:
        """Calibrated probabilities, and the likeliest class."""
        codes, noise = self.rows(data, comparator=comparator)
        right = np.arange(len(self.classes)) == codes[:, None]
        share = (right.sum(axis=0) + 1) / (right.sum() + len(self.classes))
        odds = np.log(share) + strength * (noise + strength * right)
        weight = np.maximum(np.exp(odds - odds.max(axis=1, keepdims=True)), _LEAST)
        probabilities = weight / weight.sum(axis=1, keepdims=True)
        return Outputs(np.array(self.classes, dtype=object)[probabilities.argmax(axis=1)], probabilities)


class Numbers:
    """True numbers and noise of every data set, the same for models of every strength; each `draw` has its own noise.

    A model sees each true number through normal noise and gives the best guess from that; no group is served worse. At strength 0
    it gives the mean of all; the noise falls as 1 / (exp(strength) - 1), so that a strong one is nearly exact.
    """

    classes = ()

    def __init__(self, datasets: Mapping[str, Dataset], seed: int, draw: int = 0) -> None:
        self._noise = _Noise(seed, draw)
        known = [data.numbers(data.columns.label) for data in datasets.values() if data.columns.label is not None]
        together = np.concatenate(known) if known else np.zeros(0)
        if len(together) < 2 or together.std() == 0:  # noqa: PLR2004  # a spread is of two at least
            msg = "the data name no two different numbers: a plan needs true numbers under columns.label"
            raise CannotMeasure(msg)
        self._mean, self._spread = float(together.mean()), float(together.std())

    def _drawn(self, data: Dataset, rng: np.random.Generator) -> Rows:
        """(n,) true numbers, drawn as normal where the data name none, and (n,) noise."""
        noise = rng.standard_normal(data.rows)
        if data.columns.label is not None:
            return data.numbers(data.columns.label), noise
        return self._mean + self._spread * rng.standard_normal(data.rows), noise

    def answers(self, data: Dataset, strength: float, *, comparator: bool) -> Outputs:
        """The expected numbers, given what the model sees."""
        values, noise = self._noise.rows(data, self._drawn, comparator=comparator)
        clarity = float(np.expm1(strength))
        guessed = clarity * (clarity * (values - self._mean) + self._spread * noise) / (clarity**2 + 1)
        return Outputs(None, values=self._mean + guessed)


class _Noise:
    """The random streams of one draw, and what they gave for each data set."""

    def __init__(self, seed: int, draw: int) -> None:
        self._seed, self._draw = seed, f", draw {draw}" if draw else ""
        self._known: dict[str, Rows] = {}

    def rows(self, data: Dataset, drawn: Callable[[Dataset, np.random.Generator], Rows], *, comparator: bool) -> Rows:
        """True answers and noise; the comparator's noise correlates with the other model's by `SHARED`."""
        if data.role not in self._known:
            self._known[data.role] = drawn(data, seeds.stream(self._seed, f"stand-in for {data.role}{self._draw}"))
        truth, noise = self._known[data.role]
        if comparator:
            own = seeds.stream(self._seed, f"rival of the stand-in for {data.role}{self._draw}").standard_normal(noise.shape)
            noise = SHARED * noise + np.sqrt(1 - SHARED**2) * own
        return truth, noise


class SimulatedModel:
    """A candidate of stated strength, or a second one that it is compared with, wrong in part on the same rows.

    A classifier embeds texts and refuses to answer new inputs besides what it `offers`; a regressor offers numbers and nothing else.
    """

    parameters = None
    folder = None

    def __init__(
        self,
        population: Population | Numbers,
        offers: Sequence[Capability] = (),
        strength: float = USUAL,
        *,
        kind: str = "simulated",
        comparator: bool = False,
    ) -> None:
        self.kind, self.classes = kind, population.classes
        self.description = f"simulated model of strength {strength:g}"
        self.sha256 = hashlib.sha256(self.description.encode()).hexdigest()
        self.asked = False
        """Whether anybody wanted to know anything of it: what never asks is the same under every model."""
        self.refused = False
        """Whether it was asked for what it cannot give."""
        self.embedded = 0
        """Texts that were asked to be embedded."""
        classifies = isinstance(population, Population)
        self._offers = (*offers, Queries(Texts, self._refuse), Embeddings(self._embed)) if classifies else (Values(),)
        self._population, self._strength, self._comparator = population, strength, comparator

    def predict(self, dataset: Dataset) -> Outputs:
        """Its answers to the rows."""
        self.asked = True
        return self._population.answers(dataset, self._strength, comparator=self._comparator)

    def get(self, capability: type[C]) -> C | None:
        """What it offers."""
        return find(self._offers, capability)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), DIMENSIONS) one normal vector a text, so that two windows are one population."""
        self.asked = True
        self.embedded += len(texts)
        found = [np.random.default_rng(seeds.words(0, text)).standard_normal(DIMENSIONS) for text in texts]
        return np.array(found).reshape(len(texts), DIMENSIONS)

    def _refuse(self, inputs: Inputs) -> NoReturn:
        """How a model answers new inputs cannot be drawn from labels."""
        self.asked = self.refused = True
        msg = f"a simulated model cannot score {len(inputs)} new rows"
        raise CannotMeasure(msg)
