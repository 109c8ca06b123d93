"""The base model with a linear probe, held against scikit-learn and transformers themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit.candidates.encoder import Encoder
from audit.candidates.folder import ModelFolder
from audit.errors import InputError
from audit.finetune.examples import parts
from audit.finetune.linear_probe import Probe
from audit.pipeline.opening import Opener
from audit.policy.schema import Policy
from audit.progress import Silent
from tests.support import labels, trained
from tests.tiny_bert import base, letters

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base(tmp_path_factory.mktemp("base") / "tiny")


def encoder(folder: Path, store: Path | None = None) -> Encoder:
    return Encoder(ModelFolder(folder), max_length=32, store=store)


def test_embeddings_are_the_mean_of_the_last_states(folder: Path) -> None:
    """As transformers gives them one text at a time, without padding."""
    import torch
    import transformers

    texts = letters(6, 4).texts()
    hub: Any = transformers  # published without types
    words, model = hub.AutoTokenizer.from_pretrained(folder), hub.AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        told = [model(**words(text, return_tensors="pt")).last_hidden_state[0].double().mean(0).numpy() for text in texts]
    np.testing.assert_allclose(encoder(folder).embed(texts), np.stack(told), atol=1e-6)
    assert encoder(folder).embed([]).shape == (0, 32)


def test_the_probe_is_logistic_regression_on_them(folder: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, _, _ = parts(letters(200, 1), 0.2, 3)
    test = letters(50, 2, "test")
    probe = Probe(encoder(folder), rows, learned="rows")
    known = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    known.fit(encoder(folder).embed(rows.texts), rows.labels)
    outputs = probe.predict(test)
    assert outputs.probabilities is not None
    np.testing.assert_allclose(outputs.probabilities, known.predict_proba(encoder(folder).embed(test.texts())), atol=1e-6)
    assert labels(outputs).tolist() == known.predict(encoder(folder).embed(test.texts())).tolist()
    assert probe.classes == ("other", "urgent")


def test_three_classes_too(folder: Path) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = letters(240, 1)
    data.cells.frame()["label"] = np.where(np.arange(240) % 3 == 0, "third", data.cells.column("label"))
    rows, _, _ = parts(data, 0.2, 3)
    known = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(encoder(folder).embed(rows.texts), rows.labels)
    found = Probe(encoder(folder), rows, learned="rows").score_texts(rows.texts[:9])
    np.testing.assert_allclose(found, known.predict_proba(encoder(folder).embed(rows.texts[:9])), atol=1e-6)


def test_it_is_kept_under_its_digests(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one of the same rows fits nothing; one that learned from other rows does."""
    rows, _, _ = parts(letters(120, 1), 0.2, 3)
    first = Probe(encoder(folder, tmp_path), rows, learned="rows", store=tmp_path)
    told = first.score_texts(["hurry now"])
    monkeypatch.setattr("audit.finetune.linear_probe._logistic", lambda: pytest.fail("it was fitted anew"))
    again = Probe(encoder(folder, tmp_path), rows, learned="rows", store=tmp_path)
    np.testing.assert_array_equal(again.score_texts(["hurry now"]), told)
    assert again.sha256 == first.sha256
    other = Probe(encoder(folder, tmp_path), rows, learned="other rows", store=tmp_path)
    assert other.sha256 != first.sha256
    with pytest.raises(pytest.fail.Exception, match="fitted anew"):
        other.score_texts(["hurry now"])


def test_the_policy_opens_it(folder: Path, tmp_path: Path) -> None:
    """On the rows that the candidate learned from, the validation rows left out."""
    datasets = {"train": letters(200, 1), "test": letters(60, 2, "test")}

    require = [{"check": "performance/accuracy", "id": "one", "against": "base", "margin": 0.1}]
    spec = {"task": "text-classification", "fine_tune": {"base": "tiny", "epochs": 1, "max_length": 16}}
    policy = Policy.model_validate({"policy": "p", "seed": 3, "candidate": spec, "require": require})
    opener = Opener(policy, datasets, resolve=lambda _name: folder, cache=tmp_path, progress=Silent())
    candidate = opener.candidate()
    base = opener.base(candidate)
    assert base is not None
    record = trained(candidate)
    assert record is not None
    probe = base.probe.candidate
    assert probe.classes == candidate.classes
    assert probe.description == f"tiny as it was, with a linear probe on {record.train_rows} training rows"


def test_an_encoder_without_weights_is_refused(folder: Path, tmp_path: Path) -> None:
    import json
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    told = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(told | {"num_hidden_layers": 3}))
    with pytest.raises(InputError, match="no weights for encoder"):
        encoder(broken).embed(["hurry"])
