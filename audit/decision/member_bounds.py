"""The bounds of a finding's members: each pair of levels is asked once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.stats.bounds import bounds_many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.evidence import Member
    from audit.stats.bounds import Ends


class MemberBounds:
    """Values and bounds of the members of one evidence, as arrays in their order."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = members
        self.values: NDArray[np.float64] = np.array([member.estimate.value for member in members], dtype=float)
        self._known: dict[tuple[float, float], Ends] = {}

    def at(self, lower: float, upper: float) -> Ends:
        """(m,) lower and (m,) upper ends; a level of 0 leaves its end open."""
        if (lower, upper) not in self._known:
            self._known[lower, upper] = self._bounds(range(len(self.members)), lower, upper)
        return self._known[lower, upper]

    def facing_fail(self, alpha: float, rows: NDArray[np.intp], *, floor: bool) -> NDArray[np.float64]:
        """The ends of some members that face fail."""
        return self._bounds(rows.tolist(), 0.0, alpha)[1] if floor else self._bounds(rows.tolist(), alpha, 0.0)[0]

    def _bounds(self, rows: Sequence[int], lower: float, upper: float) -> Ends:
        """Refuses what is no interval: `min` and `max` would pass over a NaN in any member but the first."""
        low, high = bounds_many([self.members[row].estimate for row in rows], lower, upper)
        right = (low <= high) & (low < np.inf) & (high > -np.inf)
        if not right.all():
            wrong = int(np.argmin(right))
            ends = (float(low[wrong]), float(high[wrong]))
            msg = f"{self.members[rows[wrong]].name}: the interval {ends} is not one"
            raise ValueError(msg)
        return low, high
