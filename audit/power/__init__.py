"""Can a policy be decided with the data there is? Asked before any model is trained or loaded."""

from audit.power.gates import Gate, Part
from audit.power.plan import Asking, Plan, plan_policy

__all__ = ["Asking", "Gate", "Part", "Plan", "plan_policy"]
