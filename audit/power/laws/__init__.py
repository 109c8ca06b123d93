"""How estimates would come out if they were drawn anew: the chance that an end clears a bound, for planning."""

from audit.power.laws import amplification as _widening  # noqa: F401  # registers its laws
from audit.power.laws import smooth_calibration as _smooth  # noqa: F401  # registers its laws
from audit.power.laws import squared_distances as _squares  # noqa: F401  # registers its laws
from audit.power.laws.decision_rule import Asked, Chances
from audit.power.laws.end_probabilities import chances, typical
from audit.power.laws.groups import Group, gap_chances
from audit.power.laws.truth import best, likely
from audit.stats.scaling import grown

__all__ = ["Asked", "Chances", "Group", "best", "chances", "gap_chances", "grown", "likely", "typical"]
