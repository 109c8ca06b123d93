"""A scikit-learn model gives its own answers; a pickle is never opened unless the policy trusts that very file."""

from __future__ import annotations

import hashlib
import os
import pickle
import zlib
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.numpy_pickle import NumpyArrayWrapper

from audit.candidates.capabilities import Features, Labels, OtherCode, Queries, Scores
from audit.candidates.predictions import Predictions
from audit.candidates.sklearn import SklearnModel, load
from audit.datasets.column_store import Inputs, Table
from audit.errors import CannotMeasure, InputError
from tests.support import dataset, labels, offers, scores_of, subject

if TYPE_CHECKING:
    from pathlib import Path

    from audit.candidates import Outputs

pytestmark = pytest.mark.full
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": RNG.integers(20, 70, 200), "income": RNG.normal(30, 9, 200), "city": RNG.choice(["x", "y"], 200)})
FRAME["label"] = (FRAME["age"] + FRAME["income"] > 75).astype(int)
NUMBERS = ["age", "income"]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def saved(model: Any, path: Path) -> Path:
    from skops import io as skops

    if path.suffix == ".skops":
        skops.dump(model, path)
    else:
        joblib.dump(model, path)
    return path


def answer(model: SklearnModel, inputs: Inputs) -> Outputs:
    """The model's answers to new inputs."""
    return Predictions(model).answer(inputs)


def opened(path: Path, *, digest: str | None = None, trust: bool = False, text: bool = False) -> SklearnModel:
    return load(path, sha256=digest, trust_pickle=trust, reads_text=text)


def test_a_skops_file_round_trips(tmp_path: Path) -> None:
    """Labels, probabilities, classes and digest are the model's own, in the order that it was fitted on."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(FRAME[NUMBERS], FRAME["label"])
    path = saved(fitted, tmp_path / "m.skops")
    model = opened(path, digest=sha256(path))
    data = dataset(FRAME[["city", "income", "label", "age"]])  # another order, and a column that the model does not know
    outputs = model.predict(data)
    assert labels(outputs).tolist() == fitted.predict(FRAME[NUMBERS]).astype(str).tolist()
    assert outputs.probabilities is not None
    np.testing.assert_array_equal(outputs.probabilities, fitted.predict_proba(FRAME[NUMBERS]))
    again = answer(model, Table.of(FRAME))
    np.testing.assert_array_equal(again.probabilities if again.probabilities is not None else 0, fitted.predict_proba(FRAME[NUMBERS]))
    assert (model.classes, model.parameters, model.sha256) == (("0", "1"), 3, sha256(path))
    assert offers(model) == {Labels, Scores, Queries, Features}
    assert model.description == "LogisticRegression, 2 classes, skops"


def test_a_pipeline_over_named_columns(tmp_path: Path) -> None:
    """Encoders and trees load without the policy's trust."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    columns = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    fitted = make_pipeline(columns, RandomForestClassifier(5, random_state=0)).fit(FRAME[["city", *NUMBERS]], FRAME["label"] == 1)
    path = saved(fitted, tmp_path / "m.skops")
    model = opened(path)
    assert model.classes == ("false", "true")
    assert set(labels(model.predict(dataset(FRAME)))) == {"false", "true"}
    assert model.description == "ColumnTransformer → RandomForestClassifier, 2 classes, skops"


