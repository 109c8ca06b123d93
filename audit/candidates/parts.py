"""What a scikit-learn model is made of: the classes that a file may name, and the place that each may stand in.

Types alone prove nothing: an array where an ensemble keeps its models, next to the name of a method that writes files, runs code with
the first prediction. So a model is looked through once more as it is built, before it is asked anything.
"""

from __future__ import annotations

import functools
import importlib
import re
import types
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_HELPERS = re.compile(
    r"sklearn\.(_loss\._?\w+|calibration|cluster\._(birch|bisect_k_means)|ensemble\._hist_gradient_boosting\.(binning|predictor)"
    r"|gaussian_process\.kernels|impute\._iterative|linear_model\._sgd_fast|metrics\._(dist_metrics|scorer)|model_selection\._split"
    r"|neighbors\._\w+|neural_network\._stochastic_optimizers|tree\._(tree|criterion|splitter)|utils\._(bunch|metadata_requests|random))"
)
"""Modules whose classes are parts of estimators without being estimators."""
_FUNCTIONS = re.compile(r"sklearn\.(metrics|feature_selection)\.\w+")
"""Modules whose functions an estimator keeps from its fit and does not call again: scores of a search, of a selection of features."""
_SCORES = {"_score_func", "score_func"}
_LEAF = -1
_SLOTS = frozenset(
    re.findall(
        r"\w+",
        "base_estimator best_estimator calibrated_classifiers calibrators estimator estimators final_estimator init_estimator "
        "named_estimators predictors regressor steps transformer transformer_list transformers",
    )
)
"""Attributes that hold estimators, without the underscores around them."""
_NAMED = {"estimators", "steps", "transformer_list", "transformers"}
"""Those of them that hold them as (name, estimator, ...)."""
_CHOICES = {"chain_method", "chain_method_", "response_method", "stack_method", "stack_method_"}
"""Attributes that name a method of another estimator."""
_METHODS = {"auto", "decision_function", "predict", "predict_log_proba", "predict_proba"}
_CALLABLE = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial, np.ufunc)
_FOREIGN = {"builtins", "collections", "numpy", "pandas", "scipy"}
"""Packages whose objects are no estimators."""


def is_model_class(module: str, name: str) -> bool:
    """Whether scikit-learn itself defines this class, as an estimator or as a part of one; its modules import much else, `os` included."""
    part = _own(module, name)
    if not isinstance(part, type):
        return False
    from sklearn.base import BaseEstimator

    return issubclass(part, BaseEstimator) or _HELPERS.fullmatch(module) is not None


def is_score_function(module: str, name: str) -> bool:
    """Whether it is a function by which scikit-learn scores models or features."""
    return _FUNCTIONS.fullmatch(module) is not None and isinstance(_own(module, name), types.FunctionType)


def _own(module: str, name: str) -> Any:
    """What an installed module of scikit-learn defines itself under a name; None where it does not."""
    part = member(module, name)
    return part if str(getattr(part, "__module__", "")).split(".")[0] in {"sklearn", "_loss"} else None


def member(module: str, name: str) -> Any:
    """What an installed module of scikit-learn holds under a name; None where there is no such thing, or it is not for models."""
    if not module.startswith("sklearn.") or {"tests", "conftest", "externals", "datasets"} & set(module.split(".")):
        return None
    try:
        return vars(importlib.import_module(module)).get(name)
    except ImportError:
        return None


def misplaced(model: Any, *, functions: bool) -> tuple[str, ...]:
    """What stands in a model where scikit-learn puts no such thing. `functions`: whether functions may stand anywhere."""
    found: dict[str, None] = {}
    for thing in objects(model):
        for name, value in vars(thing).items():
            found |= dict.fromkeys(f"{type(thing).__name__}.{name} {what}" for what in _wrong(thing, name, value, functions=functions))
    return tuple(found)


def objects(model: Any) -> Iterator[Any]:
    """Every object of a model that has attributes, each once; the code of a user's own classes is left alone."""
    seen: dict[int, Any] = {}
    waiting = [model]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        if not isinstance(thing, (str, bytes, int, float, type(None))):
            seen[id(thing)] = thing
        waiting += _inside(thing)
        if type(thing).__module__.startswith("sklearn.") and hasattr(thing, "__dict__"):
            waiting += vars(thing).values()
            yield thing


