"""A function of the project's own, `module:function` in its folder, of which more is better.

Purpose      Hold a model to the number that its owners care about, such as money saved, where no other check measures it.
Risk         Low: by the owners' own measure it is not good enough.
Limitations  Proves what the function computes and no more: have it read and tested as the policy is. The policy names the digest of its
             file, so that a change of it is a change of the policy; what the file imports is not covered. It is given what its parameters
             name of y_true, y_pred, y_score (probabilities, a column a class) and frame (the data set's rows), and gives one number a
             row, whose mean is judged, or one number of all, which is asked again without groups of rows: on fewer than 200 rows that
             bars a pass, and of a median or a rare event an end errs more often than promised there. For a loss give its negative.
Reference    Of values a row Hall, JRSS B 1992; of one number Tukey, Annals of Mathematical Statistics 1958; Shao & Wu, Annals of
             Statistics 1989.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import os
import sys
import traceback
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, FiniteFloat

from audit.candidates.capabilities import Values
from audit.check import Params
from audit.checks.performance import skill_check
from audit.errors import AuditError, CannotMeasure
from audit.evidence import Evidence
from audit.formatting import impersonal
from audit.metrics.comparison import comparator_name, models_in_words
from audit.metrics.groups import part, slice_members
from audit.stats import GroupJackknife, Mean, PairedMean
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.metrics.groups import Entities, Rows
    from audit.stats import Estimate
    from audit.subject import Subject

GIVEN = ("y_true", "y_pred", "y_score", "frame")
"""What a function may ask for, by the names of its parameters."""
_PREFIX = "audit_project_"
"""What the name of a module of the project begins with."""
_MEND = "mend the function, set `sha256` to the new digest of its file, and audit again"

_KINDS = {"U": "text", "S": "bytes", "c": "complex numbers", "M": "times", "m": "times"}


class CustomParams(Params):
    """Which function, and what its values may be."""

    function: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="module:function; the module is a file of the project folder, such as cost.py for cost",
        examples=["cost:saved"],
    )
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="digest that the module's file must have", examples=[hashlib.sha256().hexdigest()]
    )
    lowest: FiniteFloat | None = Field(None, description="the least that a row's value can be, if there is one; a value below is an error")
    highest: FiniteFloat | None = Field(None, description="the most that a row's value can be, if there is one; a value above is an error")


def measure(subject: Subject, params: CustomParams, rng: Generator) -> Evidence:
    """The function of each slice."""
    ask = bind_metric(subject, params.function, params.sha256)

    def estimate(rows: Rows, entities: Entities) -> Estimate:
        said = ask(rows)
        if isinstance(said, float):
            refuse_ends(params.lowest, params.highest)
            return jackknife(subject, lambda kept: single(params.function, ask(kept)), rows, rng)
        refuse_outside(params.function, said, params.lowest, params.highest)
        return Mean.of(said, entities, low=params.lowest, high=params.highest)

    members = slice_members(subject, estimate)
    return Evidence(members=members, unit=_unit(params), rows=subject.data.rows, notes=(_provenance(params),))


def compare(subject: Subject, params: CustomParams, rng: Generator) -> Evidence:
    """Difference of the function in each slice, paired on the rows."""
    own, comparator = (bind_metric(side, params.function, params.sha256) for side in (subject, subject.for_comparator))

    def difference(rows: NDArray[np.bool_]) -> float:
        return single(params.function, own(rows)) - single(params.function, comparator(rows))

    def estimate(rows: Rows, entities: Entities) -> Estimate:
        first, second = own(rows), comparator(rows)
        if isinstance(first, float) or isinstance(second, float):
            refuse_ends(params.lowest, params.highest)
            return jackknife(subject, difference, rows, rng)
        for said in (first, second):
            refuse_outside(params.function, said, params.lowest, params.highest)
        return PairedMean.of(first, second, entities, low=params.lowest, high=params.highest)

    members = slice_members(subject, estimate)
    everything = np.ones(subject.data.rows, dtype=bool)
    said = models_in_words(subject, _unit(params), float(np.mean(own(everything))), float(np.mean(comparator(everything))))
    unit = f"{_unit(params)} difference from {comparator_name(subject)}"
    return Evidence(members=members, unit=unit, rows=subject.data.rows, notes=(_provenance(params), said))


def _range_on(_subject: Subject, params: CustomParams) -> tuple[float, float]:
    return -math.inf if params.lowest is None else params.lowest, math.inf if params.highest is None else params.highest


def _unit(params: CustomParams) -> str:
    return params.function.rpartition(":")[2].replace("_", " ")


def _provenance(params: CustomParams) -> str:
    return f"Measured by the project's own {params.function}, in a file of digest {params.sha256}."


class FunctionError(AuditError):
    """The project's own function did not do what its contract says: an error of the project, not of the tool. Never a pass."""


