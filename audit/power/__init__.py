"""Can a policy be decided with the data there is? Answered before any model is trained or loaded."""

from audit.power.gate import Gate, GateMember
from audit.power.plan import Plan, PlanOptions, plan_policy

__all__ = ["Gate", "GateMember", "Plan", "PlanOptions", "plan_policy"]
