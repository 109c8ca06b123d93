"""Accuracy under DeepWordBug counts what textattack finds, row by row, and nothing else."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from audit import catalog
from audit.candidates.predictions import Predictions
from audit.checks.robustness import _scheduler, _textattack
from audit.datasets.column_store import Texts
from audit.errors import CannotMeasure, MissingExtra
from audit.evidence import Part
from audit.seeds import GlobalStream, words
from audit.stats import Proportion
from tests.judged import status
from tests.small_models import Trained, cautious, letter_reader, letters
from tests.support import measure, subject

if TYPE_CHECKING:
    from audit.candidates import Outputs
    from audit.evidence import Evidence

ID = "robustness/deepwordbug_gao_2018"
installed = pytest.mark.skipif(find_spec("textattack") is None, reason="textattack comes with the extra `attacks`")


@pytest.fixture(scope="module")
def reader() -> Trained:
    return letter_reader()


def asking(reader: Trained) -> _scheduler.Ask:
    return _scheduler.asking(Predictions(reader))


def attacked(frame: pd.DataFrame, reader: Trained, seed: int = 0, **params: object) -> Evidence:
    return measure(ID, subject(frame, candidate=reader), seed, **params)


@installed
@pytest.mark.full
def test_every_row_is_one_attack_by_the_library(reader: Trained) -> None:
    """Each row that was right, attacked by itself one after the other, ends as the table says; the share follows."""
    frame = letters(40, 1)
    found = attacked(frame, reader)
    table = pd.DataFrame(dict(found.table))
    seed = int(catalog_stream().integers(2**62))
    for row, text, label in frame.itertuples(index=False):
        told = table[table["id"] == row].iloc[0]
        if told["label"] != told["prediction"]:
            assert (told["queries"], told["survived"]) == (0, False)
            continue
        with GlobalStream(words(seed, row)).installed():
            alone = _textattack.load().deepwordbug(text, reader.classes.index(label), asking(reader))
        assert (told["queries"], told["survived"]) == (alone.queries, not alone.broken)
        assert told["prediction_attacked"] == reader.classes[alone.predicted]
    assert found.members[0].estimate == Proportion(int(table["survived"].sum()), 40)
    assert 0 < found.members[0].estimate.value < found.context[0].estimate.value


def catalog_stream() -> np.random.Generator:
    """The stream that `measure` hands to the check."""
    from audit import seeds

    return seeds.stream(0, ID)


@installed
@pytest.mark.full
def test_worked_example() -> None:
    """20 rows, of which 4 are labelled wrongly: clean accuracy 16/20, and of those 16 only the survivors count."""
    reader, frame = letter_reader(), letters(60, 2)
    right = frame["label"].to_numpy() == reader.predict(subject(frame, candidate=reader).data).labels
    frame = pd.concat([frame[right].head(16), frame[~right].head(4)])
    assert len(frame) == 20
    found = attacked(frame, reader)
    survived = int(np.asarray(found.table["survived"]).sum())
    assert found.context[0].estimate == Proportion(16, 20)
    assert found.members[0].estimate == Proportion(survived, 20)
    assert found.members[0].estimate.bounds(0.025, 0.025) == pytest.approx(exact(survived, 20), abs=1e-9)
    assert not np.asarray(found.table["survived"])[-4:].any()


def exact(hits: int, n: int) -> tuple[float, float]:
    """Both ends, as few misses ask for."""
    found = binomtest(hits, n).proportion_ci(0.95, method="exact")
    return found.low, found.high


@installed
@pytest.mark.full
def test_a_seeded_sample_of_distinct_rows_is_attacked(reader: Trained) -> None:
    """`examples` rows, none twice; the same for the same seed, others for another; all rows where there are fewer."""
    frame = letters(60, 3)
    first, again, other = (attacked(frame, reader, seed, examples=15) for seed in (0, 0, 1))
    assert first.rows == len(set(first.table["id"])) == 15
    assert list(first.table["id"]) == list(again.table["id"]) != list(other.table["id"])
    assert first.members == again.members
    assert first.examples == again.examples
    check = catalog.discover()[ID]
    seen = subject(frame, candidate=reader)
    assert check.expected_rows(seen, check.params.model_validate({"examples": 15})) == 15
    assert check.expected_rows(seen, check.params.model_validate({})) == 60


@installed
@pytest.mark.full
def test_a_rows_fate_depends_on_its_id_and_not_on_its_place(reader: Trained) -> None:
    """Rows shuffled: each ends as before, since its stream is its id's."""
    frame = letters(30, 4)
    fate = [pd.DataFrame(dict(attacked(rows, reader).table)).set_index("id") for rows in (frame, frame.sample(frac=1.0, random_state=0))]
    pd.testing.assert_frame_equal(fate[0], fate[1].loc[fate[0].index])


