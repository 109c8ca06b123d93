"""What a tuned encoder has lost of its base: words, neighbours, what a probe can read."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import seeds
from audit.candidates.capabilities import Embeddings, find
from audit.candidates.encoder import SHARE
from audit.candidates.folder import ModelFolder
from audit.candidates.predictions import Predictions
from audit.checks.finetuning.knowledge_retention import FOLDS, folds, neighbours_lost
from audit.datasets.column_store import InMemory
from audit.errors import CannotMeasure
from audit.evidence import Bars, Evidence, Intervals
from audit.subject import Subject
from tests.judged import status
from tests.misses import misses, most
from tests.support import dataset, measure
from tests.tiny_bert import hub, letters, tokenizer
from tests.tuned import SPEC, Tuned, tune
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.finetune.base import Base

pytestmark = pytest.mark.full
CHECK = "finetuning/knowledge_retention"


def vectors(texts: list[str], seed: int) -> NDArray[np.float64]:
    """One vector of four numbers a text."""
    return np.array([np.random.default_rng(seeds.words(seed, text)).standard_normal(4) for text in texts]).reshape(len(texts), 4)


def encoded(frame: pd.DataFrame, before: Any, after: Any, *, by: Any = (), label: Any = "topic", **params: Any) -> Evidence:
    """Of two encoders told as functions from texts to vectors."""
    data = dataset(frame, "retention", **({"group": params.pop("group")} if "group" in params else {}))
    base = cast("Base", SimpleNamespace(embed_texts=before))
    candidate: Any = SimpleNamespace(get=lambda capability: find((Embeddings(after),), capability), kind="predictions", sha256="stub")
    params |= {"label": label} if params.get("measure") == "probe" else {}
    return measure(CHECK, Subject(data, Predictions(candidate), by=by, base=base), **params)


def texts(n: int) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"text {i}" for i in range(n)], "topic": ["a", "b"] * (n // 2) + ["a"] * (n % 2)})


# neighbours


def test_neighbours_by_hand() -> None:
    """Points on a half circle; afterwards the third has moved beside the first, so that both gain a new nearest one."""

    def at(*degrees: float) -> NDArray[np.float64]:
        return np.array([[np.cos(np.radians(one)), np.sin(np.radians(one))] for one in degrees])

    lost = neighbours_lost(at(0, 10, 50, 70), at(0, 10, 4, 70), 1)
    assert lost.tolist() == [1.0, 1.0, 1.0, 1.0]  # 0: 10, then 4. 10: 0, then 4. 50: 70, then 0. 70: 50, then 10.
    assert neighbours_lost(at(0, 10, 50, 70), at(0, 10, 50, 70), 1).tolist() == [0.0] * 4
    assert neighbours_lost(at(0, 10, 50, 70), at(0, 10, 4, 70), 2).tolist() == [0.0, 0.0, 0.5, 0.0]


@settings(deadline=None, max_examples=20)
@given(st.integers(12, 60), st.integers(1, 10), st.integers(0, 9999))
def test_neighbours_agree_with_scikit_learn(n: int, k: int, seed: int) -> None:
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(seed)
    before, after = rng.standard_normal((2, n, 5))
    sets = [NearestNeighbors(n_neighbors=k, metric="cosine").fit(one).kneighbors(return_distance=False) for one in (before, after)]
    expected = [1 - len(set(one) & set(other)) / k for one, other in zip(*sets, strict=True)]
    np.testing.assert_allclose(neighbours_lost(before, after, k), expected, atol=1e-12)


def test_turning_and_stretching_loses_no_neighbour() -> None:
    """Cosine knows neither, so that an encoder that only turned has forgotten nothing."""
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    found = encoded(texts(100), lambda one: vectors(one, 0), lambda one: 3 * vectors(one, 0) @ turn)
    assert found.members[0].estimate.value == 0.0
    assert status(CHECK, found, max=0.2) == "pass"
    assert found.members[0].estimate.bounds(0.025, 0.025)[1] > 0


def test_another_encoder_loses_nearly_all_and_the_interval_decides() -> None:
    found = encoded(texts(200), lambda one: vectors(one, 0), lambda one: vectors(one, 1))
    value, (low, high) = found.members[0].estimate.value, found.members[0].estimate.bounds(0.025, 0.025)
    assert value == pytest.approx(1 - 10 / 199, abs=0.02)
    assert [status(CHECK, found, max=bound) for bound in (high + 0.01, (value + high) / 2, low - 0.01)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), max=(value + high) / 2) == "pass"
    (bars,) = found.figures
    assert isinstance(bars, Bars)
    assert sum(bars.counts) == 200
    assert sum(int(name) * count for name, count in zip(bars.labels, bars.counts, strict=True)) == pytest.approx((1 - value) * 10 * 200)


def test_texts_that_the_base_does_not_tell_apart_are_one_neighbour() -> None:
    """Copies of a text are each other's nearest before and after, whatever was forgotten: they may not hide it."""
    single = texts(20)
    alone = encoded(single, lambda one: vectors(one, 0), lambda one: vectors(one, 1)).members[0].estimate.value
    copied = pd.concat([single] * 15, ignore_index=True)
    assert encoded(copied, lambda one: vectors(one, 0), lambda one: vectors(one, 1)).members[0].estimate.value == pytest.approx(alone)