def test_a_model_that_reads_texts(tmp_path: Path) -> None:
    """It takes the text column, and scores new texts."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    frame = pd.DataFrame({"text": ["hurry now", "no hurry", "calm", "now now"] * 10, "label": ["u", "o", "o", "u"] * 10})
    fitted = make_pipeline(CountVectorizer(), LogisticRegression()).fit(frame["text"], frame["label"])
    model = opened(saved(fitted, tmp_path / "m.skops"), text=True)
    assert labels(model.predict(dataset(frame))).tolist() == frame["label"].tolist()
    np.testing.assert_array_equal(scores_of(model, ["now", "calm"]), fitted.predict_proba(["now", "calm"]))
    assert scores_of(model, []).shape == (0, 2)
    with pytest.raises(CannotMeasure, match="reads texts: 40 other inputs"):
        answer(model, Table.of(frame))
    with pytest.raises(CannotMeasure, match="no encoder"):
        Predictions(model).embed_texts(["now"])


def test_labels_without_probabilities(tmp_path: Path) -> None:
    """A support vector machine predicts, and says that it has no probabilities."""
    from sklearn.svm import LinearSVC

    model = opened(saved(LinearSVC().fit(FRAME[NUMBERS], FRAME["label"]), tmp_path / "m.skops"))
    assert offers(model) == {Labels, Queries, Features}
    assert model.predict(dataset(FRAME)).probabilities is None
    assert labels(answer(model, Table.of(FRAME))).tolist() == labels(model.predict(dataset(FRAME))).tolist()
    with pytest.raises(CannotMeasure, match="LinearSVC gives labels without probabilities: calibrate it"):
        subject(FRAME, candidate=model).probabilities()


def test_the_label_is_no_feature(tmp_path: Path) -> None:
    """A model that was fitted on the answer does not get it."""
    from sklearn.linear_model import LogisticRegression

    model = opened(saved(LogisticRegression().fit(FRAME[["age", "label"]], FRAME["label"]), tmp_path / "m.skops"))
    with pytest.raises(InputError, match="fitted on columns that the data does not offer as features: label"):
        model.predict(dataset(FRAME))


def test_features_without_names(tmp_path: Path) -> None:
    """Fitted on a bare matrix, it takes the declared features in their order, and as many as it knows."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(FRAME[NUMBERS].to_numpy(), FRAME["label"])
    model = opened(saved(fitted, tmp_path / "m.skops"))
    data = dataset(FRAME, features=("age", "income"))
    assert labels(model.predict(data)).tolist() == fitted.predict(FRAME[NUMBERS].to_numpy()).astype(str).tolist()
    with pytest.raises(InputError, match="fitted on 2 features without names, given 3"):
        model.predict(dataset(FRAME))


def shout(values: object) -> object:
    return values


def test_types_that_are_not_trusted_are_listed(tmp_path: Path) -> None:
    """Code of one's own in a model is named and refused."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    fitted = make_pipeline(FunctionTransformer(shout), LogisticRegression(max_iter=1000)).fit(FRAME[NUMBERS], FRAME["label"])
    with pytest.raises(InputError, match=r"holds what is no part of a scikit-learn model: .*shout"):
        opened(saved(fitted, tmp_path / "m.skops"))


def test_a_trusted_model_with_code_of_its_own_says_that_its_digest_does_not_cover_it(tmp_path: Path) -> None:
    """The code may change while the file does not: nothing that the model answers is kept between runs."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    fitted = make_pipeline(FunctionTransformer(shout), LogisticRegression(max_iter=1000)).fit(FRAME[NUMBERS], FRAME["label"])
    path = saved(fitted, tmp_path / "m.skops")
    model = opened(path, digest=sha256(path), trust=True)
    assert model.get(OtherCode) == OtherCode()
    assert any("its digest does not cover that code" in text for text in model.remarks({"test": dataset(FRAME)}))
    Predictions(model, tmp_path / "cache").of(dataset(FRAME))
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("trust", [True, False])
def test_a_model_of_scikit_learns_own_code_is_covered_by_its_digest(tmp_path: Path, *, trust: bool) -> None:
    from sklearn.linear_model import LogisticRegression

    path = saved(LogisticRegression(max_iter=1000).fit(FRAME[NUMBERS], FRAME["label"]), tmp_path / "m.skops")
    model = opened(path, digest=sha256(path), trust=trust)
    assert model.get(OtherCode) is None
    assert model.remarks({"test": dataset(FRAME)}) == ()
    Predictions(model, tmp_path / "cache").of(dataset(FRAME))
    assert len(list((tmp_path / "cache" / "predictions").iterdir())) == 1


class Hostile:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("ending", [".pkl", ".pickle", ".joblib"])
def test_a_hostile_pickle_is_never_run(tmp_path: Path, ending: str) -> None:
    """Without trust, without a digest, or with another digest it is not opened; the message says what to add."""
    owned = tmp_path / "owned"
    path = tmp_path / f"m{ending}"
    path.write_bytes(pickle.dumps(Hostile(owned)))
    for digest, trust in ((None, False), (sha256(path), False), (None, True)):
        with pytest.raises(InputError, match=f"add `trust: pickle` and `candidate.load.sha256: {sha256(path)}`"):
            opened(path, digest=digest, trust=trust)
    with pytest.raises(InputError, match=f"its SHA-256 is {sha256(path)}, the policy names {'0' * 64}"):
        opened(path, digest="0" * 64, trust=True)
    with pytest.raises(InputError, match="cannot be loaded"):
        opened(path.rename(path.with_suffix(".skops")))
    assert not owned.exists()


