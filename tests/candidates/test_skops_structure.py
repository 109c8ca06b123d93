"""A skops file is trusted by what stands where in it, and not by the names of its types."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import operator
import zipfile
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from audit.candidates.sklearn import load
from audit.errors import InputError
from tests.support import dataset, labels

if TYPE_CHECKING:
    from pathlib import Path

    from audit.candidates.sklearn import SklearnModel

pytestmark = pytest.mark.full
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": RNG.integers(20, 70, 60), "income": RNG.normal(30, 9, 60), "city": RNG.choice(["x", "y"], 60)})
FRAME["label"] = (FRAME["age"] + FRAME["income"] > 75).astype(int)
NUMBERS = ["age", "income"]
FITTED = LogisticRegression(max_iter=1000).fit(FRAME[NUMBERS], FRAME["label"])


def opened(model: Any, folder: Path, edit: Any = None) -> SklearnModel:
    """The candidate in a skops file of a model, whose description `edit` may change."""
    from skops import io as skops

    path, raw = folder / "m.skops", skops.dumps(model)
    if edit is not None:
        saved, changed = zipfile.ZipFile(io.BytesIO(raw)), io.BytesIO()
        with zipfile.ZipFile(changed, "w") as out:
            for name in saved.namelist():
                content = saved.read(name)
                out.writestr(name, edit(content.decode()).encode() if name == "schema.json" else content)
        raw = changed.getvalue()
    path.write_bytes(raw)
    return load(path, sha256=None, trust_pickle=False, reads_text=False)


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=3),
        RandomForestClassifier(3, random_state=0),
        HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]),
        KNeighborsClassifier(algorithm="kd_tree"),
        KNeighborsClassifier(algorithm="ball_tree"),
        GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1.0]}, cv=2, scoring="balanced_accuracy"),
        make_pipeline(SelectKBest(f_classif, k=1), GaussianNB()),
        FixedThresholdClassifier(LogisticRegression(max_iter=1000), threshold=0.2),
        StackingClassifier([("t", DecisionTreeClassifier(max_depth=2)), ("n", GaussianNB())], final_estimator=LogisticRegression(), cv=2),
        VotingClassifier([("t", DecisionTreeClassifier(max_depth=2)), ("none", "drop"), ("n", GaussianNB())], voting="soft"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_scikit_learns_own_models_load_without_trust(tmp_path: Path, model: Any) -> None:
    """Trees, boosting, neighbours, searches, stacks: they answer as they did before they were saved."""
    fitted = model.fit(FRAME[NUMBERS], FRAME["label"])
    assert labels(opened(fitted, tmp_path).predict(dataset(FRAME))).tolist() == fitted.predict(FRAME[NUMBERS]).astype(str).tolist()


def test_a_pipeline_over_columns_loads_without_trust(tmp_path: Path) -> None:
    columns = make_column_transformer((OneHotEncoder(), ["city"]), ("drop", ["income"]), remainder="passthrough")
    fitted = make_pipeline(columns, RandomForestClassifier(3, random_state=0)).fit(FRAME[["city", *NUMBERS]], FRAME["label"] == 1)
    model = opened(fitted, tmp_path)
    assert model.classes == ("false", "true")
    assert model.description == "ColumnTransformer → RandomForestClassifier, 2 classes, skops"


def hand_made() -> Pipeline:
    """Of types that skops trusts by default: an array in the place of a model, with the method that writes it to a file."""
    writer = StackingClassifier([("a", GaussianNB())], final_estimator=LogisticRegression()).fit(FRAME[NUMBERS], FRAME["label"])
    del writer.named_estimators_
    writer.estimators_, writer.stack_method_ = [np.array([b"marker"])], ["tofile"]
    return Pipeline([("name", FunctionTransformer(np.str_)), ("write", writer)])


def test_a_hand_made_file_that_skops_trusts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Skops finds nothing to distrust in it, and its first prediction writes a file; here it is refused before it predicts."""
    from skops import io as skops

    monkeypatch.chdir(tmp_path)
    raw = skops.dumps(hand_made())
    assert skops.get_untrusted_types(data=raw) == []
    with pytest.raises(AttributeError, match="has no attribute 'ndim'"):  # after it has written
        skops.loads(raw).predict("owned")
    assert (tmp_path / "owned").read_bytes() == b"marker"
    (tmp_path / "owned").unlink()
    with pytest.raises(InputError) as refused:
        opened(hand_made(), tmp_path)
    assert "StackingClassifier.estimators_ holds ndarray, which is no estimator" in str(refused.value)
    assert "StackingClassifier.stack_method_ names 'tofile', which is no method of a classifier" in str(refused.value)
    assert "FunctionTransformer.func holds str_, a function" in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["m.skops"]


