"""A scikit-learn model: skops by default, a pickle only where the policy trusts that very file."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from audit.candidates import pickles
from audit.candidates.interface import Ability, Outputs
from audit.datasets import canonical
from audit.errors import CannotMeasure, InputError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets import Dataset

_PICKLES = (".pkl", ".pickle", ".joblib")
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, ImportError, OSError, EOFError)
"""What comes of a file that is cut, or was saved under other versions."""


_SHOWN = 200
"""Characters of a model's own error message."""


class SklearnModel:
    """A fitted classifier over feature columns or, where it reads texts, over `columns.text`."""

    kind = "sklearn"
    training = None

    def __init__(self, path: Path, model: Any, sha256: str, *, reads_text: bool) -> None:
        if not _one_label(getattr(model, "classes_", None)):
            _refuse(path, f"{type(model).__name__} is no fitted classifier of one label", "give one with classes_")
        reads_text = reads_text and not hasattr(model, "feature_names_in_")
        self.sha256, self.folder = sha256, str(path)
        self.classes = tuple(str(canonical(name)) for name in model.classes_)
        self._model, self._reads_text = model, reads_text
        self._scores = hasattr(model, "predict_proba")
        self.abilities = _abilities(text=reads_text, scores=self._scores)
        self.parameters = _parameters(model)
        steps = " → ".join(type(step).__name__ for _, step in model.steps) if hasattr(model, "steps") else type(model).__name__
        self.description = f"{steps}, {len(self.classes)} classes, {'pickle' if path.suffix in _PICKLES else 'skops'}"

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return not self._reads_text and not hasattr(self._model, "feature_names_in_")

    def refuse_unfit(self, dataset: Dataset) -> None:
        """InputError where a data set lacks features that the model was fitted on."""
        if not self._reads_text:
            self._features(self._served(dataset))

    def predict(self, dataset: Dataset) -> Outputs:
        """The model's own labels, and its probabilities where it has them."""
        given = self._texts(dataset.texts()) if self._reads_text else self._features(self._served(dataset))
        labels = np.array([canonical(label) for label in self._asked("predict", given)], dtype=object)
        return Outputs(labels, self._probabilities(given) if self._scores else None)

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities of new texts."""
        if not self._reads_text:
            msg = f"this model reads features, not texts: {len(texts)} texts cannot be scored"
            raise CannotMeasure(msg)
        return self._probabilities(self._texts(texts)) if texts else np.zeros((0, len(self.classes)))

    def score_frame(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """(len(frame), k) class probabilities of new rows; columns that it was not fitted on are left aside."""
        if self._reads_text:
            msg = f"this model reads texts: {len(frame)} tabular rows cannot be scored"
            raise CannotMeasure(msg)
        return self._probabilities(self._features(frame))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused: it has no encoder."""
        msg = f"a scikit-learn model has no encoder for {len(texts)} texts"
        raise CannotMeasure(msg)

    def _probabilities(self, given: Any) -> NDArray[np.float64]:
        if not self._scores:
            msg = f"{type(self._model).__name__} gives labels without probabilities: fit one with predict_proba"
            raise CannotMeasure(msg)
        found = np.asarray(self._asked("predict_proba", given), dtype=np.float64)
        if not np.isfinite(found).all():
            _refuse(Path(self.folder), "gives a probability that is no number", "look at the rows with missing values; fit the model anew")
        return found

    def _asked(self, method: str, given: Any) -> Any:
        """The model's answer; what it does not take is told as its own words say."""
        try:
            return getattr(self._model, method)(given)
        except _BROKEN as error:
            what = f"{method} refuses these rows ({type(error).__name__}: {' '.join(str(error).split())[:_SHOWN]})"
            _refuse(Path(self.folder), what, "give it the columns and values that it was fitted on")

    def _texts(self, texts: Sequence[str]) -> NDArray[np.object_]:
        return np.array(texts, dtype=object)

    def _served(self, dataset: Dataset) -> pd.DataFrame:
        """Columns that a model may see: the label, say, is none of them, even if it was fitted on it."""
        text = [dataset.columns.text] if dataset.columns.text and hasattr(self._model, "feature_names_in_") else []
        return dataset.frame[list(dict.fromkeys([*dataset.feature_names(), *text]))]

    def _features(self, frame: pd.DataFrame) -> Any:
        """The columns that it was fitted on, in their order. Fitted without names, it takes the features as they come."""
        names = getattr(self._model, "feature_names_in_", None)
        if names is None:
            wanted = getattr(self._model, "n_features_in_", frame.shape[1])
            if frame.shape[1] != wanted:
                what = f"fitted on {wanted} features without names, given {frame.shape[1]}"
                _refuse(Path(self.folder), what, "name them in their order under columns.features")
            return frame.to_numpy()
        missing = [str(name) for name in names if name not in frame.columns]
        if missing:
            what = f"fitted on columns that the data does not offer as features: {', '.join(missing[:5])}"
            _refuse(Path(self.folder), what, "add them to the file, or list all features under columns.features")
        return frame[list(names)]


