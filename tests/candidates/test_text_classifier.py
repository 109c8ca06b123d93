"""A text classifier says what transformers says, the same for a text whatever it is scored with, and loads nothing unsafe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.candidates.folder import ModelFolder
from audit.candidates.predictions import Predictions
from audit.candidates.transformers import Reading, TextClassifier
from audit.datasets.column_store import Table
from audit.errors import CannotMeasure, InputError
from tests.support import labels
from tests.tiny_bert import base, hub, letters

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.full
CLASSES = ("other", "urgent")
TEXTS = [*letters(60, 11).texts(), "", "hurry " * 300]


def opened(folder: Path, **options: Path) -> TextClassifier:
    return TextClassifier(ModelFolder(folder), CLASSES, **options)  # type: ignore[arg-type]  # options by name


def alone(folder: Path, text: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities and mean hidden state of one text, straight from transformers."""
    import torch

    tokens = hub.AutoTokenizer.from_pretrained(folder)(text, truncation=True, max_length=64, return_tensors="pt")
    model = hub.AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.inference_mode():
        return model(**tokens).logits.softmax(-1)[0].numpy(), model.bert(**tokens).last_hidden_state.mean(1)[0].numpy()


def test_it_agrees_with_transformers(classifier: Path) -> None:
    """Each text's probabilities and embedding are those of the model run on that text alone, without any padding."""
    model = opened(classifier)
    scores, vectors = model.score_texts(TEXTS), model.embed_texts(TEXTS)
    for place in (0, 7, 31, len(TEXTS) - 2, len(TEXTS) - 1):
        expected, state = alone(classifier, TEXTS[place])
        np.testing.assert_allclose(scores[place], expected, atol=2e-6)
        np.testing.assert_allclose(vectors[place], state, atol=1e-5)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-12)
    assert vectors.shape == (len(TEXTS), 32)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=len(TEXTS)))
def test_a_score_depends_on_its_text_alone(classifier: Path, chosen: list[int]) -> None:
    """Bit for bit the same in whatever company a text is scored."""
    again = opened(classifier).score_texts([TEXTS[place] for place in chosen])
    assert np.array_equal(again, all_at_once(classifier)[chosen])


@cache
def all_at_once(folder: Path) -> NDArray[np.float64]:
    return opened(folder).score_texts(TEXTS)


def test_what_it_says_of_itself(classifier: Path) -> None:
    """Digest, size and description come from its files; the digest moves with each file that matters and with the length kept."""
    model = opened(classifier)
    theirs = hub.AutoModelForSequenceClassification.from_pretrained(classifier)
    assert model.parameters == theirs.num_parameters()
    assert model.description == f"BertForSequenceClassification from {classifier.name}, 2 classes, safetensors"
    shorter = TextClassifier(ModelFolder(classifier), CLASSES, reading=Reading(max_length=16))
    longer = TextClassifier(ModelFolder(classifier), CLASSES, reading=Reading(max_length=512))  # more than the model can take
    assert model.sha256 == longer.sha256 != shorter.sha256


@pytest.mark.parametrize(
    ("name", "counts"), [("model.safetensors", True), ("config.json", True), ("tokenizer.json", True), ("training.json", False)]
)
def test_the_digest_covers_what_determines_outputs(classifier: Path, tmp_path: Path, name: str, *, counts: bool) -> None:
    """A changed weight, setting or word changes it; a changed remark does not."""
    shutil.copytree(classifier, tmp_path / "m")
    (tmp_path / "m" / name).write_bytes((tmp_path / "m" / name).read_bytes() + b" ")
    assert (opened(tmp_path / "m").sha256 != opened(classifier).sha256) is counts


def test_many_threads_get_the_same(classifier: Path) -> None:
    """Checks that run at once share one model."""
    model = opened(classifier)
    expected = opened(classifier).score_texts(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda start: model.score_texts(TEXTS[start:]), range(12)):
            assert np.array_equal(found, expected[len(TEXTS) - len(found) :])


def test_predictions_are_the_likeliest_classes(classifier: Path) -> None:
    """Labels follow the probabilities and are right far more often than chance."""
    test = letters(300, 9, "test")
    outputs = opened(classifier).predict(test)
    assert outputs.probabilities is not None
    assert labels(outputs).tolist() == [CLASSES[best] for best in outputs.probabilities.argmax(axis=1)]
    assert (labels(outputs) == test.labels("label")).mean() > 0.85


def test_no_texts(classifier: Path) -> None:
    """Nothing asked, nothing answered, in the right shape."""
    assert opened(classifier).score_texts([]).shape == (0, 2)
    assert opened(classifier).embed_texts([]).shape == (0, 32)
    with pytest.raises(CannotMeasure, match="cannot score 300 tabular rows"):
        Predictions(opened(classifier)).answer(Table.of(letters(300, 9).cells.frame()))


def changed(folder: Path, target: Path, **config: object) -> ModelFolder:
    shutil.copytree(folder, target)
    path = target / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return ModelFolder(target)


