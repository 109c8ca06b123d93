"""A skops file, read by its structure and not by the types that skops trusts: nothing in it is built before all of it is looked through.

skops trusts numpy's functions and a few containers by name, wherever they stand. Here a file may hold scikit-learn's own estimators
and their parts, arrays, numbers and texts, and no function, method or partial call; `audit.candidates.parts` then looks at the places.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from audit.candidates.parts import is_model_class, is_score_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCHEMA = "schema.json"
_PLAIN = {
    "DefaultDictNode": {"collections.defaultdict"},
    "DictNode": {"builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"},
    "DTypeNode": {"numpy.dtype"},
    "ListNode": {"builtins.list"},
    "MaskedArrayNode": {"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"},
    "RandomStateNode": {"numpy.random.mtrand.RandomState"},
    "SetNode": {"builtins.set"},
    "SliceNode": {"builtins.slice"},
    "TupleNode": {"builtins.tuple", "sklearn.impute._iterative._ImputerTriplet"},
    "TreeNode": {"sklearn.tree._tree.Tree"},
}
"""Kinds of entry, and the classes that each may build."""
_SCALARS = {"bool", "complex", "float", "int", "str"}


def schema(raw: bytes) -> dict[str, Any]:
    """The description of the model, as skops reads it."""
    with zipfile.ZipFile(io.BytesIO(raw)) as file:
        found = json.loads(file.read(_SCHEMA))
    if not isinstance(found, dict):
        msg = f"{_SCHEMA} is no description of a model"
        raise TypeError(msg)
    return found


_CHECK = ("sklearn.utils.validation", "check_array")
"""What boosting over categories calls on its numbers, with its own arguments."""


def foreign_parts(described: dict[str, Any]) -> tuple[str, ...]:
    """What a file would build that is no part of a scikit-learn model, sorted."""
    return tuple(sorted({str(name) for entry in _entries(described) if (name := _foreign(entry)) is not None}))


def _entries(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every entry that names a loader, at any depth."""
    waiting: list[Any] = [described]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _foreign(entry: dict[str, Any]) -> str | None:
    loader, module, name = (entry.get(key) for key in ("__loader__", "__module__", "__class__"))
    if loader == "JsonNode":
        return None
    if not (isinstance(loader, str) and isinstance(module, str) and isinstance(name, str)):
        return f"an entry without loader, module or class ({loader})"
    if loader == "RandomGeneratorNode":
        module, name = "numpy.random", str(_generator(entry))
    if loader == "PartialNode":
        module, name = _partial(entry)
    allowed = f"{module}.{name}" in _PLAIN[loader] if loader in _PLAIN else _RULES.get(loader, _never)(module, name)
    return None if allowed else f"{module}.{name} ({loader})"


def _partial(entry: dict[str, Any]) -> tuple[str, str]:
    """The function that a partial call holds."""
    try:
        return str(entry["content"]["func"]["__module__"]), str(entry["content"]["func"]["__class__"])
    except (KeyError, TypeError):
        return "functools", "partial"


def _generator(entry: dict[str, Any]) -> object:
    """The bit generator that a random generator is built from: a name in the file, which older versions of skops call unseen."""
    try:
        return json.loads(entry["content"]["bit_generator"]["content"]["bit_generator"]["content"])
    except (KeyError, TypeError, ValueError):
        return None


def _never(_module: str, _name: str) -> bool:
    return False


def _is_array(module: str, name: str) -> bool:
    return (module, name) == ("numpy", "ndarray") or _is_number(module, name)


def _is_type(module: str, name: str) -> bool:
    return (module == "builtins" and name in _SCALARS) or _is_number(module, name)


def _is_number(module: str, name: str) -> bool:
    import numpy as np

    part = vars(np).get(name)
    return module == "numpy" and isinstance(part, type) and issubclass(part, np.generic)


def _is_function(module: str, name: str) -> bool:
    return (module, name) == _CHECK or is_score_function(module, name)


def _is_check(module: str, name: str) -> bool:
    return (module, name) == _CHECK


def _is_generator(_module: str, name: str) -> bool:
    import numpy as np

    part = vars(np.random).get(name)
    return isinstance(part, type) and issubclass(part, np.random.BitGenerator)


def _is_sparse(module: str, _name: str) -> bool:
    return module.startswith("scipy.sparse._")


def _is_loss(module: str, name: str) -> bool:
    return module in {"sklearn._loss._loss", "sklearn.linear_model._sgd_fast"} and is_model_class(module, name)


_RULES: dict[str, Callable[[str, str], bool]] = {
    "FunctionNode": _is_function,
    "LossNode": _is_loss,
    "NdArrayNode": _is_array,
    "ObjectNode": is_model_class,
    "PartialNode": _is_check,
    "RandomGeneratorNode": _is_generator,
    "SparseMatrixNode": _is_sparse,
    "TypeNode": _is_type,
}
