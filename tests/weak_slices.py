"""Tables with a weak slice, and what `fairness/discovered_slices` makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from audit.evidence import WeakSlices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.evidence import Evidence

CHECK = "fairness/discovered_slices"
COLUMNS = ("region", "age", "plan")


def table(n: int, seed: int, weak: float = 0.5, usual: float = 0.1) -> pd.DataFrame:
    """Wrong in a share `usual` of the rows, and in a share `weak` of those of region n over 60."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"region": rng.choice(list("nsew"), n), "age": rng.integers(18, 80, n), "plan": rng.choice(list("ab"), n)})
    chance = np.where((frame["region"] == "n") & (frame["age"] > 60), weak, usual)
    frame["label"] = rng.integers(0, 2, n)
    frame["prediction"] = np.where(rng.random(n) < chance, 1 - frame["label"], frame["label"])
    return frame


def fourfold(seed: int) -> pd.DataFrame:
    """Five hundred entities of four equal rows each, without a weak slice."""
    return table(500, seed, weak=0.1).loc[np.repeat(np.arange(500), 4)].assign(who=np.repeat(np.arange(500), 4))


def figure(found: Evidence) -> WeakSlices:
    (drawn,) = found.figures
    assert isinstance(drawn, WeakSlices)
    return drawn


def named(found: Evidence) -> list[str]:
    drawn = figure(found)
    return [name for name, yes in zip(drawn.names, drawn.named, strict=True) if yes]


def halves(found: Evidence) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Judged rows, and rows answered right."""
    return np.asarray(found.table["half"] == "judged"), np.asarray(found.table["right"], dtype=bool)
