"""The estimator in a file: skops by default, a pickle only where the policy trusts that very file; looked through before it is asked."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

from audit.candidates import confinement, pickles, skops_file
from audit.candidates.fitted import LocalModel
from audit.candidates.model_process import ModelProcess
from audit.candidates.parts import broken_trees, misplaced, objects
from audit.errors import CandidateError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit.candidates.fitted import FittedModel

BROKEN = (ValueError, KeyError, TypeError, AttributeError, ImportError, OSError, EOFError)
"""What comes of a file that is cut, or was saved under other versions."""
PICKLES = (".pkl", ".pickle", ".joblib")
_SHOWN = 8
"""Names of foreign parts in a message."""


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """The model in a file."""

    model: FittedModel
    sha256: str
    """Of the very bytes that were loaded."""
    has_other_code: bool = False
    """Whether it runs code beside that of scikit-learn, which the digest does not cover."""


def opened(path: Path, sha256: str | None, *, trust_pickle: bool) -> OpenedFile:
    """The model in a file, in a process of its own where the audit has one."""
    if not path.is_file():
        refuse(path, "there is no such file", "name the model's file: .skops, or .pkl, .pickle, .joblib where it is trusted")
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and sha256 != found:
        refuse(path, f"its SHA-256 is {found}, the policy names {sha256}", "find out who changed the file; then mend candidate.load.sha256")
    trusted = trust_pickle and sha256 is not None
    vouch = f"if you made this file, add `trust: pickle` and `candidate.load.sha256: {found}`"
    if path.suffix not in {".skops", *PICKLES}:
        remedy = f"save it with skops.io.dump (.skops); or {', '.join(PICKLES)} where it is trusted"
        refuse(path, "not a kind of file that can be loaded", remedy)
    if path.suffix != ".skops" and not trusted:
        refuse(path, "a pickle can run any code when it is loaded", f"save it with skops.io.dump, or, {vouch}")
    _require(*(("skops",) if path.suffix == ".skops" else ("joblib", "sklearn")))

    def build() -> Any:
        model = _skops(path, raw, None if trusted else vouch) if path.suffix == ".skops" else _pickle(path, raw)
        _refuse_misplaced(path, model, functions=trusted)
        return model

    model = ModelProcess(path, build) if confinement.is_armed() or confinement.models_apart() else LocalModel(build())
    foreign = trusted and path.suffix == ".skops" and bool(skops_file.foreign_parts(skops_file.schema(raw)))
    return OpenedFile(model, found, foreign)


def refuse(path: Path, what: str, remedy: str) -> NoReturn:
    """The model's file cannot be used."""
    msg = f"{path}: {what}: {remedy}"
    raise CandidateError(msg)


def _require(*parts: str) -> None:
    for part in parts:
        if find_spec(part) is None:
            raise MissingExtra({"sklearn": "scikit-learn"}.get(part, part), "sklearn")


def _skops(path: Path, raw: bytes, vouch: str | None) -> Any:
    """Parts of scikit-learn models; others are listed, and load only from a file that the policy trusts by its digest."""
    from skops import io as skops

    try:
        foreign = skops_file.foreign_parts(skops_file.schema(raw))
    except (*BROKEN, zipfile.BadZipFile, RecursionError) as error:
        _refuse_unloadable(path, error)
    if foreign and vouch is not None:
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        what = f"holds what is no part of a scikit-learn model: {', '.join(foreign[:_SHOWN])}{more}"
        refuse(path, what, f"save a model of scikit-learn's own estimators, or, {vouch}")
    return _built(path, lambda: skops.loads(raw, trusted=skops.get_untrusted_types(data=raw)))


def _pickle(path: Path, raw: bytes) -> Any:
    """Runs what the file says: reached only for a file that the policy trusts by its digest, and scanned first."""
    import joblib

    stream = _scanned(path, raw)
    return _built(path, lambda: joblib.load(io.BytesIO(stream)))


def _built(path: Path, build: Callable[[], Any]) -> Any:
    """The model that a file holds; one saved under another scikit-learn is refused: it may predict otherwise, without a word."""
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        try:
            return build()
        except InconsistentVersionWarning as error:
            what = f"was saved under scikit-learn {error.original_sklearn_version}, and {error.current_sklearn_version} is installed"
            refuse(path, what, "save it again under the installed version, or install the one that it was saved under")
        except (*BROKEN, zipfile.BadZipFile, RecursionError) as error:
            _refuse_unloadable(path, error)


def _refuse_unloadable(path: Path, error: Exception) -> NoReturn:
    if isinstance(error, ModuleNotFoundError):
        what = f"needs the module {error.name}, which cannot be imported here"
        refuse(path, what, "if it is your project's own code, put its folder on PYTHONPATH; else install the package")
    refuse(path, f"cannot be loaded ({type(error).__name__}: {error})", "save it again under the installed scikit-learn")


def _refuse_misplaced(path: Path, model: Any, *, functions: bool) -> None:
    """A model whose parts are scikit-learn's own, and stand where scikit-learn would not put them, is made by hand."""
    try:
        found = [*misplaced(model, functions=functions), *(what for thing in objects(model) if (what := broken_trees(thing)))]
    except (*BROKEN, IndexError, RecursionError) as error:
        found = [f"{type(error).__name__}: {error}"]
    if found:
        what = f"is not as scikit-learn fits a model: {'; '.join(dict.fromkeys(found))}"
        refuse(path, what, "do not use this file before it is known who made it; save a fitted model anew")


def _scanned(path: Path, raw: bytes) -> bytes:
    """The pickle, if it names nothing but what models are made of."""
    try:
        stream = pickles.plain(raw)
        strange = pickles.strange_names(stream)
    except pickles.UNREADABLE as error:
        refuse(path, f"cannot be scanned ({type(error).__name__}: {error}), and so is not loaded", "save it with skops.io.dump")
    if strange:
        refuse(
            path,
            f"a pickle that loads what is no part of a scikit-learn model: {', '.join(strange)}",
            "find out who put that in; save a model of scikit-learn's own classes, or one with others by skops.io.dump",
        )
    return stream
