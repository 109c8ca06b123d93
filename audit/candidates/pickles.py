"""What a pickle would load, found without loading it: every name it asks for, and which of them no plain model needs.

The stream runs through Python's own unpickler, but each name gives a stand-in that does nothing when it is called. So memo and
stack are resolved as they would be, joblib's raw arrays are passed over by their length, and no code of the file runs.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import pickle
import re
import zlib
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from audit.candidates.parts import is_model_class, is_score_function, member

if TYPE_CHECKING:
    from collections.abc import Callable

_BROKEN = (ValueError, LookupError, TypeError, AttributeError, EOFError, OSError, OverflowError)
UNREADABLE = (pickle.UnpicklingError, zlib.error, lzma.LZMAError, *_BROKEN)
"""What comes of a stream that cannot be followed to its end."""
_COMPRESSED: dict[bytes, Callable[[bytes], bytes]] = {
    b"x": zlib.decompress,
    b"\x1f\x8b": gzip.decompress,
    b"BZ": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"]\x00": lzma.decompress,
}
_OLDEST = 3
"""Protocol: older ones rename modules on the way, and joblib guesses at what does not begin with a protocol."""
_ARRAY, _DTYPE = "joblib.numpy_pickle.NumpyArrayWrapper", "numpy.dtype"
_TOLD = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
_PLAIN, _RECORD = re.compile(r"[biufc]\d{1,2}|[US]\d+"), re.compile(r"V\d+")
_HOLDS_OBJECTS = 1
"""Flag of a dtype."""
_KNOWN = {
    "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice str tuple",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor",
    "datetime": "date datetime timedelta timezone",
    "joblib.numpy_pickle": "NumpyArrayWrapper",
    "numpy": "dtype ndarray",
    "numpy.core.multiarray": "_reconstruct scalar",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy.core.numeric": "_frombuffer",
    "numpy._core.numeric": "_frombuffer",
    "numpy.ma.core": "MaskedArray _mareconstruct",
    "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64",
    "pandas._libs.internals": "_unpickle_block",
    "pandas.core.dtypes.dtypes": "CategoricalDtype",
    "pandas.core.frame": "DataFrame",
    "pandas.core.indexes.base": "Index _new_Index",
    "pandas.core.indexes.range": "RangeIndex",
    "pandas.core.internals.managers": "BlockManager SingleBlockManager",
    "pandas.core.series": "Series",
    "scipy.interpolate._interpolate": "interp1d",
}
_UFUNCS = ("numpy", "numpy.core._multiarray_umath", "numpy._core._multiarray_umath")
_MAKER = re.compile(r"newObj|__pyx_unpickle_\w+")


def plain(raw: bytes) -> bytes:
    """The pickle itself, taken out of joblib's compression."""
    for magic, unpack in _COMPRESSED.items():
        if raw.startswith(magic):
            raw = unpack(raw)
            break
    if not raw.startswith(b"\x80"):
        msg = f"no pickle of protocol {_OLDEST} or newer"
        raise pickle.UnpicklingError(msg)
    return raw


def strange_names(stream: bytes) -> tuple[str, ...]:
    """Names that the pickle would load, and that no plain model needs, sorted."""
    found: set[tuple[str, str]] = set()
    _Scan(io.BytesIO(stream), found, nested=False).load()
    return tuple(sorted(f"{module}.{name}" for module, name in found if not _usual(module, name)))


def _usual(module: str, name: str) -> bool:
    if name in _KNOWN.get(module, "").split():
        return True
    if module in _UFUNCS:
        import numpy as np

        part = vars(np).get(name)
        return isinstance(part, np.ufunc) or (isinstance(part, type) and issubclass(part, np.generic))
    if module.startswith("sklearn."):
        return is_model_class(module, name) or is_score_function(module, name) or _is_maker(module, name)
    return module.startswith("scipy.sparse._") and _own(module, name)


def _own(module: str, name: str) -> bool:
    """Whether scipy defines it as a class there."""
    try:
        part = vars(importlib.import_module(module)).get(name)
    except ImportError:
        return False
    return isinstance(part, type) and part.__module__.startswith("scipy.")


def _is_maker(module: str, name: str) -> bool:
    """Whether it is one of Cython's makers of objects, beside the compiled classes that it makes."""
    return _MAKER.fullmatch(name) is not None and callable(member(module, name))


