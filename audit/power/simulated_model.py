"""A model that is not there yet: answers drawn from the labels, so that the checks' own code says what they will have to judge.

A population holds what every simulated model sees of the rows; a model of some strength answers from it. Two models that are compared
share most of their noise, since most of what makes an answer wrong is the row's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from audit import seeds
from audit.candidates.capabilities import Embeddings, Queries, Values, find
from audit.candidates.interface import Outputs
from audit.datasets.inputs import Texts
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C, Capability
    from audit.datasets import Dataset
    from audit.datasets.inputs import Inputs

USUAL = 1.2815515655446004
"""Strength at which two classes are ranked with an AUC of 0.90."""
STRONGEST = 8.0
DIMENSIONS = 16
"""Of the vector that stands for a text."""
SHARED = 0.8
"""Correlation of the noise of two models that are compared."""
_LEAST = 1e-12


class Population:
    """True classes and noise of every data set, the same for models of every strength; each `draw` has its own noise."""

    def __init__(self, classes: Sequence[str], datasets: Mapping[str, Dataset], seed: int, draw: int = 0) -> None:
        self.classes = tuple(classes)
        self._noise = _Noise(seed, draw)
        labelled = [data.labels(data.columns.label) for data in datasets.values() if data.columns.label is not None]
        counts = np.array([sum(int(np.sum(labels == name)) for labels in labelled) for name in self.classes], dtype=float)
        self._shares = (counts + 1) / (counts + 1).sum()
        self._known: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def rows(self, data: Dataset, *, comparator: bool = False) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n,) true classes, drawn where the data name none, and (n, k) standard normal noise, as the comparator sees it or not."""
        if data.role not in self._known:
            rng = self._noise.stream(data)
            noise = rng.standard_normal((data.rows, len(self.classes)))
            if data.columns.label is None:
                codes = rng.choice(len(self.classes), data.rows, p=self._shares)
            else:
                place = {name: code for code, name in enumerate(self.classes)}
                codes = np.array([place[name] for name in data.labels(data.columns.label)], dtype=np.int64)
            self._known[data.role] = codes, noise
        codes, noise = self._known[data.role]
        return codes, self._noise.of_comparator(data, noise) if comparator else noise

    def model(self, offers: Sequence[Capability], strength: float = USUAL, *, kind: str = "simulated") -> SimulatedClassifier:
        """A candidate of that strength, that offers these."""
        return SimulatedClassifier(self, offers, strength, kind=kind)

    def comparator(self, offers: Sequence[Capability], strength: float = USUAL, *, kind: str = "simulated") -> CorrelatedClassifier:
        """A second model of that strength."""
        return CorrelatedClassifier(self, offers, strength, kind=kind)


class Numbers:
    """True numbers and noise of every data set, the same for models of every strength; each `draw` has its own noise."""

    def __init__(self, datasets: Mapping[str, Dataset], seed: int, draw: int = 0) -> None:
        self._noise = _Noise(seed, draw)
        known = [data.numbers(data.columns.label) for data in datasets.values() if data.columns.label is not None]
        together = np.concatenate(known) if known else np.zeros(0)
        if len(together) < 2 or together.std() == 0:  # noqa: PLR2004  # a spread is of two at least
            msg = "the data name no two different numbers: a plan needs true numbers under columns.label"
            raise CannotMeasure(msg)
        self.mean, self.spread = float(together.mean()), float(together.std())
        self._known: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def rows(self, data: Dataset, *, comparator: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n,) true numbers, drawn as normal where the data name none, and (n,) noise, as the comparator sees it or not."""
        if data.role not in self._known:
            rng = self._noise.stream(data)
            noise = rng.standard_normal(data.rows)
            drawn = self.mean + self.spread * rng.standard_normal(data.rows)
            self._known[data.role] = (drawn if data.columns.label is None else data.numbers(data.columns.label)), noise
        values, noise = self._known[data.role]
        return values, self._noise.of_comparator(data, noise) if comparator else noise

    def model(self, _offers: Sequence[Capability] = (), strength: float = USUAL, *, kind: str = "simulated") -> SimulatedRegressor:
        """A candidate of that strength; it offers numbers and nothing else."""
        return SimulatedRegressor(self, strength, kind=kind)

    def comparator(self, _offers: Sequence[Capability] = (), strength: float = USUAL, *, kind: str = "simulated") -> CorrelatedRegressor:
        """A second model of that strength."""
        return CorrelatedRegressor(self, strength, kind=kind)


class _Noise:
    """The random streams of one draw."""

    def __init__(self, seed: int, draw: int) -> None:
        self._seed, self._draw = seed, f", draw {draw}" if draw else ""

    def stream(self, data: Dataset) -> np.random.Generator:
        """Of the rows of one data set."""
        return seeds.stream(self._seed, f"stand-in for {data.role}{self._draw}")

    def of_comparator(self, data: Dataset, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        """Noise that correlates with the other model's by `SHARED`."""
        own = seeds.stream(self._seed, f"rival of the stand-in for {data.role}{self._draw}").standard_normal(noise.shape)
        seen: NDArray[np.float64] = SHARED * noise + np.sqrt(1 - SHARED**2) * own
        return seen


