"""A scikit-learn model: skops by default, a pickle only where the policy trusts that very file."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.candidates import pickles
from audit.candidates.estimator import BROKEN, PICKLES, Estimator, refuse
from audit.candidates.interface import Ability, Outputs, why_no_scores
from audit.candidates.regressor import SklearnRegressor
from audit.datasets import canonical
from audit.errors import CannotMeasure, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets import Dataset


class SklearnModel:
    """A fitted classifier over feature columns or, where it reads texts, over `columns.text`."""

    kind = "sklearn"
    training = None

    def __init__(self, path: Path, model: Any, sha256: str, *, reads_text: bool) -> None:
        if not _one_label(getattr(model, "classes_", None)):
            refuse(path, f"{type(model).__name__} is no fitted classifier of one label", "give one with classes_")
        self._estimator = Estimator(path, model, reads_text=reads_text)
        self.sha256, self.folder = sha256, str(path)
        self.classes = tuple(str(canonical(name)) for name in model.classes_)
        self._names = {name: name for name in self.classes}
        self._scores = hasattr(model, "predict_proba")
        self.abilities = _abilities(text=self._estimator.reads_text, scores=self._scores)
        self.parameters = self._estimator.parameters
        self.description = self._estimator.described(f"{len(self.classes)} classes")

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return self._estimator.goes_by_place

    def rename(self, classes: Sequence[str]) -> None:
        """Call the classes by these names, in the same order."""
        self._names = dict(zip(self.classes, classes, strict=True))
        self.classes = tuple(classes)

    def refuse_unfit(self, dataset: Dataset) -> None:
        """InputError where a data set lacks features that the model was fitted on."""
        self._estimator.refuse_unfit(dataset)

    def predict(self, dataset: Dataset) -> Outputs:
        """The model's own labels, and its probabilities where it has them."""
        return self._answered(self._estimator.given(dataset))

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities of new texts."""
        probabilities = self.answer_texts(texts).probabilities
        if probabilities is None:
            raise CannotMeasure(why_no_scores(self))
        return probabilities

    def answer_texts(self, texts: Sequence[str]) -> Outputs:
        """The model's own labels of new texts, and its probabilities where it has them."""
        if not self._estimator.reads_text:
            msg = f"this model reads features, not texts: {len(texts)} texts cannot be scored"
            raise CannotMeasure(msg)
        return self._answered(self._estimator.texts(texts))

    def answer_frame(self, frame: pd.DataFrame) -> Outputs:
        """The same of new rows; columns that it was not fitted on are left aside."""
        if self._estimator.reads_text:
            msg = f"this model reads texts: {len(frame)} tabular rows cannot be scored"
            raise CannotMeasure(msg)
        return self._answered(self._estimator.features(frame))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused: it has no encoder."""
        msg = f"a scikit-learn model has no encoder for {len(texts)} texts"
        raise CannotMeasure(msg)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def _answered(self, given: Any) -> Outputs:
        """By the model's own `predict`: a tuned threshold or a support vector machine does not go by the largest probability."""
        if not len(given):
            return Outputs(np.array([], dtype=object), np.zeros((0, len(self.classes))) if self._scores else None)
        names = [str(canonical(label)) for label in self._estimator.asked("predict", given)]
        labels = np.array([self._names.get(name, name) for name in names], dtype=object)
        return Outputs(labels, self._probabilities(given) if self._scores else None)

    def _probabilities(self, given: Any) -> NDArray[np.float64]:
        found = np.asarray(self._estimator.asked("predict_proba", given), dtype=np.float64)
        if not np.isfinite(found).all():
            what = "gives a probability that is no number"
            refuse(self._estimator.path, what, "look at the rows with missing values; fit the model anew")
        return found


def _one_label(classes: Any) -> bool:
    """Whether these are the classes of one label: several labels have a list of arrays."""
    return isinstance(classes, np.ndarray) and classes.ndim == 1


def load(path: Path, *, sha256: str | None, trust_pickle: bool, reads_text: bool) -> SklearnModel:
    """The classifier in a file."""
    model, found = _opened(path, sha256, trust_pickle=trust_pickle)
    return SklearnModel(path, model, found, reads_text=reads_text)


def load_regressor(path: Path, *, sha256: str | None, trust_pickle: bool, reads_text: bool) -> SklearnRegressor:
    """The regressor in a file."""
    model, found = _opened(path, sha256, trust_pickle=trust_pickle)
    return SklearnRegressor(path, model, found, reads_text=reads_text)


def _opened(path: Path, sha256: str | None, *, trust_pickle: bool) -> tuple[Any, str]:
    """The model in a file, and its digest, taken of the very bytes that are loaded."""
    if not path.is_file():
        refuse(path, "there is no such file", "name the model's file: .skops, or .pkl, .pickle, .joblib where it is trusted")
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and sha256 != found:
        refuse(path, f"its SHA-256 is {found}, the policy names {sha256}", "find out who changed the file; then mend candidate.load.sha256")
    trusted = trust_pickle and sha256 is not None
    vouch = f"if you made this file, add `trust: pickle` and `candidate.load.sha256: {found}`"
    if path.suffix == ".skops":
        return _skops(path, raw, None if trusted else vouch), found
    if path.suffix not in PICKLES:
        refuse(
            path,
            "not a kind of file that can be loaded",
            f"save it with skops.io.dump (.skops); or {', '.join(PICKLES)} where it is trusted",
        )
    if not trusted:
        refuse(path, "a pickle can run any code when it is loaded", f"save it with skops.io.dump, or, {vouch}")
    return _pickle(path, raw), found


def _skops(path: Path, raw: bytes, vouch: str | None) -> Any:  # noqa: RET503  # every way returns or refuses
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
    except (*BROKEN, zipfile.BadZipFile) as error:
        refuse(path, f"cannot be loaded ({type(error).__name__}: {error})", "save it with skops.io.dump under the same scikit-learn")
    refuse(path, f"holds types that are not trusted: {', '.join(untrusted)}", f"use scikit-learn's plainer ones, or, {vouch}")


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
        except (InconsistentVersionWarning, *BROKEN) as error:
            refuse(path, f"cannot be loaded ({type(error).__name__}: {error})", "save it again under the same scikit-learn")


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


def _abilities(*, text: bool, scores: bool) -> frozenset[Ability]:
    found: set[Ability] = {"predictions", "text" if text else "frame"}
    return frozenset(found | {"scores"} if scores else found)
