"""What attack checks stand on: textattack without a network, and a scheduler that asks the model in large batches."""

from audit.attacks.excerpt import changes
from audit.attacks.offline import Outcome, TextAttack, load
from audit.attacks.scheduler import Ask, Job, asking, run

__all__ = ["Ask", "Job", "Outcome", "TextAttack", "asking", "changes", "load", "run"]
