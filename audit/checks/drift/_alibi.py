"""alibi-detect as an optional backend of drift checks. Its licence is told with every number that it gives."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from audit.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

Backend: TypeAlias = Literal["audit", "alibi-detect"]
PERMUTATIONS = 100
"""Of the p-value that the backend gives beside the distance."""


def detectors() -> tuple[Any, str]:
    """The module `alibi_detect.cd` and the version."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports use what numba and TensorFlow have deprecated
        try:
            import alibi_detect
            from alibi_detect import cd
        except ImportError as error:
            raise MissingExtra("alibi-detect", "drift") from error
        return cd, str(alibi_detect.__version__)


def name(backend: Backend = "alibi-detect") -> str:
    """The part and its version, as evidence names its backend."""
    return f"alibi-detect {detectors()[1]}" if backend == "alibi-detect" else backend


def licence() -> str:
    """What its licence asks."""
    return f"Measured by {name()}: Business Source License 1.1, production use needs a licence."


def refuse_context(backend: Backend, context: Sequence[str]) -> None:
    """Its detectors of one feature take every row as it is."""
    if backend == "alibi-detect" and context:
        msg = "alibi-detect compares no single feature given a context: leave `backend` or `context` out"
        raise ValueError(msg)


def kolmogorov_smirnov(reference: NDArray[np.float64], current: NDArray[np.float64]) -> tuple[float, float]:
    """Distance and p-value of one column, as `KSDrift` gives them."""
    cd, _ = detectors()
    found = cd.KSDrift(reference[:, None], p_val=0.05).predict(current[:, None])["data"]
    return float(found["distance"][0]), float(found["p_val"][0])


def cramer_von_mises(reference: NDArray[np.float64], current: NDArray[np.float64]) -> tuple[float, float]:
    """Statistic and p-value of one column, as `CVMDrift` gives them."""
    cd, _ = detectors()
    found = cd.CVMDrift(reference[:, None], p_val=0.05).predict(current[:, None])["data"]
    return float(found["distance"][0]), float(found["p_val"][0])


def chi_squared(reference: NDArray[np.int64], current: NDArray[np.int64]) -> tuple[float, float]:
    """Statistic and p-value of one column, as `ChiSquareDrift` gives them, from the rows in each category."""
    cd, _ = detectors()
    import numpy as np

    before, now = (np.repeat(np.arange(len(counts)), counts)[:, None] for counts in (reference, current))
    found = cd.ChiSquareDrift(before, p_val=0.05, categories_per_feature={0: len(reference)}).predict(now)["data"]
    return float(found["distance"][0]), float(found["p_val"][0])


def squared_discrepancy(
    reference: NDArray[np.float64], current: NDArray[np.float64], bandwidth: float, rng: Generator
) -> tuple[float, float]:
    """Unbiased squared MMD and permutation p-value of `MMDDrift` on our Gaussian kernel."""
    cd, _ = detectors()
    import numpy as np
    import torch

    with torch.random.fork_rng(devices=[]):  # its permutations come from torch's global stream: give it ours, then put it back
        torch.manual_seed(int(rng.integers(2**63)))
        sigma = np.array([bandwidth])  # handed in as a kernel, it would be inferred anew
        detector = cd.MMDDrift(reference, backend="pytorch", sigma=sigma, n_permutations=PERMUTATIONS, device="cpu")
        found = detector.predict(current)["data"]
    return float(found["distance"]), float(found["p_val"])


def conditional_p_value(reference: NDArray[np.float64], current: NDArray[np.float64], contexts: NDArray[np.int64], rng: Generator) -> float:
    """Permutation p-value of `ContextMMDDrift`, with contexts as columns of their own that lie far apart."""
    cd, _ = detectors()
    import numpy as np
    import torch
    from alibi_detect.utils.pytorch.kernels import GaussianRBF

    columns = np.eye(int(contexts.max()) + 1, dtype=np.float32)[contexts]
    rows = [side.astype(np.float32) for side in (reference, current)]
    own = np.random.get_state()  # noqa: NPY002  # it draws from NumPy's global stream: give it ours, then put it back
    with torch.random.fork_rng(devices=[]), _calibrated_as_before():
        try:
            np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002  # as above
            torch.manual_seed(int(rng.integers(2**63)))
            kernel = GaussianRBF(torch.tensor([0.5]))
            detector = cd.ContextMMDDrift(
                rows[0], columns[: len(reference)], c_kernel=kernel, backend="pytorch", n_permutations=PERMUTATIONS, device="cpu"
            )
            return float(detector.predict(rows[1], columns[len(reference) :])["data"]["p_val"])
        finally:
            np.random.set_state(own)  # noqa: NPY002  # as above


@contextmanager
def _calibrated_as_before() -> Iterator[None]:
    """It asks scikit-learn for a calibration of a fitted model by `cv="prefit"`, which is a frozen model since version 1.8."""
    from alibi_detect.cd import _domain_clf
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    def calibrated(model: Any, *, method: str, cv: str) -> Any:
        del cv
        return CalibratedClassifierCV(FrozenEstimator(model), method=method)

    _domain_clf.CalibratedClassifierCV = calibrated
    try:
        yield
    finally:
        _domain_clf.CalibratedClassifierCV = CalibratedClassifierCV


def classifier(features: Any, is_now: NDArray[np.bool_], model: Any, seed: int) -> tuple[float, float]:
    """Difference of the two windows' mean predictions and p-value of `ClassifierDrift` by cross-fitted probabilities of this model.

    It takes rows of arrays, and hashed words are a sparse matrix: it is given the places of the rows, and a model that looks them up.
    """
    cd, _ = detectors()
    from sklearn.base import BaseEstimator, ClassifierMixin

    class ByPlace(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
        """The model, on the features at some places."""

        def __init__(self, model: Any) -> None:
            self.model = model

        def fit(self, places: NDArray[np.float64], is_now: NDArray[np.bool_]) -> ByPlace:
            """On these rows."""
            self.model.fit(features[places[:, 0].astype(int)], is_now)
            return self

        def predict_proba(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
            """Of these rows."""
            found: NDArray[np.float64] = self.model.predict_proba(features[places[:, 0].astype(int)])
            return found

    before, now = (side.nonzero()[0][:, None].astype(float) for side in (~is_now, is_now))
    detector = cd.ClassifierDrift(
        before,
        ByPlace(model),
        backend="sklearn",
        p_val=0.05,
        preds_type="probs",
        binarize_preds=False,
        n_folds=5,
        seed=seed,
        use_calibration=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own splitting
        found = detector.predict(now)["data"]
    return float(found["distance"]), float(found["p_val"])