@pytest.mark.parametrize("ending", [".pkl", ".joblib"])
def test_a_trusted_pickle_is_loaded(tmp_path: Path, ending: str) -> None:
    """Trust and digest together open it."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(FRAME[NUMBERS], FRAME["label"])
    path = saved(fitted, tmp_path / f"m{ending}")
    model = opened(path, digest=sha256(path), trust=True)
    assert labels(model.predict(dataset(FRAME))).tolist() == fitted.predict(FRAME[NUMBERS]).astype(str).tolist()
    assert model.description.endswith("pickle")


def stacked(module: bytes, name: bytes) -> bytes:
    """A pickle that takes both halves of a name from the memo, and calls it with a text."""
    halves = b"".join(b"\x8c" + bytes([len(half)]) + half + b"\x94" for half in (module, name))
    return b"\x80\x04" + halves + b"00h\x00h\x01\x93\x8c\x05owned\x85R."


@pytest.mark.parametrize("ending", [".pkl", ".joblib"])
@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (stacked(b"os", b"mkdir"), "scikit-learn model: os.mkdir: "),
        (stacked(b"sklearn.utils", b"os.mkdir"), r"sklearn\.utils\.os\.mkdir"),
        (stacked(b"sklearn.datasets._base", b"os"), r"sklearn\.datasets\._base\.os"),
        (stacked(b"builtins", b"getattr"), r"builtins\.getattr"),
        (stacked(b"numpy", b"load"), r"numpy\.load"),
        (b"\x80\x04cos\nmkdir\n\x8c\x05owned\x85R.", r"os\.mkdir"),
        (b"\x80\x04(\x8c\x05ownedios\nmkdir\n.", r"os\.mkdir"),
        (b"\x80\x02cos\nmkdir\nU\x05owned\x85R.", "cannot be scanned"),
        (b"cos\nmkdir\n(S'owned'\ntR.", "cannot be scanned"),
        (b"\x80\x04\x82\x01.", "cannot be scanned"),
        (b"\x80\x04\x8c\x02os", "cannot be scanned"),
        (zlib.compress(stacked(b"os", b"mkdir")), r"os\.mkdir"),
    ],
)
def test_a_trusted_pickle_is_scanned_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, raw: bytes, told: str) -> None:
    """A name that is no part of a model is refused, however the file spells it, and nothing of the file has run."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"m{ending}"
    path.write_bytes(raw)
    with pytest.raises(InputError, match=told):
        opened(path, digest=sha256(path), trust=True)
    assert not (tmp_path / "owned").exists()


def test_code_behind_an_array_is_found(tmp_path: Path) -> None:
    """Joblib's arrays stand raw in the stream, their objects as a pickle of their own: the scan goes on behind and inside them."""
    owned = Hostile(tmp_path / "owned")
    for name, held in (("behind", [np.arange(7.0), owned]), ("inside", np.array([owned, None], dtype=object))):
        for squeeze in (0, 3):
            path = tmp_path / f"{name}{squeeze}.joblib"
            joblib.dump(held, path, compress=squeeze)
            with pytest.raises(InputError, match=r"model: posix\.mkdir|model: nt\.mkdir"):
                opened(path, digest=sha256(path), trust=True)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("told", [{"read": dict}, {"dtype": np.dtype("O")}, {"dtype": np.dtype("M8[s]")}, {"shape": (-9,)}])
def test_an_array_that_hides_what_is_behind_it_is_refused(tmp_path: Path, told: dict[str, object]) -> None:
    """Where the loader would read on elsewhere than the scan, nothing is loaded."""
    wrapper = NumpyArrayWrapper(np.ndarray, (9,), "C", np.dtype("f8"))
    vars(wrapper).update(told)
    path = tmp_path / "m.joblib"
    path.write_bytes(pickle.dumps(wrapper) + bytes(200))
    with pytest.raises(InputError, match="cannot be scanned"):
        opened(path, digest=sha256(path), trust=True)


