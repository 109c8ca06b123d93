"""Policy-as-code auditor for machine-learning models."""

__version__ = "0.1.0"
DISTRIBUTION = "model-audit-gate"
"""What pip calls the package; `audit` on the public index is somebody else's."""
