"""How estimates would come out if they were drawn anew: the chance that an end clears a bound, for planning."""

from audit.stats.laws import smooth as _smooth  # noqa: F401  # registers its laws
from audit.stats.laws import squares as _squares  # noqa: F401  # registers its laws
from audit.stats.laws import widening as _widening  # noqa: F401  # registers its laws
from audit.stats.laws.asked import Asked, Chances
from audit.stats.laws.chances import chances, typical
from audit.stats.laws.groups import Group, gap_chances
from audit.stats.laws.moving import grown
from audit.stats.laws.truth import best, likely

__all__ = ["Asked", "Chances", "Group", "best", "chances", "gap_chances", "grown", "likely", "typical"]
