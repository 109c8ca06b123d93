"""Where a promotion lands: `folder:PATH` and `mlflow:URI`, behind one protocol."""

from audit.registry.interface import Aliases, Move, MovedMeanwhile, NotPromoted, Registry, Version
from audit.registry.opening import promoted
from audit.registry.targets import open_registry

__all__ = ["Aliases", "Move", "MovedMeanwhile", "NotPromoted", "Registry", "Version", "open_registry", "promoted"]
