"""A model that is not there yet: answers drawn from the labels, so that the checks' own code says what they will have to judge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from audit import seeds
from audit.candidates.capabilities import Embeddings, Queries, find
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
    """True classes and noise of every data set, the same for stand-ins of every strength; each `draw` has its own noise."""

    def __init__(self, classes: Sequence[str], datasets: Mapping[str, Dataset], seed: int, draw: int = 0) -> None:
        self.classes = tuple(classes)
        self._seed, self._draw = seed, f", draw {draw}" if draw else ""
        labelled = [data.labels(data.columns.label) for data in datasets.values() if data.columns.label is not None]
        counts = np.array([sum(int(np.sum(labels == name)) for labels in labelled) for name in self.classes], dtype=float)
        self._shares = (counts + 1) / (counts + 1).sum()
        self._known: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def rows(self, data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n,) true classes, drawn where the data name none, and (n, k) standard normal noise."""
        if data.role not in self._known:
            rng = seeds.stream(self._seed, f"stand-in for {data.role}{self._draw}")
            noise = rng.standard_normal((data.rows, len(self.classes)))
            if data.columns.label is None:
                codes = rng.choice(len(self.classes), data.rows, p=self._shares)
            else:
                place = {name: code for code, name in enumerate(self.classes)}
                codes = np.array([place[name] for name in data.labels(data.columns.label)], dtype=np.int64)
            self._known[data.role] = codes, noise
        return self._known[data.role]

    def model(self, offers: Sequence[Capability], strength: float = USUAL, *, kind: str = "stand-in") -> StandIn:
        """A candidate of that strength, that offers these."""
        return StandIn(self, offers, strength, kind=kind)


class Twin(Population):
    """The same rows as another model sees them that learned from alike data: most of what makes an answer wrong is the row's."""

    def rows(self, data: Dataset) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(n,) the same true classes, and (n, k) noise that correlates with the other model's by `SHARED`."""
        codes, noise = super().rows(data)
        own = seeds.stream(self._seed, f"rival of the stand-in for {data.role}{self._draw}").standard_normal(noise.shape)
        return codes, SHARED * noise + np.sqrt(1 - SHARED**2) * own


class StandIn:
    """A candidate of stated strength: one normal latent score a class, calibrated posterior probabilities, no group served worse.

    With two classes the log odds are normal in each class with equal spread (the binormal model), and the AUC is the normal
    distribution function of the strength.
    """

    parameters = None
    folder = None

    def __init__(self, population: Population, offers: Sequence[Capability], strength: float = USUAL, *, kind: str = "stand-in") -> None:
        self.kind = kind
        self._offers = (*offers, Queries(Texts, self._refuse), Embeddings(self._embed))
        self.classes = population.classes
        self.description = f"stand-in of strength {strength:g}"
        self.sha256 = hashlib.sha256(self.description.encode()).hexdigest()
        self.asked = False
        """Whether anybody wanted to know anything of it: what never asks is the same under every model."""
        self.refused = False
        """Whether it was asked for what it cannot give."""
        self.embedded = 0
        """Texts that were asked to be embedded."""
        self._population = population
        self._strength = strength

    def predict(self, dataset: Dataset) -> Outputs:
        """Calibrated probabilities, and the likeliest class."""
        self.asked = True
        codes, noise = self._population.rows(dataset)
        right = np.arange(len(self.classes)) == codes[:, None]
        share = (right.sum(axis=0) + 1) / (right.sum() + len(self.classes))
        odds = np.log(share) + self._strength * (noise + self._strength * right)
        weight = np.maximum(np.exp(odds - odds.max(axis=1, keepdims=True)), _LEAST)
        probabilities = weight / weight.sum(axis=1, keepdims=True)
        return Outputs(np.array(self.classes, dtype=object)[probabilities.argmax(axis=1)], probabilities)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), DIMENSIONS) one normal vector a text, so that two windows are one population."""
        self.asked = True
        self.embedded += len(texts)
        found = [np.random.default_rng(seeds.words(0, text)).standard_normal(DIMENSIONS) for text in texts]
        return np.array(found).reshape(len(texts), DIMENSIONS)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def get(self, capability: type[C]) -> C | None:
        """What it was said to offer, embeddings, and answers to new inputs."""
        return find(self._offers, capability)

    def _refuse(self, inputs: Inputs) -> NoReturn:
        """How a model answers new inputs cannot be drawn from labels."""
        self.asked = self.refused = True
        msg = f"a stand-in cannot score {len(inputs)} new rows"
        raise CannotMeasure(msg)