def _load(project: str, name: str, sha256: str) -> Callable[..., Any]:
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
        "frame": lambda: subject.data.frame,
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


def _value(name: str, function: Callable[..., Any], columns: Mapping[str, Any], rows: NDArray[np.bool_]) -> NDArray[np.float64] | float:
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
    return FunctionError(f"the project's function {name}{place} {what}: {_MEND}")


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
    return f"the project's function {name} raised {told} ({file}): {_MEND}"


def bind_metric(subject: Subject, name: str, sha256: str) -> Callable[[NDArray[np.bool_]], NDArray[np.float64] | float]:
    """The project's function of the rows that a mask marks."""
    function = _load(subject.project, name, sha256)
    columns = columns_of(subject, function)
    return lambda rows: _value(name, function, columns, rows)


def single(name: str, said: NDArray[np.float64] | float) -> float:
    """One number for some of the rows, from a function that gave one for a whole slice."""
    if isinstance(said, float):
        return said
    msg = f"the project's function {name} gave one number for a slice and one a row for a part of it: {_MEND}"
    raise FunctionError(msg)


def refuse_outside(name: str, said: NDArray[np.float64], lowest: float | None, highest: float | None) -> None:
    """A value beyond the ends that the policy says a row's value has is an error."""
    if (lowest is not None and said.min() < lowest) or (highest is not None and said.max() > highest):
        ends = ", ".join(f"`{key}: {end:g}`" for key, end in (("lowest", lowest), ("highest", highest)) if end is not None)
        range_ = f"{said.min():g} to {said.max():g}"
        msg = f"the project's function {name} gave values from {range_}, outside of {ends}: mend the function or the ends"
        raise FunctionError(msg)


def refuse_ends(lowest: float | None, highest: float | None) -> None:
    """The ends are those of a row's value: of one number for all rows they would promise what nothing holds it to."""
    if lowest is not None or highest is not None:
        msg = "`lowest` and `highest` are the ends of a row's value, and the function gives one number for all rows: leave them out"
        raise CannotMeasure(msg)


def jackknife(subject: Subject, function: Callable[[NDArray[np.bool_]], float], rows: NDArray[np.bool_], rng: Generator) -> GroupJackknife:
    """A number of some rows, asked again without groups of them."""
    places = np.flatnonzero(rows)

    def of_kept(kept: NDArray[np.bool_]) -> float:
        mask = np.zeros(len(rows), dtype=bool)
        mask[places[kept]] = True
        return function(mask)

    return GroupJackknife.of(of_kept, len(places), rng, part(subject.clusters(), rows))


CHECK = skill_check(
    measure=measure,
    compare=compare,
    question="Is it good enough by the project's own metric?",
    remedy="Look at the rows on which the function is lowest in the worst slice; add training rows like them and fit the model anew.",
    rmf=("MEASURE 2.3", "MEASURE 1.1"),
    unit="the function's own unit",
    needs=frozenset({"labels", "predictions"}),
    params=CustomParams,
    reads_files=lambda _params: True,
    tasks=(*CLASSIFICATION, *REGRESSION),
    lowest=-math.inf,
    highest=math.inf,
    range_on=_range_on,
)
