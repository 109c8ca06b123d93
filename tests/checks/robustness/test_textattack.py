"""textattack runs where there is no network, leaves the machine as it was, and finds what its own Attacker finds."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import warnings
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from audit import seeds
from audit.candidates.predictions import Predictions
from audit.checks.robustness import _scheduler, _textattack
from tests.small_models import letter_reader, letters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.small_models import Trained

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(find_spec("textattack") is None, reason="textattack comes with the extra `attacks`"),
]

FRESH = """
import json, logging, os, socket
def refused(*_args, **_kwargs):
    raise AssertionError("the network was asked for")
socket.socket.connect = refused
from audit import disk_cache
before = dict(os.environ)  # with the kernels that `audit` asks Intel's library for
from audit.checks.robustness import _textattack
library = _textattack.load()
silent = disk_cache.LOG.disabled or logging.getLogger("audit").disabled  # a dependency disables every logger at import
print(json.dumps({"same": dict(os.environ) == before, "silent": silent, "version": library.version, "of": library.stop_words_of}))
"""


def seeded_as_attacker(seed: int) -> seeds.GlobalStream:
    """A stream that starts where `random.seed` and `numpy.random.seed` do: the Attacker knows no other way."""
    stream = seeds.GlobalStream((seed,))
    stream._python, stream._numpy = random.Random(seed).getstate(), np.random.RandomState(seed).get_state(legacy=False)  # noqa: S311  # as textattack
    return stream


def test_import_in_an_empty_home_asks_no_network_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Empty HOME, sockets refused, every warning an error: it loads, home and environment stay as they are, and loggers are heard."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
    }
    environment |= {"MPLCONFIGDIR": str(tmp_path / "mpl")}  # matplotlib would make a folder in HOME
    done = subprocess.run([sys.executable, "-W", "error", "-c", FRESH], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    library = _textattack.load()
    assert json.loads(done.stdout) == {"same": True, "silent": False, "version": library.version, "of": library.stop_words_of}
    assert list(home.rglob("*")) == []
    assert list(temporary.glob("audit-*")) == []


def test_loading_twice_is_loading_once() -> None:
    """The second call gives the same library."""
    assert _textattack.load() is _textattack.load()


@pytest.mark.parametrize("live", [1, 5, 64])
def test_outcomes_are_those_of_textattacks_own_attacker(live: int) -> None:
    """Text, class, success and queries of 24 attacks: ours in lockstep, theirs one by one with the same seeds."""
    library, model, rows = _textattack.load(), letter_reader(), letters(24, 5)
    from textattack import AttackArgs, Attacker  # only now: loading is what makes its import safe
    from textattack.attack_results import SuccessfulAttackResult
    from textattack.datasets import Dataset

    pairs = [(text, model.classes.index(label)) for text, label in zip(rows["text"], rows["label"], strict=True)]
    jobs = [_scheduler.Job(partial(library.deepwordbug, *pair), seeded_as_attacker(number)) for number, pair in enumerate(pairs)]
    ours = _scheduler.run(jobs, asking(model), live=live)
    recipe = theirs_alone(model.score_texts)
    for number, (pair, outcome) in enumerate(zip(pairs, ours, strict=True)):
        arguments = AttackArgs(random_seed=number, disable_stdout=True, silent=True)
        with seeded_as_attacker(number).installed(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (result,) = Attacker(recipe, Dataset([pair]), arguments).attack_dataset()
        theirs = result.perturbed_result
        assert outcome.text == theirs.attacked_text.text
        assert (outcome.predicted, outcome.queries) == (theirs.output, theirs.num_queries)
        assert outcome.broken == (isinstance(result, SuccessfulAttackResult) or outcome.queries == 1)
    assert 0 < sum(outcome.broken for outcome in ours) < len(ours)


def asking(model: Trained) -> _scheduler.Ask:
    return _scheduler.asking(Predictions(model))


def theirs_alone(score: object) -> object:
    """The recipe built by textattack itself around the same model, with the same stop words."""
    from textattack.attack_recipes import DeepWordBugGao2018
    from textattack.models.wrappers import ModelWrapper

    class Wrapper(ModelWrapper):  # type: ignore[misc]  # textattack comes without types
        model = None

        def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
            return score(texts)  # type: ignore[no-any-return, operator]  # any callable

    with warnings.catch_warnings(), _textattack._stop_words(_textattack.load().stop_words):
        warnings.simplefilter("ignore")
        return DeepWordBugGao2018.build(Wrapper())


def test_scores_that_miss_one_by_rounding_are_taken_for_probabilities() -> None:
    """32-bit softmax rows miss 1 by a few 1e-7; textattack would take a whole batch for logits where one row misses by 1e-6."""
    library, model, rows = _textattack.load(), letter_reader(), letters(8, 6)

    def blurred(texts: Sequence[str]) -> NDArray[np.float64]:
        answers: NDArray[np.float64] = asking(model)(texts) * np.array([1 + 4e-6, 1 + 4e-6, 1])
        return answers

    def outcomes(score: _scheduler.Ask) -> list[_textattack.Outcome]:
        jobs = [_scheduler.Job(partial(library.deepwordbug, text, 0), seeds.GlobalStream((1,))) for text in rows["text"]]
        return _scheduler.run(jobs, score)

    assert outcomes(blurred) == outcomes(asking(model))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "!!!",
        "\U0001f642",
        "[UNK] [MASK]",
        "'--'",
        "a\nb\tc\r\n d",
        'don\'t "stop" @me #tag',
        "é ß ﬀ İstanbul",
        "{0} %s \\d+ (a|b)*",
        "\x00 bell",
        "one <SPLIT> two",
        "<SPLIT>",
    ],
)
def test_odd_texts_are_attacked_too(text: str) -> None:
    """No word, no letter, control characters, braces: an outcome, not a crash."""
    model = letter_reader()
    label = int(model.score_texts([text]).argmax())
    stream = seeds.GlobalStream(seeds.words(0, text))
    (outcome,) = _scheduler.run([_scheduler.Job(lambda ask: _textattack.load().deepwordbug(text, label, ask), stream)], asking(model))
    assert outcome.queries >= 1
    assert outcome.broken == (outcome.predicted != label)


def test_a_mark_of_textattacks_own_is_a_word_like_any_other() -> None:
    """What stands behind `<SPLIT>` is attacked and scored too, just as behind another word in its place."""
    library, model, asked = _textattack.load(), letter_reader(), list[str]()

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        asked.extend(texts)
        return asking(model)([text.replace("SPLIT", "SPAIN") for text in texts])

    found = {}
    for word in ("SPLIT", "SPAIN"):
        text = f"the first part <{word}> hurry now and today"
        with seeds.GlobalStream((3,)).installed():
            found[word] = library.deepwordbug(text, int(score([text])[0][-1]), score)
    assert all(text.count(" ") == 7 for text in asked)
    assert found["SPLIT"].queries == found["SPAIN"].queries
    assert found["SPLIT"].broken == found["SPAIN"].broken


def test_a_query_budget_is_kept() -> None:
    """No attack asks for more texts than it may."""
    model, rows = letter_reader(), letters(10, 8)
    for text, label in zip(rows["text"], rows["label"], strict=True):
        with seeds.GlobalStream((3,)).installed():
            outcome = _textattack.load().deepwordbug(text, model.classes.index(label), asking(model), max_queries=12)
        assert outcome.queries <= 12