def test_a_hand_made_pickle_is_refused_even_where_it_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its names are parts of models; their places are not."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.joblib"
    joblib.dump(hand_made(), path)
    with pytest.raises(InputError, match=r"estimators_ holds ndarray.*stack_method_ names 'tofile'"):
        load(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), trust_pickle=True, reads_text=False)
    assert [path.name for path in tmp_path.iterdir()] == ["m.joblib"]


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (np.log1p, "numpy.*log1p"),
        (functools.partial(np.add, 1), r"add \(PartialNode\)"),
        (operator.methodcaller("tofile", "owned"), "operator.methodcaller"),
        (np.array([1]).tofile, "tofile|builtins"),
        (FITTED.predict, r"LogisticRegression \(MethodNode\)"),
        (json.dumps, "json.dumps"),
    ],
)
def test_functions_are_refused(tmp_path: Path, function: Any, told: str) -> None:
    """A ufunc, a partial call, a named method, a bound one, any function: named, with what would vouch for the file."""
    from skops import io as skops

    model = make_pipeline(FunctionTransformer(function), FITTED)
    try:
        skops.dumps(model)
    except Exception:  # noqa: BLE001  # what skops cannot save nobody can load
        return
    with pytest.raises(InputError, match=rf"holds what is no part of a scikit-learn model: .*({told}).*add `trust: pickle`"):
        opened(model, tmp_path)


def with_attribute(model: Any, **attributes: Any) -> Any:
    vars(model).update(attributes)
    return model


def fitted(model: Any) -> Any:
    return model.fit(FRAME[NUMBERS], FRAME["label"])


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (lambda: with_attribute(fitted(GaussianNB()), predict=fitted(GaussianNB())), "GaussianNB.predict is set over the method"),
        (lambda: Pipeline([("a", np.arange(3)), ("b", FITTED)]), "Pipeline.steps holds ndarray"),
        (lambda: with_attribute(fitted(GridSearchCV(GaussianNB(), {}, cv=2)), best_estimator_=["x"]), "best_estimator_ holds|no fitted"),
        (
            lambda: with_attribute(fitted(GridSearchCV(GaussianNB(), {}, cv=2)), best_estimator_=b"x"),
            "builtins.bytes",
        ),
        (lambda: with_attribute(fitted(FixedThresholdClassifier(GaussianNB())), response_method="dump"), "response_method names 'dump'"),
        (lambda: make_pipeline(CountVectorizer(input="filename"), FITTED), "CountVectorizer.input is 'filename'"),
        (lambda: with_attribute(fitted(SelectKBest(f_classif, k=1)), score_func=fitted(GaussianNB())), "score_func holds GaussianNB"),
    ],
)
def test_what_stands_in_a_wrong_place_is_refused(tmp_path: Path, model: Any, told: str) -> None:
    """Each part is scikit-learn's own or plain data; none of them belongs where it stands."""
    with pytest.raises(InputError, match=told):
        opened(model(), tmp_path)


@pytest.mark.parametrize(("field", "value"), [("left_child", 99), ("right_child", 0), ("feature", 7), ("feature", -3)])
def test_trees_that_lead_out_of_themselves_are_refused(tmp_path: Path, field: str, value: int) -> None:
    """Links and features that compiled code would follow out of the tree, in a tree and in a forest."""
    tree = fitted(DecisionTreeClassifier(max_depth=2))
    state = tree.tree_.__getstate__()
    state["nodes"][field][0] = value
    tree.tree_.__setstate__(state)
    for model in (tree, with_attribute(fitted(RandomForestClassifier(1)), estimators_=[tree])):
        with pytest.raises(InputError, match="DecisionTreeClassifier holds a tree whose links or features lie outside it"):
            opened(model, tmp_path)


def test_boosted_trees_are_followed_too(tmp_path: Path) -> None:
    model = fitted(HistGradientBoostingClassifier(max_iter=2))
    model._predictors[0][0].nodes["left"][0] = 4000
    with pytest.raises(InputError, match="HistGradientBoostingClassifier holds a tree"):
        opened(model, tmp_path)


@pytest.mark.parametrize("loader", ["MethodNode", "CachedNode", "PartialNode", "ConstructorFromReduceNode", "Unheard", 7])
def test_other_entries_are_refused(tmp_path: Path, loader: object) -> None:
    """An entry that builds otherwise than the known ones, whatever class it names."""
    edit = lambda text: text.replace('"__loader__": "ObjectNode"', f'"__loader__": {json.dumps(loader)}')  # noqa: E731  # one line
    with pytest.raises(InputError, match="no part of a scikit-learn model"):
        opened(FITTED, tmp_path, edit)


@pytest.mark.parametrize(
    "name", ["sklearn.utils._testing.TempMemmap", "sklearn.datasets._base.os", "sklearn.utils.parallel.Parallel", "posixpath.join"]
)
def test_classes_that_are_no_parts_of_models_are_refused(tmp_path: Path, name: str) -> None:
    """Some stand in scikit-learn's modules."""
    module, _, part = name.rpartition(".")
    with pytest.raises(InputError, match=f"{module}.{part} "):
        opened(FITTED, tmp_path, lambda text: json.dumps(json.loads(text) | {"__class__": part, "__module__": module}))


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    """As the same model's pickle is: another scikit-learn may predict otherwise from the same file."""
    told = f"saved under scikit-learn 1.0.2, and {sklearn.__version__} is installed: save it again"
    with pytest.raises(InputError, match=told):
        opened(FITTED, tmp_path, lambda text: text.replace(sklearn.__version__, "1.0.2"))
