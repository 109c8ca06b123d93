"""Metrics of scikit-learn, loaded when they are first called: collecting tests is quicker without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def scikit_learn(name: str) -> Callable[..., float]:
    """The metric of that name."""

    def metric(*given: Any, **named: Any) -> float:
        from sklearn import metrics

        return float(getattr(metrics, name)(*given, **named))

    return metric