@installed
@pytest.mark.full
def test_many_attacks_share_a_batch(reader: Trained) -> None:
    """The model is called a few dozen times for thousands of queries."""
    reader.batches.clear()
    found = attacked(letters(60, 5), reader)
    assert int(np.asarray(found.table["queries"]).sum()) > 20 * len(reader.batches)


@installed
@pytest.mark.full
def test_examples_show_broken_rows_with_the_changed_words_marked(reader: Trained) -> None:
    """At most five, each with a deleted and an inserted word, each of a row that the table calls lost; what few texts hold is masked."""
    found = attacked(letters(400, 6), reader, examples=60)
    lost = {str(row) for row, survived in zip(found.table["id"], found.table["survived"], strict=True) if not survived}
    assert 1 <= len(found.examples) <= 5
    for example in found.examples:
        assert example.row in lost
        assert {part.mark for part in example.parts} >= {"deleted", "inserted"} or Part("rare word", "mask") in example.parts
        assert " after " in example.note
    assert any({"deleted", "inserted"} <= {part.mark for part in example.parts} for example in found.examples)


@installed
@pytest.mark.full
def test_a_budget_is_said_to_weaken_the_attack(reader: Trained) -> None:
    """With `max_queries` no attack asks for more, at least as many rows survive, and a note says so."""
    frame = letters(40, 7)
    full, cut = attacked(frame, reader), attacked(frame, reader, max_queries=6)
    assert np.asarray(cut.table["queries"]).max() <= 6
    assert cut.members[0].estimate.value > full.members[0].estimate.value
    assert any("weaker than published" in note for note in cut.notes)
    assert not any("weaker" in note for note in full.notes)
    assert any("stop words" in note for note in full.notes)


@installed
@pytest.mark.full
def test_rows_of_one_entity_widen_the_interval(reader: Trained) -> None:
    """With `columns.group` the interval counts entities."""
    frame = letters(60, 8).assign(customer=np.repeat(np.arange(15), 4))
    estimate = measure(ID, subject(frame, candidate=reader, group="customer")).members[0].estimate
    assert estimate.support == 15


