"""Whether the trees of a model stay within themselves: scikit-learn's compiled code follows their links without looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_LEAF = -1


def broken(thing: Any) -> str | None:
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
