"""Policy-as-code auditor for machine-learning models."""

import os

# The matrix kernels of some processors give a text other last digits by its place in the batch. Intel's library then chooses kernels
# that do not, at no cost in speed; it reads this once, so it is set before anything imports torch.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

__version__ = "0.1.0"
DISTRIBUTION = "model-audit-gate"
"""What pip calls the package; `audit` on the public index is somebody else's."""