@dataclass(eq=False)
class _Thing:
    """Stands for what a name gives, or for what a call of it would make."""

    name: str
    arguments: tuple[Any, ...] | None = None
    """None for the name itself."""
    states: list[Any] = field(default_factory=list)

    def append(self, _value: object) -> None:
        """Nothing, as the three below: the unpickler fills containers through these."""

    extend = add = update = append

    def __setitem__(self, _key: object, _value: object) -> None:
        """Nothing."""


_Unpickler: Any = pickle._Unpickler  # noqa: SLF001  # the one in Python, as joblib uses it: the one in C has no hooks


class _Scan(_Unpickler):  # type: ignore[misc]  # of Any
    """Python's unpickler with stand-ins in the place of all names."""

    dispatch: ClassVar = dict(_Unpickler.dispatch)

    def __init__(self, file: io.BytesIO, found: set[tuple[str, str]], *, nested: bool) -> None:
        super().__init__(file)
        self._file, self._found, self._nested = file, found, nested

    def find_class(self, module: str, name: str) -> _Thing:
        """A stand-in; the name is noted."""
        if self.proto < _OLDEST:
            msg = f"protocol {self.proto}"
            raise pickle.UnpicklingError(msg)
        self._found.add((module, name))
        return _Thing(f"{module}.{name}")

    def get_extension(self, code: int) -> None:
        """Refused: a number in the place of a name, known to the program that wrote the file."""
        msg = f"extension {code}"
        raise pickle.UnpicklingError(msg)

    def _instantiate(self, klass: object, arguments: Any) -> None:
        self.append(_called(klass, tuple(arguments)))

    def _reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = _called(self.stack[-1], arguments)

    def _reduce_named(self) -> None:
        named = self.stack.pop()
        self._reduce()
        self.stack[-1].arguments += (named,)

    def _build(self) -> None:
        state = self.stack.pop()
        thing = self.stack[-1]
        if not isinstance(thing, _Thing) or thing.arguments is None:
            msg = f"a state for {thing.name if isinstance(thing, _Thing) else type(thing).__name__}"
            raise pickle.UnpicklingError(msg)
        thing.states.append(state)
        if thing.name == _ARRAY:
            self._pass_array(thing)

    def _pass_array(self, wrapper: _Thing) -> None:
        """Joblib writes an array's bytes, or a pickle of its objects, behind its description."""
        (told,) = wrapper.states
        if self._nested or wrapper.arguments != () or type(told) is not dict or not told.keys() <= _TOLD:
            msg = "an array as joblib does not write it"
            raise pickle.UnpicklingError(msg)
        size = _item_size(told["dtype"])
        if size is None:
            _Scan(self._file, self._found, nested=True).load()
            return
        if told.get("numpy_array_alignment_bytes") is not None:
            self._file.read(self._file.read(1)[0])
        if not (isinstance(told["shape"], tuple) and all(type(length) is int and length >= 0 for length in told["shape"])):
            msg = "an array without a shape"
            raise pickle.UnpicklingError(msg)
        self._file.seek(size * prod(told["shape"]), io.SEEK_CUR)

    dispatch[pickle.REDUCE[0]] = dispatch[pickle.NEWOBJ[0]] = _reduce
    dispatch[pickle.NEWOBJ_EX[0]] = _reduce_named
    dispatch[pickle.BUILD[0]] = _build


def _called(what: object, arguments: Any) -> _Thing:
    if not (isinstance(what, _Thing) and isinstance(arguments, tuple)):
        msg = f"a call of {type(what).__name__}"
        raise pickle.UnpicklingError(msg)
    if what.arguments is not None:
        msg = f"a call of what {what.name} gives"
        raise pickle.UnpicklingError(msg)
    return _Thing(what.name, arguments)


def _item_size(dtype: Any) -> int | None:
    """Bytes of an item; None for objects. Only numbers, texts and records of them are followed."""
    import numpy as np

    (name, *_), ((_, _, part, names, fields, told, _, flags),) = dtype.arguments, dtype.states
    if dtype.name == _DTYPE and name == "O8":
        return None
    size = np.dtype(name).itemsize
    record = _RECORD.fullmatch(name) and names and all(_item_size(field[0]) for field in fields.values())
    number = _PLAIN.fullmatch(name) and names is None and fields is None
    known = dtype.name == _DTYPE and part is None and told in {-1, size}
    if not (size and known and (record or number)) or flags & _HOLDS_OBJECTS:
        msg = f"an array of {dtype.name} {name}"
        raise pickle.UnpicklingError(msg)
    return size
