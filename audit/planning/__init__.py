"""Can a policy be decided with the data there is? Asked before any model is trained or loaded."""

from audit.planning.gates import Gate, Part
from audit.planning.whole import Asking, Plan, plan_policy

__all__ = ["Asking", "Gate", "Part", "Plan", "plan_policy"]