@installed
@pytest.mark.full
def test_one_crashing_attack_is_an_error_of_the_check(reader: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that breaks on one of the misspelt texts breaks the check: no row is dropped."""
    frame, answer = letters(20, 9), reader.answer
    seen = subject(frame, candidate=reader)
    seen.y_pred()

    def fragile(inputs: Texts) -> Outputs:
        if any("[UNK]" in text for text in inputs.texts):
            msg = "cannot read this"
            raise ArithmeticError(msg)
        return answer(inputs)

    monkeypatch.setattr(reader, "answer", fragile)
    with pytest.raises(ArithmeticError, match="cannot read this"):
        measure(ID, seen)


@installed
@pytest.mark.full
@pytest.mark.parametrize("threshold", [0.1, 0.9])
def test_the_models_own_rule_decides(reader: Trained, threshold: float) -> None:
    """A threshold far from one half: a row is attacked where `predict` is right, and lost where `predict` changes its mind."""
    own, frame = cautious(reader, threshold, "urgent"), letters(60, 13)
    found = attacked(frame, own)
    table = pd.DataFrame(dict(found.table)).set_index("id").loc[frame["id"]]
    right = own.model.predict(frame["text"]) == frame["label"].to_numpy()
    assert found.context[0].estimate == Proportion(int(right.sum()), 60)
    assert (right != (reader.model.predict(frame["text"]) == frame["label"].to_numpy())).any()
    assert ((table["queries"] > 1) == right).all()
    assert (table["survived"] == (right & (table["prediction_attacked"] == table["label"]))).all()
    assert 0 < found.members[0].estimate.value < right.mean()


SHORT = ["\U0001f44d \U0001f600", "\u597d \u7231", "a b c", "I", "1 2 3"]
"""No word of two characters."""


@installed
@pytest.mark.full
@pytest.mark.parametrize(("short", "inconclusive"), [(1, False), (6, True), (40, True)])
def test_rows_that_the_attack_cannot_change_are_counted_and_bar_a_pass(short: int, *, inconclusive: bool) -> None:
    """Of 40 rows that are right: up to 5 % are told, more bar a pass, whatever the bound; a fail is still a fail."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    long = ("answer this letter tonight please {}", "zzzz zzzz zzzz zzzz zzzz {}")
    texts = [f"{SHORT[number % len(SHORT)]} {number % 10}" if number < short else long[number % 2].format(number) for number in range(40)]
    labels = ["other" if "zzzz" in text else "urgent" for text in texts[:-1]] + ["other"]
    texts[-1] = "z z" if short == 40 else texts[-1]
    frame = pd.DataFrame({"id": range(40), "text": texts, "label": labels})
    model = make_pipeline(TfidfVectorizer(analyzer="char"), LogisticRegression(C=100)).fit(texts, labels)
    found = attacked(frame, Trained(model, Texts))
    assert int((~np.asarray(found.table["changed"])).sum()) == short
    assert any(f"{short} of the 40 attacked rows hold no word" in note for note in found.notes)
    assert found.members[0].estimate.value == 1.0
    assert status(ID, found, min=0.5) == ("inconclusive" if inconclusive else "pass")
    assert bool(found.unmeasured) == inconclusive


@installed
@pytest.mark.full
def test_a_budget_too_small_for_a_single_change_bars_a_pass(reader: Trained) -> None:
    """The queries go into ranking the words: nothing is attacked, nothing is shown."""
    found = attacked(letters(40, 7), reader, max_queries=2)
    assert not np.asarray(found.table["changed"]).any()
    assert status(ID, found, min=0.1) == "inconclusive"
    assert not measure(ID, subject(letters(40, 7), candidate=reader), max_queries=2, max_unattackable=1.0).unmeasured


@installed
@pytest.mark.full
def test_saved_predictions_cannot_be_attacked() -> None:
    """There is no model to ask: CannotMeasure, with what would settle it."""
    frame = letters(20, 10)
    with pytest.raises(CannotMeasure, match="load the model itself"):
        measure(ID, subject(frame.assign(prediction=frame["label"])))


def test_without_textattack_the_extra_is_named(reader: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """MissingExtra says what to install."""
    _textattack._import.cache_clear()
    monkeypatch.setattr(_textattack, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r"model-audit-gate\[attacks\]"):
        attacked(letters(20, 11), reader)


@pytest.mark.parametrize("params", [{"examples": 0}, {"max_queries": 0}, {"rows": 5}])
def test_bad_parameters_are_refused(reader: Trained, params: dict[str, Any]) -> None:
    """No rows, no queries, a misspelt parameter."""
    with pytest.raises(ValueError, match="validation error"):
        measure(ID, subject(letters(20, 12), candidate=reader), **params)


@installed
def test_without_a_row_to_attack_the_library_stays_on_disk(reader: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing it takes seconds: where every row is wrong to begin with there is nothing to ask it."""
    monkeypatch.setattr(_textattack, "load", lambda: pytest.fail("imported"))
    frame = letters(40, 1)
    given = subject(frame, candidate=reader).y_pred()
    frame["label"] = [next(one for one in reader.classes if one != label) for label in given]
    found = attacked(frame, reader)
    assert found.members[0].estimate == Proportion(0, 40)
    assert not found.notes