def test_a_base_that_knows_none_of_the_texts_has_nothing_to_lose() -> None:
    """Its equal vectors were ranked by the order of the rows, which no fine-tuning changes, and so nothing lost was shown."""
    blind = np.repeat(np.eye(4), 25, axis=0)
    with pytest.raises(CannotMeasure, match="100 rows of which the base model tells 4 apart"):
        neighbours_lost(blind, blind, 10)


def test_coverage_of_the_neighbours() -> None:
    """Rows drawn from a large set, each with its own share in that set's neighbourhoods: the interval is that of the texts."""
    rng, trials = np.random.default_rng(5), 300
    shares = rng.binomial(10, rng.beta(1, 4, 20_000)) / 10

    def draw() -> Any:
        from audit.stats import Mean

        return Mean.of(shares[rng.integers(0, len(shares), 150)], low=0.0, high=1.0)

    assert max(misses(draw, float(shares.mean()), trials)) <= most(0.035, trials)


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(CannotMeasure, match="tells 11 apart have no 10 neighbours"):
        encoded(texts(11), lambda one: vectors(one, 0), lambda one: vectors(one, 0))


# probe


def told(topics: dict[str, str], *, known: bool) -> Any:
    """An encoder in which the topic can be read, or one of noise."""
    return lambda one: np.column_stack([vectors(one, 3), [(5.0 if topics[text] == "a" else -5.0) * known for text in one]])


