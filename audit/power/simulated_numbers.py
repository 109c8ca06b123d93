"""A regression model that is not there yet: numbers drawn from the true ones, so that the checks' own code says what they will judge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from audit import seeds
from audit.candidates.capabilities import Values, find
from audit.candidates.interface import Outputs
from audit.errors import CannotMeasure
from audit.power.simulated_model import SHARED, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C, Capability
    from audit.datasets import Dataset


class Numbers:
    """True numbers and noise of every data set, the same for stand-ins of every strength; each `draw` has its own noise."""

    def __init__(self, datasets: Mapping[str, Dataset], seed: int, draw: int = 0) -> None:
        self._seed, self._draw = seed, f", draw {draw}" if draw else ""
        known = [data.numbers(data.columns.label) for data in datasets.values() if data.columns.label is not None]
        together = np.concatenate(known) if known else np.zeros(0)
        if len(together) < 2 or together.std() == 0:  # noqa: PLR2004  # a spread is of two at least
            msg = "the data name no two different numbers: a plan needs true numbers under columns.label"
            raise CannotMeasure(msg)
        self.mean, self.spread = float(together.mean()), float(together.std())
        self._known: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    def rows(self, data: Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n,) true numbers, drawn as normal where the data name none, and (n,) standard normal noise."""
        if data.role not in self._known:
            rng = seeds.stream(self._seed, f"stand-in for {data.role}{self._draw}")
            noise = rng.standard_normal(data.rows)
            drawn = self.mean + self.spread * rng.standard_normal(data.rows)
            self._known[data.role] = (drawn if data.columns.label is None else data.numbers(data.columns.label)), noise
        return self._known[data.role]

    def model(self, _offers: Sequence[Capability] = (), strength: float = USUAL, *, kind: str = "stand-in") -> NumberStandIn:
        """A candidate of that strength; it offers numbers and nothing else."""
        return NumberStandIn(self, strength, kind=kind)


class NumberTwin(Numbers):
    """The same rows as another model sees them that learned from alike data: most of what makes an answer wrong is the row's."""

    def rows(self, data: Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n,) the same true numbers, and (n,) noise that correlates with the other model's by `SHARED`."""
        values, noise = super().rows(data)
        own = seeds.stream(self._seed, f"rival of the stand-in for {data.role}{self._draw}").standard_normal(noise.shape)
        return values, SHARED * noise + np.sqrt(1 - SHARED**2) * own


class NumberStandIn:
    """A candidate of stated strength: it sees each true number through normal noise and gives the best guess from that.

    At strength 0 it gives the mean of all; the noise falls as 1 / (exp(strength) - 1), so that a strong one is nearly exact.
    No group is served worse.
    """

    parameters = None
    folder = None
    classes: tuple[str, ...] = ()

    def __init__(self, numbers: Numbers, strength: float, *, kind: str) -> None:
        self.kind = kind
        self.description = f"stand-in of strength {strength:g}"
        self.sha256 = hashlib.sha256(self.description.encode()).hexdigest()
        self.asked = False
        """Whether anybody wanted to know anything of it: what never asks is the same under every model."""
        self.refused = False
        """Whether it was asked for what it cannot give: never."""
        self.embedded = 0
        """Texts that were asked to be embedded: none."""
        self._numbers = numbers
        self._clarity = float(np.expm1(strength))

    def predict(self, dataset: Dataset) -> Outputs:
        """The expected number, given what it sees."""
        self.asked = True
        values, noise = self._numbers.rows(dataset)
        clarity, mean = self._clarity, self._numbers.mean
        guessed = clarity * (clarity * (values - mean) + self._numbers.spread * noise) / (clarity**2 + 1)
        return Outputs(None, values=mean + guessed)

    def get(self, capability: type[C]) -> C | None:
        """Its numbers: how a model answers changed rows cannot be drawn from true ones."""
        return find((Values(),), capability)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()