def _one_label(classes: Any) -> bool:
    """Whether these are the classes of one label: several labels have a list of arrays."""
    return isinstance(classes, np.ndarray) and classes.ndim == 1


def load(path: Path, *, sha256: str | None, trust_pickle: bool, reads_text: bool) -> SklearnModel:
    """The model in a file. Its digest is taken of the very bytes that are loaded."""
    if not path.is_file():
        _refuse(path, "there is no such file", "name the model's file: .skops, or .pkl, .pickle, .joblib where it is trusted")
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and sha256 != found:
        _refuse(
            path, f"its SHA-256 is {found}, the policy names {sha256}", "find out who changed the file; then mend candidate.load.sha256"
        )
    trusted = trust_pickle and sha256 is not None
    vouch = f"if you made this file, add `trust: pickle` and `candidate.load.sha256: {found}`"
    if path.suffix == ".skops":
        return SklearnModel(path, _skops(path, raw, None if trusted else vouch), found, reads_text=reads_text)
    if path.suffix not in _PICKLES:
        _refuse(
            path,
            "not a kind of file that can be loaded",
            f"save it with skops.io.dump (.skops); or {', '.join(_PICKLES)} where it is trusted",
        )
    if not trusted:
        _refuse(path, "a pickle can run any code when it is loaded", f"save it with skops.io.dump, or, {vouch}")
    return SklearnModel(path, _pickle(path, raw), found, reads_text=reads_text)


def _refuse(path: Path, what: str, remedy: str) -> NoReturn:
    msg = f"{path}: {what}: {remedy}"
    raise InputError(msg)


def _skops(path: Path, raw: bytes, vouch: str | None) -> Any:
    """Types that skops itself trusts; others are listed, and load only from a file that the policy trusts by its digest."""
    try:
        from skops import io as skops
    except ModuleNotFoundError as error:
        part = "skops"
        raise MissingExtra(part, "sklearn") from error
    try:
        untrusted = skops.get_untrusted_types(data=raw)
        if not untrusted or vouch is None:
            return skops.loads(raw, trusted=untrusted)
    except (*_BROKEN, zipfile.BadZipFile) as error:
        _refuse(path, f"cannot be loaded ({type(error).__name__}: {error})", "save it with skops.io.dump under the same scikit-learn")
    _refuse(path, f"holds types that are not trusted: {', '.join(untrusted)}", f"use scikit-learn's plainer ones, or, {vouch}")


def _pickle(path: Path, raw: bytes) -> Any:
    """Runs what the file says: reached only for a file that the policy trusts by its digest, and scanned first."""
    try:
        import joblib
        from sklearn.exceptions import InconsistentVersionWarning
    except ModuleNotFoundError as error:
        part = "scikit-learn"
        raise MissingExtra(part, "sklearn") from error
    stream = _scanned(path, raw)
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)  # another version may predict otherwise, without a word
        try:
            return joblib.load(io.BytesIO(stream))
        except (InconsistentVersionWarning, *_BROKEN) as error:
            _refuse(path, f"cannot be loaded ({type(error).__name__}: {error})", "save it again under the same scikit-learn")


def _scanned(path: Path, raw: bytes) -> bytes:
    """The pickle, if it names nothing but what models are made of."""
    try:
        stream = pickles.plain(raw)
        strange = pickles.strange_names(stream)
    except pickles.UNREADABLE as error:
        _refuse(path, f"cannot be scanned ({type(error).__name__}: {error}), and so is not loaded", "save it with skops.io.dump")
    if strange:
        _refuse(
            path,
            f"a pickle that loads what is no part of a scikit-learn model: {', '.join(strange)}",
            "find out who put that in; save a model of scikit-learn's own classes, or one with others by skops.io.dump",
        )
    return stream


def _abilities(*, text: bool, scores: bool) -> frozenset[Ability]:
    found: set[Ability] = {"predictions"}
    if scores:
        found |= {"scores", "text" if text else "frame"}
    return frozenset(found)


def _parameters(model: Any) -> int | None:
    """Coefficients and intercepts of a linear model; others count in ways that do not compare."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if not (hasattr(last, "coef_") and hasattr(last, "intercept_")):
        return None
    return int(np.size(last.coef_)) + int(np.size(last.intercept_))
