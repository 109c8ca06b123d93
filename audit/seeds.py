"""An independent random stream for each job, so that adding a check moves no other number."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator


def words(seed: int, name: str) -> tuple[int, ...]:
    """Eight 32-bit words that depend on the seed and the name alone."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 32, 4))


def stream(seed: int, name: str) -> Generator:
    """The random stream of one job: PCG64 seeded by SHA-256 of the policy's seed and the requirement's id."""
    return np.random.default_rng(words(seed, name))