def _inside(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, (list, tuple, set)):
        return list(thing)
    return thing.ravel().tolist() if isinstance(thing, np.ndarray) and thing.dtype == object else []


def _wrong(thing: Any, name: str, value: Any, *, functions: bool) -> Iterator[str]:
    import inspect

    usual = inspect.getattr_static(type(thing), name, None)
    if usual is not None and (callable(usual) or hasattr(type(usual), "__get__")):
        yield "is set over the method of its class"
    slot = name.strip("_")
    if slot in _SLOTS:
        inside = _parts_inside(value, named=slot in _NAMED)
        yield from (f"holds {type(one).__name__}, which is no estimator" for one in inside if _is_foreign(one))
    if name in _CHOICES:
        chosen = _inside(value) or [value]
        yield from (f"names {one!r}, which is no method of a classifier" for one in chosen if one is not None and one not in _METHODS)
    if name == "input" and isinstance(value, str) and value != "content":
        yield f"is {value!r}: it would open the files that the texts name"
    if not functions and name not in _SCORES and "dtype" not in name:
        yield from (
            f"holds {_name(one)}, a function" for one in [value, *_inside(value)] if isinstance(one, _CALLABLE) and not _checks(one)
        )
    if name in _SCORES and not callable(value):
        yield f"holds {type(value).__name__}, which is no function"


def _parts_inside(value: Any, *, named: bool) -> Iterator[Any]:
    """The estimators in a slot: itself, or in lists and arrays of them, or beside their names."""
    inside = list(value.values()) if isinstance(value, dict) else _inside(value)
    if not inside:
        if not isinstance(value, (list, tuple, dict)):
            yield value
    elif named and isinstance(value, (list, tuple)) and isinstance(inside[0], str):
        yield from inside[1:2]
    else:
        for one in inside:
            yield from _parts_inside(one, named=named)


def _is_foreign(thing: Any) -> bool:
    """Strings such as `passthrough` and None stand where an estimator may be left out."""
    return type(thing) not in {str, type(None)} and type(thing).__module__.split(".")[0] in _FOREIGN


def _checks(thing: Any) -> bool:
    """Whether it is what boosting over categories calls on its numbers."""
    from sklearn.utils.validation import check_array

    return isinstance(thing, functools.partial) and thing.func is check_array


def _name(thing: Any) -> str:
    return getattr(thing, "__name__", type(thing).__name__)


def broken_trees(thing: Any) -> str | None:
    """What is wrong with the trees that an estimator holds itself; None where nothing is."""
    features = getattr(thing, "n_features_in_", 0)
    for left, right, leaf, feature in _trees(thing):
        places = np.arange(len(left))
        linked = (left > places) & (left < len(left)) & (right > places) & (right < len(left))
        if not len(left) or not (leaf | (linked & (feature >= 0) & (feature < features))).all():
            return f"{type(thing).__name__} holds a tree whose links or features lie outside it"
    if any(getattr(one, "n_features_in_", features) > features for one in _shared_rows(thing)):
        return f"{type(thing).__name__} holds trees over more features than its own {features}"
    return None


def _trees(thing: Any) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_], NDArray[Any]]]:
    """Links, leaves and features of each: children lie behind their parent, so that every way ends."""
    from sklearn.tree._tree import Tree

    tree = vars(thing).get("tree_")
    if isinstance(tree, Tree):
        yield tree.children_left, tree.children_right, tree.children_left == _LEAF, tree.feature
    for one in (predictor for stage in vars(thing).get("_predictors", ()) for predictor in stage):
        nodes = one.nodes
        leaf = nodes["is_leaf"].astype(bool)
        listed = ~nodes["is_categorical"].astype(bool) | (nodes["bitset_idx"] < len(one.raw_left_cat_bitsets))
        yield nodes["left"].astype(np.int64), nodes["right"].astype(np.int64), leaf, np.where(listed, nodes["feature_idx"], _LEAF)


def _shared_rows(thing: Any) -> list[Any]:
    """The trees of a forest or of boosting, which get its rows unchecked."""
    from sklearn.ensemble._forest import BaseForest
    from sklearn.ensemble._gb import BaseGradientBoosting

    return np.asarray(thing.estimators_, dtype=object).ravel().tolist() if isinstance(thing, (BaseForest, BaseGradientBoosting)) else []
