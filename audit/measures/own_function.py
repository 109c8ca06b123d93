"""A function of the project's own: found inside its folder, held against the digest that the policy names, and called."""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.errors import CannotMeasure
from audit.measures.confusion import part
from audit.stats import GroupJackknife

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

GIVEN = ("y_true", "y_pred", "y_score", "frame")
"""What a function may ask for, by the names of its parameters."""


def load(project: str, name: str, sha256: str) -> Callable[..., Any]:
    """`module:function` of the project folder. The source is run that was digested, and no other: no cache, no search path."""
    module, _, function = name.partition(":")
    path = Path(project, *module.split(".")).with_suffix(".py")
    if not path.is_file() or not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(project)):
        msg = f"function {name!r}: there is no file {module.replace('.', '/')}.py in the project folder"
        raise CannotMeasure(msg)
    source = path.read_bytes()
    digest = hashlib.sha256(source).hexdigest()
    if digest != sha256:
        msg = f"function {name!r}: {path.name} has the digest {digest}, and the policy names another: read the file, then set sha256 to it"
        raise CannotMeasure(msg)
    made = ModuleType(f"audit_project_{digest}")
    made.__file__ = str(path)
    sys.modules[made.__name__] = made  # dataclasses look their module up
    exec(compile(source, str(path), "exec"), made.__dict__)  # noqa: S102  # the policy names this very text by its digest
    found = getattr(made, function, None)
    if not callable(found):
        msg = f"function {name!r}: {path.name} defines no function {function!r}"
        raise CannotMeasure(msg)
    called: Callable[..., Any] = found
    return called


def columns_of(subject: Subject, function: Callable[..., Any]) -> dict[str, Any]:
    """What the function asks for, of all rows: labels as text or numbers, probabilities in the order of the classes, the table."""
    asked = inspect.signature(function).parameters.values()
    unknown = [one.name for one in asked if one.name not in GIVEN and one.default is one.empty]
    if unknown:
        msg = f"the function asks for {', '.join(unknown)}; it is given what it asks for of {', '.join(GIVEN)}"
        raise CannotMeasure(msg)
    numbers = "values" in subject.candidate.abilities
    sources: Mapping[str, Callable[[], Any]] = {
        "y_true": subject.target if numbers else subject.y_true,
        "y_pred": subject.predicted_values if numbers else subject.y_pred,
        "y_score": subject.probabilities,
        "frame": lambda: subject.data.frame,
    }
    names = {one.name for one in asked}
    return {name: source() for name, source in sources.items() if name in names}


def value(function: Callable[..., Any], columns: Mapping[str, Any], rows: NDArray[np.bool_]) -> NDArray[np.float64] | float:
    """What the function says of some rows: (their number,) values or one. Anything else is an error."""
    part = {name: one[rows].copy() for name, one in columns.items()}
    said = np.asarray(function(**part), dtype=np.float64)
    if said.shape not in {(), (int(np.count_nonzero(rows)),)}:
        msg = f"the function gave an array of shape {said.shape} for {np.count_nonzero(rows)} rows: one number is due, or one a row"
        raise ValueError(msg)
    if not np.all(np.isfinite(said)):
        msg = f"the function gave {int(np.sum(~np.isfinite(said)))} values that are no finite numbers, for {np.count_nonzero(rows)} rows"
        raise ValueError(msg)
    return said if said.shape else float(said)


def asker(subject: Subject, name: str, sha256: str) -> Callable[[NDArray[np.bool_]], NDArray[np.float64] | float]:
    """The project's function of the rows that a mask marks."""
    function = load(subject.project, name, sha256)
    columns = columns_of(subject, function)
    return lambda rows: value(function, columns, rows)


def refuse_ends(lowest: float | None, highest: float | None) -> None:
    """The ends are those of a row's value: of one number for all rows they would promise what nothing holds it to."""
    if lowest is not None or highest is not None:
        msg = "`lowest` and `highest` are the ends of a row's value, and the function gives one number for all rows: leave them out"
        raise CannotMeasure(msg)


def asked_again(
    subject: Subject, function: Callable[[NDArray[np.bool_]], float], rows: NDArray[np.bool_], rng: Generator
) -> GroupJackknife:
    """A number of some rows, asked again without groups of them."""
    places = np.flatnonzero(rows)

    def of_kept(kept: NDArray[np.bool_]) -> float:
        mask = np.zeros(len(rows), dtype=bool)
        mask[places[kept]] = True
        return function(mask)

    return GroupJackknife.of(of_kept, len(places), rng, part(subject.clusters(), rows))