def test_a_probe_agrees_with_scikit_learn() -> None:
    """Fold by fold, for both encoders."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = texts(120)
    topics = dict(zip(frame["text"], frame["topic"], strict=True))
    before, after = told(topics, known=True), told(topics, known=False)
    found = encoded(frame, before, after, measure="probe")
    fold = folds(120, None, seeds.stream(0, CHECK))
    rates = []
    for embed in (before, after):
        x, said = embed(list(frame["text"])), np.empty(120, dtype=object)
        for held in (fold == i for i in range(FOLDS)):
            probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(x[~held], frame["topic"][~held])
            said[held] = probe.predict(x[held])
        rates.append(accuracy_score(frame["topic"], said.astype(str)))
    assert rates[0] == 1.0
    assert found.members[0].estimate.value == pytest.approx(rates[0] - rates[1], abs=1e-12)
    assert status(CHECK, found, max=0.1) == "fail"
    assert status(CHECK, encoded(frame, before, before, measure="probe"), max=0.1) == "pass"
    (figure,) = found.figures
    assert isinstance(figure, Intervals)
    assert [point.value for point in figure.points[0] if point] == pytest.approx(rates)


def test_forgetting_is_found_in_the_slice_where_it_is() -> None:
    """The topic is lost of the second half alone."""
    frame = texts(400).assign(kind=["x"] * 200 + ["y"] * 200)
    topics = dict(zip(frame["text"], frame["topic"], strict=True))
    late = set(frame["text"][200:])

    def after(one: list[str]) -> Any:
        found = told(topics, known=True)(one)
        return np.where(np.array([text in late for text in one])[:, None] & (np.arange(5) == 4), 0.0, found)

    found = encoded(frame, told(topics, known=True), after, measure="probe", by=(("kind",),))
    values = {str(one.name): one.estimate.value for one in found.members}
    assert values["kind=x"] <= 0.02
    assert values["kind=y"] > 0.3
    assert status(CHECK, found, max=0.2) == "fail"


def test_rows_of_one_entity_share_a_fold() -> None:
    clusters = np.repeat(np.arange(30), 4)
    fold = folds(120, clusters, np.random.default_rng(1))
    assert all(len(set(fold[clusters == one])) == 1 for one in range(30))
    assert sorted(set(fold)) == list(range(FOLDS))


def test_a_probe_without_labels_is_refused() -> None:
    frame = texts(40)
    with pytest.raises(CannotMeasure, match="no column subject"):
        encoded(frame, lambda one: vectors(one, 0), lambda one: vectors(one, 0), measure="probe", label="subject")
    with pytest.raises(CannotMeasure, match="no column of labels"):
        encoded(frame, lambda one: vectors(one, 0), lambda one: vectors(one, 0), measure="probe", label=None)
    with pytest.raises(CannotMeasure, match="add rows of each class"):
        encoded(frame.assign(topic="a"), lambda one: vectors(one, 0), lambda one: vectors(one, 0), measure="probe")


def test_what_the_base_never_knew_it_cannot_lose() -> None:
    """Labels that its texts do not tell, and ids: nothing was lost of nothing, which passed any bound."""
    frame = texts(200)

    def blind(one: list[str]) -> Any:
        return vectors(one, 0)

    with pytest.raises(CannotMeasure, match=r"not provably more than the commonest label \(0.500\), so that it has nothing to lose"):
        encoded(frame, blind, blind, measure="probe")
    with pytest.raises(CannotMeasure, match="200 labels in 200 rows are too many for a probe"):
        encoded(frame.assign(topic=frame["text"]), blind, blind, measure="probe")


# masked words


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """Tuned from a base with a head for masked words."""
    import torch

    place = tmp_path_factory.mktemp("masked")
    rows = letters(200, 1)
    words = tokenizer(rows.texts())
    shape = hub.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=64
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hub.BertForMaskedLM(shape).save_pretrained(place / "base")
    words.save_pretrained(place / "base")
    return tune(place, rows, spec=SPEC.model_copy(update={"epochs": 2}), folder=place / "base")


def losses(folder: Path, encoder: Path | None, said: list[str]) -> list[float]:
    """Text by text as transformers gives them, without padding."""
    import torch

    words, model = hub.AutoTokenizer.from_pretrained(folder), hub.BertForMaskedLM.from_pretrained(folder).eval()
    decoder = model.cls.predictions.decoder.weight.detach().clone()
    if encoder is not None:
        model.bert.load_state_dict(hub.AutoModel.from_pretrained(encoder).state_dict(), strict=False)
    found = []
    for text in said:
        given = words(text, return_tensors="pt", truncation=True, max_length=32)
        places = [place for place, token in enumerate(given["input_ids"][0].tolist()) if token not in words.all_special_ids]
        rng = np.random.default_rng(seeds.words(0, text))
        hidden = torch.tensor(rng.permutation(places)[: max(1, round(SHARE * len(places)))])
        truth = given["input_ids"][0, hidden].clone()
        given["input_ids"][0, hidden] = words.mask_token_id
        with torch.inference_mode():
            state = model.cls.predictions.transform(model.bert(**given).last_hidden_state[0, hidden])
            logits = state @ decoder.T + model.cls.predictions.bias
        found.append(float(torch.nn.functional.cross_entropy(logits.double(), truth)))
    return found


def test_losses_are_those_of_transformers(masked: Tuned) -> None:
    """The base's head, held fixed, on its own encoder and on the tuned one."""
    data = letters(12, 5, "retention")
    found = measure(CHECK, masked.subject(data), measure="masked_lm")
    folder = masked.tuning.folder
    before, after = (found.table[stage].astype(float) for stage in ("before", "after"))
    np.testing.assert_allclose(before, losses(folder, None, data.texts()), atol=1e-5)
    np.testing.assert_allclose(after, losses(folder, masked.tuned.path, data.texts()), atol=1e-5)
    assert found.members[0].estimate.value == pytest.approx(float(after.mean() - before.mean()), abs=1e-12)
    assert abs(after - before).min() > 0
    assert found.table["hidden_words"].astype(int).min() >= 1


def test_an_encoder_that_was_not_changed_has_forgotten_nothing(masked: Tuned) -> None:
    """The base's own encoder in the place of the tuned one."""
    origin = masked.base()
    origin.tuned = ModelFolder(masked.tuning.folder)
    found = measure(CHECK, masked.subject(letters(80, 5, "retention"), origin=origin), measure="masked_lm")
    np.testing.assert_array_equal(found.table["after"], found.table["before"])
    assert found.members[0].estimate.value == 0.0


def test_texts_without_words_are_left_out_and_counted(masked: Tuned) -> None:
    data: Dataset = letters(60, 5, "retention")
    frame = data.cells.frame().assign(kind=["x"] * 59 + ["y"])
    frame.loc[[3, 59], "text"] = ["", " "]
    found = measure(CHECK, masked.subject(replace(data, cells=InMemory(frame)), by=(("kind",),)), measure="masked_lm")
    assert [(str(one.name), one.estimate.n) for one in found.members] == [("kind=x", 58)]
    assert [str(one.name) for one in found.unmeasured] == ["kind=y"]
    assert found.rows == 60
    assert "2 texts without a word are left out" in found.notes[0]


def test_a_base_without_a_head_says_what_to_measure_instead(tuned: Tuned) -> None:
    with pytest.raises(CannotMeasure, match="set measure: probe or measure: neighbours"):
        measure(CHECK, tuned.subject(letters(20, 5, "retention")), measure="masked_lm")


def test_a_candidate_that_was_not_tuned_here_is_not_measured(tuned: Tuned) -> None:
    for one in ("masked_lm", "probe", "neighbours"):
        with pytest.raises(CannotMeasure, match=r"candidate\.fine_tune"):
            measure(CHECK, replace(tuned.subject(letters(20, 5, "retention")), base=None), measure=one)
