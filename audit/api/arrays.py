"""Lists, arrays and tables of a caller put together into one table with the roles of its columns.

Rows go by their place, as in scikit-learn and fairlearn: an index is not looked at. Lengths must agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike

Column: TypeAlias = "ArrayLike | Sequence[object]"
"""One value a row: a list, an array, a column of pandas."""
Groups: TypeAlias = "Column | pd.DataFrame | Mapping[str, Column]"
"""One column of groups, or several by name."""
_TWO_DIMENSIONS = 2


@dataclass
class Arranged:
    """A table and what its columns are for."""

    frame: pd.DataFrame
    roles: dict[str, Any] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()
    """Names of the sensitive features, in the order in which they were given."""


def arrange(given: Mapping[str, Column | None], *, y_score: Any, sensitive_features: Groups | None, X: Any) -> Arranged:  # noqa: N803  # as in scikit-learn
    """One table of all that was given; `given` are single columns by the names of their arguments, which become those of the columns."""
    columns: dict[str, pd.Series[Any]] = {}
    table = {} if X is None else _named(X, "X", "x")
    columns |= table
    roles: dict[str, Any] = {}
    for name, values in given.items():
        if values is not None:
            _add(columns, name, _series(values, name), name)
            roles[_ROLES[name]] = name
    if y_score is not None:
        roles |= _scores(columns, y_score)
    groups = {} if sensitive_features is None else _named(sensitive_features, "sensitive_features", "sensitive_feature_")
    for name, values in groups.items():
        _add(columns, name, values, "sensitive_features")
    if table:
        roles["features"] = tuple(table)
    if groups:
        roles["sensitive"] = tuple(groups)
    return Arranged(_together(columns), roles, tuple(groups))


_ROLES = {"y_true": "label", "y_pred": "prediction", "sample_weight": "weight", "groups": "group"}


def table_of(values: Any, name: str) -> pd.DataFrame:
    """A table, or columns by name, with its rows numbered anew."""
    return _together(_named(values, name, "x"))


def _together(columns: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    import pandas as pd

    if not columns:
        msg = "there is nothing to measure: give y_true and y_pred, or a table as X"
        raise InputError(msg)
    lengths = {name: len(values) for name, values in columns.items()}
    first, rows = next(iter(lengths.items()))
    wrong = next((name for name, length in lengths.items() if length != rows), None)
    if wrong is not None:
        msg = f"{wrong} has {lengths[wrong]:,} rows and {first} has {rows:,}: give one value for each row"
        raise InputError(msg)
    return pd.DataFrame(dict(columns))


def _add(columns: dict[str, pd.Series[Any]], name: str, values: pd.Series[Any], argument: str) -> None:
    """A column under its name; one that X has under the same name must hold the same."""
    if name in columns and not columns[name].equals(values):
        msg = f"{argument}: X has another column {name!r}: rename one of them"
        raise InputError(msg)
    columns[name] = values


def _scores(columns: dict[str, pd.Series[Any]], y_score: Any) -> dict[str, Any]:
    """One score a row is that of the positive class; a table has one column a class, named after it or in the order of the classes."""
    import pandas as pd

    if not isinstance(y_score, pd.DataFrame) and (values := _array(y_score, "y_score")).ndim < _TWO_DIMENSIONS:
        _add(columns, "y_score", _series(y_score if isinstance(y_score, pd.Series) else values, "y_score"), "y_score")
        return {"score": "y_score"}
    table = y_score if isinstance(y_score, pd.DataFrame) else pd.DataFrame(values, columns=_classes(columns, values.shape[1]))
    named = {str(name): f"y_score_{name}" for name in table.columns}
    for place, column in enumerate(named.values()):
        _add(columns, column, _series(table.iloc[:, place], "y_score"), "y_score")
    return {"scores": named}


def _classes(columns: Mapping[str, pd.Series[Any]], count: int) -> list[str]:
    """The classes in the order of `predict_proba`: sorted, as scikit-learn keeps them."""
    from audit.canonical_text import canonical

    found = [canonical(one) for one in np.unique(columns["y_true"].dropna().to_numpy())] if "y_true" in columns else []
    names = [one for one in found if one is not None]
    if len(names) != count:
        msg = f"y_score has {count} columns, and y_true names {len(names)} classes: give a DataFrame whose columns are named after them"
        raise InputError(msg)
    return names


def _named(values: Any, argument: str, unnamed: str) -> dict[str, pd.Series[Any]]:
    """Columns by name; those of an array without names are numbered, as fairlearn does."""
    import pandas as pd

    if isinstance(values, pd.DataFrame):
        names = [str(name) for name in values.columns]
        if len(set(names)) < len(names):
            msg = f"{argument}: two columns have one name: rename one of them"
            raise InputError(msg)
        return {name: _series(values.iloc[:, place], argument) for place, name in enumerate(names)}
    if isinstance(values, dict):
        return {str(name): _series(column, f"{argument}[{name!r}]") for name, column in values.items()}
    if isinstance(values, pd.Series):
        return {str(values.name) if values.name is not None else f"{unnamed}0": _series(values, argument)}
    array = _array(values, argument)
    if array.ndim < _TWO_DIMENSIONS:
        return {f"{unnamed}0": _series(array, argument)}
    return {f"{unnamed}{place}": _series(array[:, place], argument) for place in range(array.shape[1])}


def _series(values: Any, argument: str) -> pd.Series[Any]:
    """(n,) one column; a table of one column is one too."""
    import pandas as pd

    if isinstance(values, pd.DataFrame) and values.shape[1] == 1:
        values = values.iloc[:, 0]
    if not isinstance(values, pd.Series):
        array = _array(values, argument)
        array = array[:, 0] if array.ndim == _TWO_DIMENSIONS and array.shape[1] == 1 else array
        if array.ndim != 1:
            msg = f"{argument} has {array.ndim} dimensions: give one value for each row"
            raise InputError(msg)
        values = pd.Series(array)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    column: pd.Series[Any] = values.reset_index(drop=True)
    return column


def _array(values: Any, argument: str) -> np.ndarray[Any, Any]:
    """A list of mixed cells stays one of objects: NumPy would make texts of numbers beside a text, and 1.0 of 1 beside None."""
    if isinstance(values, (list, tuple)):
        array = np.asarray(values) if _is_uniform(values) else _objects(values)
    else:
        try:
            array = np.asarray(values)
        except (TypeError, ValueError) as error:
            msg = f"{argument} is no array: {error}"
            raise InputError(msg) from error
    if array.ndim == 0:
        msg = f"{argument} is {type(values).__name__}, and one value for each row is needed: give a list, an array or a column"
        raise InputError(msg)
    return array


def _is_uniform(values: list[Any] | tuple[Any, ...]) -> bool:
    kinds = {type(value) for value in values}
    return (len(kinds) == 1 and not kinds <= {list, tuple, np.ndarray}) or _is_rectangular(values)


def _is_rectangular(values: list[Any] | tuple[Any, ...]) -> bool:
    """Rows of one length."""
    return all(isinstance(row, (list, tuple, np.ndarray)) for row in values) and len({len(row) for row in values}) == 1


def _objects(values: list[Any] | tuple[Any, ...]) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