def test_nameless_classes_take_the_numbers_of_the_labels(classifier: Path, tmp_path: Path) -> None:
    """LABEL_0 and LABEL_1 are 0 and 1 where the data says so, and nothing else otherwise."""
    nameless = changed(classifier, tmp_path / "a", id2label={"0": "LABEL_0", "1": "LABEL_1"})
    assert nameless.classes(frozenset({"0", "1"})) == ("0", "1")
    assert nameless.classes(frozenset({"1"})) == ("0", "1")
    assert nameless.classes(frozenset({"no", "yes"})) == ("LABEL_0", "LABEL_1")
    assert nameless.classes(frozenset({"0", "2"})) == ("LABEL_0", "LABEL_1")
    many = changed(classifier, tmp_path / "b", id2label={str(i): f"c{i}" for i in reversed(range(11))})
    assert many.classes(frozenset({"0"})) == tuple(f"c{i}" for i in range(11))


@pytest.mark.parametrize(
    "named", [{"urgent": 0, "other": 1}, ["a", "b"], {"0": "a", "5": "b"}, {"0": "a", "1": "a"}, {"0": None, "1": "a"}, "urgent"]
)
def test_names_of_classes_that_tell_nothing_are_refused(classifier: Path, tmp_path: Path, named: object) -> None:
    """Two classes of one name, or names without the places of their outputs, would be counted as something else."""
    with pytest.raises(InputError, match=r"id2label in config\.json .*give every output of the model"):
        changed(classifier, tmp_path / "a", id2label=named).classes(frozenset({"a"}))


def test_a_tokenizer_that_is_not_the_models_is_refused(classifier: Path, tmp_path: Path) -> None:
    """One that gives tokens without a weight, one that is none; one that cannot fill up a batch is not asked to."""
    grown, unpadded, none = (changed(classifier, tmp_path / name) for name in ("grown", "unpadded", "none"))
    words = hub.AutoTokenizer.from_pretrained(classifier)
    words.add_tokens(["zebra"])
    words.save_pretrained(grown.path)
    known = TextClassifier(ModelFolder(grown.path), CLASSES)
    assert known.score_texts(["now"]).shape == (1, 2)
    with pytest.raises(InputError, match=r"its tokenizer gives token \d+, and the model knows \d+: save the tokenizer that it was trained"):
        known.score_texts(["now a zebra"])
    told = json.loads((unpadded.path / "tokenizer_config.json").read_text())
    (unpadded.path / "tokenizer_config.json").write_text(json.dumps(told | {"pad_token": None}))
    (unpadded.path / "special_tokens_map.json").unlink(missing_ok=True)
    scores = TextClassifier(ModelFolder(unpadded.path), CLASSES).score_texts(TEXTS)  # config.json names one, and so the model has it
    assert np.array_equal(scores, opened(classifier).score_texts(TEXTS))
    (none.path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer\.json holds no tokenizer"):
        ModelFolder(none.path)


def test_a_model_without_a_trained_head_is_refused(classifier: Path, tmp_path: Path) -> None:
    """A base model would answer at random; so would one whose files lack the head."""
    with pytest.raises(InputError, match="holds BertModel, not a text classifier: fine-tune it first"):
        opened(base(tmp_path / "base"))
    headless = changed(base(tmp_path / "other"), tmp_path / "headless", architectures=["BertForSequenceClassification"])
    with pytest.raises(InputError, match=r"no weights for classifier\.bias, classifier\.weight"):
        TextClassifier(headless, CLASSES).score_texts(["now"])
    with pytest.raises(InputError, match="its head has 2 outputs for 3 classes"):
        TextClassifier(ModelFolder(classifier), ("a", "b", "c")).score_texts(["now"])
    with pytest.raises(InputError, match="tells no two classes apart"):
        TextClassifier(ModelFolder(classifier), ("score",))
    with pytest.raises(InputError, match="is made for multi_label_classification"):
        TextClassifier(changed(classifier, tmp_path / "multi", problem_type="multi_label_classification"), CLASSES)


def test_a_model_that_blew_up_is_refused(tmp_path: Path) -> None:
    """NaN is no score, and would count as the first class."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        shape = hub.AutoConfig.from_pretrained(base(tmp_path / "tiny"), initializer_range=1e38)
        hub.BertForSequenceClassification(shape).save_pretrained(tmp_path / "tiny")
    for ask in (opened(tmp_path / "tiny").score_texts, opened(tmp_path / "tiny").embed_texts):
        with pytest.raises(InputError, match="gives a number that is none for a text"):
            ask(["now"])


SECOND = """
import sys
from pathlib import Path
from audit.candidates.folder import ModelFolder
from audit.candidates.transformers import TextClassifier
model = TextClassifier(ModelFolder(Path(sys.argv[1])), ("other", "urgent"), store=Path(sys.argv[2]))
scores = model.score_texts(["please hurry", "thanks"])
print(scores.tobytes().hex(), model.parameters, "torch" in sys.modules, "transformers" in sys.modules)
"""


def test_a_second_run_needs_no_torch(classifier: Path, tmp_path: Path) -> None:
    """What was scored once is read from disk: torch is not even imported, and the bits are the same."""
    first = opened(classifier, store=tmp_path)
    expected = first.score_texts(["please hurry", "thanks"]).tobytes().hex()
    command = [sys.executable, "-c", SECOND, str(classifier), str(tmp_path)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    assert run.stdout.split() == [expected, str(first.parameters), "False", "False"]
