"""An independent random stream for each job, so that adding a check moves no other number."""

from __future__ import annotations

import hashlib
import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator


def words(seed: int, name: str) -> tuple[int, ...]:
    """Eight 32-bit words that depend on the seed and the name alone."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4))


def stream(seed: int, name: str) -> Generator:
    """The random stream of one job: PCG64 seeded by SHA-256 of the policy's seed and the requirement's id."""
    return np.random.default_rng(words(seed, name))


class GlobalStream:
    """A stream of its own for code that draws from the global ones of `random` and `numpy.random` and knows no other.

    While it is installed a lock is held, so that no two users mix their draws; afterwards the outer state is back.
    """

    _lock = threading.RLock()

    def __init__(self, words: tuple[int, ...]) -> None:
        self._python = random.Random(repr(words)).getstate()  # noqa: S311  # attacks and resampling, nothing secret
        self._numpy = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(words))).get_state(legacy=False)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let the global streams go on from where this one stopped."""
        with self._lock:
            python, legacy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002  # the library at work knows no other
            random.setstate(self._python)
            np.random.set_state(self._numpy)  # noqa: NPY002  # the stream libraries use
            try:
                yield
            finally:
                self._python, self._numpy = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002  # the stream libraries use
                random.setstate(python)
                np.random.set_state(legacy)  # noqa: NPY002  # the stream libraries use