class _Simulated:
    """What both kinds of simulated models share."""

    parameters = None
    folder = None
    is_comparator = False

    def __init__(self, strength: float, kind: str) -> None:
        self.kind = kind
        self.description = f"simulated model of strength {strength:g}"
        self.sha256 = hashlib.sha256(self.description.encode()).hexdigest()
        self.asked = False
        """Whether anybody wanted to know anything of it: what never asks is the same under every model."""
        self.refused = False
        """Whether it was asked for what it cannot give."""
        self.embedded = 0
        """Texts that were asked to be embedded."""

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()


class SimulatedClassifier(_Simulated):
    """A candidate of stated strength: one normal latent score a class, calibrated posterior probabilities, no group served worse.

    With two classes the log odds are normal in each class with equal spread (the binormal model), and the AUC is the normal
    distribution function of the strength.
    """

    def __init__(self, population: Population, offers: Sequence[Capability], strength: float = USUAL, *, kind: str = "simulated") -> None:
        super().__init__(strength, kind)
        self._offers = (*offers, Queries(Texts, self._refuse), Embeddings(self._embed))
        self.classes = population.classes
        self._population, self._strength = population, strength

    def predict(self, dataset: Dataset) -> Outputs:
        """Calibrated probabilities, and the likeliest class."""
        self.asked = True
        codes, noise = self._population.rows(dataset, comparator=self.is_comparator)
        right = np.arange(len(self.classes)) == codes[:, None]
        share = (right.sum(axis=0) + 1) / (right.sum() + len(self.classes))
        odds = np.log(share) + self._strength * (noise + self._strength * right)
        weight = np.maximum(np.exp(odds - odds.max(axis=1, keepdims=True)), _LEAST)
        probabilities = weight / weight.sum(axis=1, keepdims=True)
        return Outputs(np.array(self.classes, dtype=object)[probabilities.argmax(axis=1)], probabilities)

    def get(self, capability: type[C]) -> C | None:
        """What it was said to offer, embeddings, and answers to new inputs."""
        return find(self._offers, capability)

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


class CorrelatedClassifier(SimulatedClassifier):
    """The model that it is compared with, wrong in part on the same rows."""

    is_comparator = True


class SimulatedRegressor(_Simulated):
    """A candidate of stated strength: it sees each true number through normal noise and gives the best guess from that.

    At strength 0 it gives the mean of all; the noise falls as 1 / (exp(strength) - 1), so that a strong one is nearly exact.
    No group is served worse.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, numbers: Numbers, strength: float, *, kind: str) -> None:
        super().__init__(strength, kind)
        self._numbers = numbers
        self._clarity = float(np.expm1(strength))

    def predict(self, dataset: Dataset) -> Outputs:
        """The expected number, given what it sees."""
        self.asked = True
        values, noise = self._numbers.rows(dataset, comparator=self.is_comparator)
        clarity, mean = self._clarity, self._numbers.mean
        guessed = clarity * (clarity * (values - mean) + self._numbers.spread * noise) / (clarity**2 + 1)
        return Outputs(None, values=mean + guessed)

    def get(self, capability: type[C]) -> C | None:
        """Its numbers: how a model answers changed rows cannot be drawn from true ones."""
        return find((Values(),), capability)


class CorrelatedRegressor(SimulatedRegressor):
    """The model that it is compared with, wrong in part on the same rows."""

    is_comparator = True
