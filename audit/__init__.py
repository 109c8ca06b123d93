"""Policy-as-code auditor for machine-learning models. The functions of the Python API are imported when they are first used."""

import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.api.calls import check, load_policy, results, run
    from audit.api.results import AuditResult, CheckResult, ConditionResult, SliceResult

__all__ = ["AuditResult", "CheckResult", "ConditionResult", "SliceResult", "__version__", "check", "load_policy", "results", "run"]

# The matrix kernels of some processors give a text other last digits by its place in the batch. Intel's library then chooses kernels
# that do not, at no cost in speed; it reads this once, so it is set before anything imports torch.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

__version__ = "0.1.0"
DISTRIBUTION = "model-audit-gate"
"""What pip calls the package; `audit` on the public index is somebody else's."""
_OFFERED = {
    **dict.fromkeys(("check", "load_policy", "results", "run"), "audit.api.calls"),
    **dict.fromkeys(("AuditResult", "CheckResult", "ConditionResult", "SliceResult"), "audit.api.results"),
}
"""The module of each part of the Python API."""


class _Package(ModuleType):
    """`audit.check` is the function, and `from audit.check import Check` the module in which a check is defined."""

    def __setattr__(self, name: str, value: object) -> None:
        """Python names a module in its package once it is imported; a function of the same name stays."""
        if name not in _OFFERED or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


if not TYPE_CHECKING:  # which would otherwise take every name for one that exists

    def __getattr__(name: str) -> Any:
        if name not in _OFFERED:
            msg = f"module 'audit' has no attribute {name!r}"
            raise AttributeError(msg)
        from importlib import import_module

        value = getattr(import_module(_OFFERED[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