@pytest.mark.parametrize("squeeze", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_common_models_pass_the_scan(tmp_path: Path, squeeze: Any) -> None:
    """Trees, boosting, neighbours, calibration, a search with its masked arrays: what people pickle is loaded."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_selection import SelectKBest, f_classif
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
    from sklearn.svm import SVC, LinearSVC

    numeric = FRAME[NUMBERS]
    models = (
        make_pipeline(ColumnTransformer([("city", OneHotEncoder(), ["city"])], remainder="passthrough"), RandomForestClassifier(3)),
        make_pipeline(FunctionTransformer(np.log1p), SelectKBest(f_classif, k=1), LogisticRegression()),
        HistGradientBoostingClassifier(max_iter=3),
        GradientBoostingClassifier(n_estimators=3),
        KNeighborsClassifier(algorithm="kd_tree"),
        CalibratedClassifierCV(LinearSVC(), method="isotonic", cv=2),
        GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.1, 1.0]}, cv=2),
        MLPClassifier((3,), max_iter=2000, early_stopping=True),
        SVC(),
    )
    for number, model in enumerate(models):
        given = FRAME[["city", *NUMBERS]] if number == 0 else numeric
        path = tmp_path / f"{number}.joblib"
        joblib.dump(model.fit(given, FRAME["label"]), path, compress=squeeze)
        loaded = opened(path, digest=sha256(path), trust=True)
        assert labels(loaded.predict(dataset(FRAME))).tolist() == model.predict(given).astype(str).tolist()


def test_a_pickle_of_another_version_is_refused(tmp_path: Path) -> None:
    """Another scikit-learn may predict otherwise from the same file, without a word."""
    import sklearn
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(FRAME[NUMBERS], FRAME["label"])
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(fitted).replace(sklearn.__version__.encode(), b"0" * len(sklearn.__version__)))
    with pytest.raises(InputError, match=f"saved under scikit-learn 0+, and {sklearn.__version__} is installed"):
        opened(path, digest=sha256(path), trust=True)


def test_what_is_no_classifier(tmp_path: Path) -> None:
    """Regressors, other files and missing files are told apart."""
    from sklearn.linear_model import LinearRegression

    with pytest.raises(InputError, match="LinearRegression is no fitted classifier"):
        opened(saved(LinearRegression().fit(FRAME[NUMBERS], FRAME["label"]), tmp_path / "m.skops"))
    with pytest.raises(InputError, match="there is no such file"):
        opened(tmp_path / "none.skops")
    (tmp_path / "m.bin").write_bytes(b"")
    with pytest.raises(InputError, match="not a kind of file that can be loaded"):
        opened(tmp_path / "m.bin")
    (tmp_path / "cut.skops").write_bytes((tmp_path / "m.skops").read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be loaded"):
        opened(tmp_path / "cut.skops")


def test_several_labels_at_once_are_refused(tmp_path: Path) -> None:
    """Their classes are a list of arrays, of unlike lengths."""
    from sklearn.ensemble import RandomForestClassifier

    two = np.column_stack([FRAME["label"], np.arange(len(FRAME)) % 3])
    path = saved(RandomForestClassifier(2).fit(FRAME[NUMBERS], two), tmp_path / "m.joblib")
    with pytest.raises(InputError, match="RandomForestClassifier is no fitted classifier of one label"):
        opened(path, digest=sha256(path), trust=True)


@pytest.mark.parametrize(("column", "cell", "told"), [("age", np.nan, "Input X contains NaN"), ("age", "old", "could not convert string")])
def test_rows_that_a_model_does_not_take(tmp_path: Path, column: str, cell: object, told: str) -> None:
    """Its own words are told, with the file and what to do."""
    from sklearn.linear_model import LogisticRegression

    path = saved(LogisticRegression().fit(FRAME[NUMBERS], FRAME["label"]), tmp_path / "m.skops")
    frame = FRAME.assign(**{column: [*FRAME[column][:-1], cell]})
    with pytest.raises(InputError, match=f"m.skops: predict refuses these rows.*{told}.*: give it the columns and values"):
        opened(path).predict(dataset(frame))
