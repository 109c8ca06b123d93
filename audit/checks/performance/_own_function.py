"""A function of the project's own: found inside its folder, held against the digest that the policy names, and called."""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
import traceback
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.candidates.capabilities import Values
from audit.errors import AuditError, CannotMeasure
from audit.formatting import impersonal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from numpy.typing import NDArray

    from audit.metrics.groups import Rows
    from audit.subject import Subject

    Metric: TypeAlias = Callable[[Rows], NDArray[np.float64] | float]

GIVEN = ("y_true", "y_pred", "y_score", "frame")
"""What a function may ask for, by the names of its parameters."""
_PREFIX = "audit_project_"
"""What the name of a module of the project begins with."""
MEND = "mend the function, set `sha256` to the new digest of its file, and audit again"

_KINDS = {"U": "text", "S": "bytes", "c": "complex numbers", "M": "times", "m": "times"}


class FunctionError(AuditError):
    """The project's own function did not do what its contract says: an error of the project, not of the tool. Never a pass."""


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
    made = ModuleType(f"{_PREFIX}{digest}")
    made.__file__ = str(path)
    sys.modules[made.__name__] = made  # dataclasses look their module up
    try:
        code = compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        line = f"{path.name}:{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else path.name
        msg = f"function {name!r}: {path.name} is no Python ({line}: {error}): mend the file, and set `sha256` to its new digest"
        raise FunctionError(msg) from error
    _of_project(name, lambda: exec(code, made.__dict__))  # noqa: S102  # the policy names this very text by its digest
    found = getattr(made, function, None)
    if not callable(found):
        msg = f"function {name!r}: {path.name} defines no function {function!r}"
        raise CannotMeasure(msg)
    called: Callable[..., Any] = found
    return called


def columns_of(subject: Subject, function: Callable[..., Any]) -> dict[str, Any]:
    """What the function asks for, of all rows: labels as text or numbers, probabilities in the order of the classes, the table."""
    asked = _parameters(function)
    unknown = [one.name for one in asked if one.name not in GIVEN and one.default is one.empty]
    if unknown:
        msg = f"the function asks for {', '.join(unknown)}; it is given what it asks for of {', '.join(GIVEN)}"
        raise CannotMeasure(msg)
    numbers = subject.candidate.get(Values) is not None
    sources: Mapping[str, Callable[[], Any]] = {
        "y_true": subject.target if numbers else subject.y_true,
        "y_pred": subject.predicted_values if numbers else subject.y_pred,
        "y_score": subject.probabilities,
        "frame": subject.data.cells.frame,
    }
    names = {one.name for one in asked}
    return {name: source() for name, source in sources.items() if name in names}


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Those of its parameters that can be given by their names."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        msg = f"the function does not say what it asks for ({error}): define it with parameters of {', '.join(GIVEN)}"
        raise CannotMeasure(msg) from error
    nameless = [one.name for one in found if one.kind is one.POSITIONAL_ONLY]
    if nameless:
        msg = f"the function takes {', '.join(nameless)} by its place alone; it is called by the names of its parameters: leave out the `/`"
        raise CannotMeasure(msg)
    return [one for one in found if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}]


def value(name: str, function: Callable[..., Any], columns: Mapping[str, Any], rows: NDArray[np.bool_]) -> NDArray[np.float64] | float:
    """What the function says of some rows: (their number,) values or one. Anything else is an error."""
    part, n = {key: one[rows].copy() for key, one in columns.items()}, int(np.count_nonzero(rows))
    answer = _of_project(name, lambda: function(**part))
    said = _numbers(name, function, answer)
    if said.shape not in {(), (n,)}:
        raise _wrong(name, function, f"gave an array of shape {said.shape} for {n} rows, where one number is due, or one a row")
    if not np.all(np.isfinite(said)):
        raise _wrong(name, function, f"gave {int(np.sum(~np.isfinite(said)))} values that are no finite numbers, for {n} rows")
    return said if said.shape else float(said)


def _numbers(name: str, function: Callable[..., Any], answer: object) -> NDArray[np.float64]:
    """An answer as numbers. Text that spells one, a complex number and a masked cell are none."""
    if isinstance(answer, np.ma.MaskedArray) and np.any(answer.mask):
        raise _wrong(name, function, "gave an array with masked cells, where numbers are due")
    try:
        found = np.asarray(answer)
        if found.dtype.kind in "biuf" or (found.dtype == object and all(isinstance(one, Real) for one in found.ravel())):
            return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # RuntimeError: a tensor that still counts gradients
        raise _wrong(name, function, f"gave a {type(answer).__name__}, which is not numbers ({impersonal(str(error))})") from error
    raise _wrong(name, function, f"gave {_KINDS.get(found.dtype.kind, f'a {type(answer).__name__}')}, where numbers are due")


def _wrong(name: str, function: Callable[..., Any], what: str) -> FunctionError:
    """An answer that is none, with the place where the function begins."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = "" if code is None else f" ({Path(code.co_filename).name}:{code.co_firstlineno})"
    return FunctionError(f"the project's function {name}{place} {what}: {MEND}")


def _of_project(name: str, call: Callable[[], Any]) -> Any:
    """What the project's own code gives; whatever it raises is told as the project's error, with the line and what to do."""
    try:
        return call()
    except (Exception, SystemExit) as error:
        raise FunctionError(_describe_user_error(name, error)) from error


def _describe_user_error(name: str, error: BaseException) -> str:
    """The function, the line of the project that raised, what to do."""
    frames = list(traceback.walk_tb(error.__traceback__))[2:]  # without `_of_project` and the call in it
    own = [one for one in frames if str(one[0].f_globals.get("__name__", "")).startswith(_PREFIX)] or frames
    file = name.partition(":")[0].replace(".", "/") + ".py"
    if own:
        frame, line = own[-1]
        place = file if str(frame.f_globals.get("__name__", "")).startswith(_PREFIX) else Path(frame.f_code.co_filename).name
        file = f"{place}:{line}"
    told = f"{type(error).__name__}: {impersonal(str(error))}" if str(error) else type(error).__name__
    return f"the project's function {name} raised {told} ({file}): {MEND}"


def bind_metric(subject: Subject, name: str, sha256: str) -> Metric:
    """The project's function of the rows that a mask marks."""
    function = load(subject.project, name, sha256)
    columns = columns_of(subject, function)
    return lambda rows: value(name, function, columns, rows)
