"""Typed values as JSON and back: every field is there, of its type, and no other; whatever else is refused with its place.

A field that came with a later release may be absent: it then reads as its default.
"""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import BaseModel, ValidationError

from audit.errors import InputError
from audit.stats import stored
from audit.stats.interface import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

APART = "stored apart"
"""Key of the metadata of a field that is stored elsewhere, such as a table of many rows; it reads back as its default."""
LATER = "added later"
"""Key of the metadata of a field that files of an earlier release do not have."""
_KIND = "kind"
"""Key that names the class, where a field may hold one of several."""
_OPEN = {"inf": math.inf, "-inf": -math.inf}
"""Open ends of intervals, which JSON has no number for."""

_WRONG = "in place of"

T = TypeVar("T")


class UnreadableError(ValueError):
    """A value that does not fit its type."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem, self.place = problem, place

    def inside(self, part: str) -> UnreadableError:
        """The same, seen from the value around it."""
        return UnreadableError(self.problem, f"{part}.{self.place}" if self.place else part)


@dataclass(frozen=True, slots=True)
class _Pair:
    """How values of one type are written and read."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


class Codec:
    """Writes and reads dataclasses whose annotations name these types, beside those of their own modules."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = {**names, "Mapping": Mapping, "date": date, "datetime": datetime, "Estimate": Estimate}
        self._pairs: dict[Any, _Pair] = {}

    def to_json(self, value: object) -> Any:
        """The value as plain JSON values."""
        return self._pair(type(value)).write(value)

    def from_json(self, kind: type[T], plain: object) -> T:
        """The value again; UnreadableError where anything is missing, surplus or of another type."""
        found: T = self._pair(kind).read(plain)
        return found

    def _pair(self, hint: Any) -> _Pair:
        if hint not in self._pairs:
            self._pairs[hint] = self._made(hint)
        return self._pairs[hint]

    def _made(self, hint: Any) -> _Pair:  # noqa: PLR0911  # one return for each form of a type
        origin = get_origin(hint)
        if origin is Literal:
            return _one_of(get_args(hint))
        if origin in {Union, types.UnionType}:
            return self._union(get_args(hint))
        if origin is tuple:
            return self._tuple(get_args(hint))
        if origin in {Mapping, dict}:
            return self._mapping(get_args(hint)[1])
        if hint is Estimate:
            return _Pair(stored.to_json, _estimate)
        if is_dataclass(hint):
            return self._dataclass(hint)
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            return _model(hint)
        if hint in _SCALARS:
            return _SCALARS[hint]
        msg = f"{hint} has no form in which it can be stored"
        raise TypeError(msg)

    def _dataclass(self, kind: Any) -> _Pair:
        module = vars(sys.modules[kind.__module__])
        hints = get_type_hints(kind, globalns=self._names | module)
        kept = [one.name for one in fields(kind) if APART not in one.metadata]
        later = {one.name for one in fields(kind) if LATER in one.metadata}
        pairs: dict[str, _Pair] = {}  # filled when first used, since a class may hold its own kind

        def pair(name: str) -> _Pair:
            if name not in pairs:
                pairs[name] = self._pair(hints[name])
            return pairs[name]

        def write(value: Any) -> dict[str, Any]:
            if type(value) is not kind:
                msg = f"{type(value).__name__} in place of {kind.__name__}"
                raise UnreadableError(msg)
            return {name: _within(name, pair(name).write, getattr(value, name)) for name in kept}

        def read(plain: Any) -> Any:
            if not isinstance(plain, dict) or plain.keys() | later != set(kept):
                raise UnreadableError(_not_fields(plain, [name for name in kept if name not in later], kind.__name__, later))
            values = {name: _within(name, pair(name).read, plain[name]) for name in kept if name in plain}
            try:
                return kind(**values)
            except ValueError as error:
                raise UnreadableError(str(error)) from error

        return _Pair(write, read)

    def _union(self, options: tuple[Any, ...]) -> _Pair:
        """One of several types; of several classes, the name says which."""
        classes: dict[str, Any] = {one.__name__: one for one in options if isinstance(one, type) and is_dataclass(one)}
        if len(classes) < 2:  # noqa: PLR2004  # one class needs no name
            pairs = [self._pair(one) for one in options]
            return _Pair(
                lambda value: _first(value, (one.write for one in pairs)), lambda plain: _first(plain, (one.read for one in pairs))
            )
        others = [self._pair(one) for one in options if not is_dataclass(one)]

        def write(value: Any) -> Any:
            name = type(value).__name__
            if classes.get(name) is type(value):
                return {_KIND: name} | self._pair(type(value)).write(value)
            return _first(value, (one.write for one in others))

        def read(plain: Any) -> Any:
            if isinstance(plain, dict):
                kind = classes.get(str(plain.get(_KIND)))
                if kind is None:
                    msg = f"{plain.get(_KIND)!r} is none of {', '.join(classes)}"
                    raise UnreadableError(msg)
                return self._pair(kind).read({key: value for key, value in plain.items() if key != _KIND})
            return _first(plain, (one.read for one in others))

        return _Pair(write, read)

    def _tuple(self, items: tuple[Any, ...]) -> _Pair:
        if len(items) == 2 and items[1] is Ellipsis:  # noqa: PLR2004  # any number of one type
            each = self._pair(items[0])
            return _Pair(
                lambda value: [_within(str(place), each.write, one) for place, one in enumerate(_of(tuple, value))],
                lambda plain: tuple(_within(str(place), each.read, one) for place, one in enumerate(_of(list, plain))),
            )
        pairs = [self._pair(one) for one in items]

        def every(given: Any, how: Callable[[_Pair], Callable[[Any], Any]]) -> list[Any]:
            if len(given) != len(pairs):
                msg = f"{len(given)} entries in place of {len(pairs)}"
                raise UnreadableError(msg)
            return [_within(str(place), how(pair), one) for place, (pair, one) in enumerate(zip(pairs, given, strict=True))]

        return _Pair(
            lambda value: every(_of(tuple, value), lambda pair: pair.write),
            lambda plain: tuple(every(_of(list, plain), lambda pair: pair.read)),
        )

    def _mapping(self, values: Any) -> _Pair:
        each = self._pair(values)
        return _Pair(
            lambda value: {_of(str, key): _within(key, each.write, one) for key, one in value.items()},
            lambda plain: {key: _within(key, each.read, one) for key, one in _of(dict, plain).items()},
        )


def _within(part: str, act: Callable[[Any], Any], value: Any) -> Any:
    try:
        return act(value)
    except UnreadableError as error:
        raise error.inside(part) from None


def _of(kind: type[T], value: object) -> T:
    if isinstance(value, kind):
        return value
    msg = f"{type(value).__name__} in place of {kind.__name__}"
    raise UnreadableError(msg)


def _first(value: Any, acts: Iterable[Callable[[Any], Any]]) -> Any:
    """What the first type that fits makes of a value; where none does, the problem that lies deepest."""
    problems = []
    for act in acts:
        try:
            return act(value)
        except UnreadableError as error:
            problems.append(error)
    raise max(problems, key=lambda error: (error.place.count("."), bool(error.place), _WRONG not in error.problem))


def _not_fields(plain: Any, kept: list[str], name: str, later: set[str]) -> str:
    if not isinstance(plain, dict):
        return f"{type(plain).__name__} in place of {name}"
    surplus, missing = sorted(plain.keys() - later - set(kept)), [one for one in kept if one not in plain]
    parts = [f"{word} {', '.join(names)}" for word, names in (("lacks", missing), ("has the unknown", surplus)) if names]
    return f"{name} {' and '.join(parts)}"


def _exactly(kind: type[Any]) -> _Pair:
    """A value of this very type; NumPy's numbers are written as Python's."""

    def check(value: Any) -> Any:
        value = value.item() if isinstance(value, np.generic) else value
        if type(value) is not kind and not (kind is str and isinstance(value, str)):
            msg = f"{type(value).__name__} in place of {kind.__name__}"
            raise UnreadableError(msg)
        return str(value) if kind is str else value

    return _Pair(check, check)


def _write_number(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"{type(value).__name__} in place of float"
        raise UnreadableError(msg)
    if math.isnan(value):
        raise UnreadableError("NaN is no number")
    return {"float": str(value)} if math.isinf(value) else value


def _read_number(plain: Any) -> Any:
    if isinstance(plain, dict) and plain.keys() == {"float"} and plain["float"] in _OPEN:
        return _OPEN[plain["float"]]
    if isinstance(plain, bool) or not isinstance(plain, (int, float)) or not math.isfinite(plain):
        msg = f"{plain!r} in place of a number"
        raise UnreadableError(msg)
    return plain


def _one_of(values: tuple[Any, ...]) -> _Pair:
    def check(value: Any) -> Any:
        if not any(value == one and type(value) is type(one) for one in values):
            msg = f"{value!r} is none of {', '.join(map(repr, values))}"
            raise UnreadableError(msg)
        return value

    return _Pair(check, check)


def _moment(kind: type[date]) -> _Pair:
    def read(plain: Any) -> Any:
        try:
            return kind.fromisoformat(_of(str, plain))
        except ValueError as error:
            msg = f"{plain!r} is no {kind.__name__}"
            raise UnreadableError(msg) from error

    return _Pair(lambda value: _of(kind, value).isoformat(), read)


def _estimate(plain: Any) -> Any:
    try:
        return stored.from_json(_of(dict, plain))
    except InputError as error:
        raise UnreadableError(str(error)) from error


def _model(kind: type[BaseModel]) -> _Pair:
    """What was never set stays unset, so that it reads back as the same."""

    def read(plain: Any) -> Any:
        try:
            return kind.model_validate(plain)
        except ValidationError as error:
            first = error.errors()[0]
            raise UnreadableError(str(first["msg"]), ".".join(map(str, first["loc"]))) from error

    return _Pair(lambda value: _of(kind, value).model_dump(mode="json", exclude_unset=True), read)


_SCALARS: dict[Any, _Pair] = {
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    types.NoneType: _exactly(types.NoneType),
    float: _Pair(_write_number, _read_number),
    date: _moment(date),
    datetime: _moment(datetime),
}
