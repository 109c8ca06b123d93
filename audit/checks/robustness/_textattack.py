"""textattack without a network: imported with its downloads unplugged, and built into attacks that ask our own model."""

from __future__ import annotations

import atexit
import copy
import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from audit.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.checks.robustness._scheduler import Ask

_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attack ended."""

    text: str
    """The last text tried: the adversarial one where the attack succeeded."""
    predicted: int
    """Class of that text, as an index."""
    broken: bool
    """Whether the model gives the last text another label than the one that the attack was to turn."""
    tried: bool
    """Whether any changed text was put to the model: without one, an unbroken row has withstood nothing."""
    queries: int
    """Texts whose scores the attack asked for."""


@dataclass(frozen=True, slots=True)
class TextAttack:
    """The library, ready to build attacks."""

    version: str
    stop_words: frozenset[str]
    stop_words_of: str
    """`NLTK` or `scikit-learn`."""
    recipe: Any
    """DeepWordBugGao2018 as the library builds it, still without a model."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of this machine's set-up."""
        note = f"Words that are never changed: {self.stop_words_of}'s {len(self.stop_words)} English stop words"
        return (f"{note}.",) if self.stop_words_of == "NLTK" else (f"{note}; NLTK's, which textattack uses, are not on this machine.",)

    def deepwordbug(self, text: str, label: int, ask: Ask, *, max_queries: int | None = None) -> Outcome:
        """One attack by the recipe DeepWordBugGao2018, as published."""
        attack = copy.deepcopy(self.recipe)  # an attack keeps counts and caches of its own
        victim = attack.goal_function.model = _Victim(ask)
        attack.search_method.get_transformations = victim.watching(attack.search_method.get_transformations)
        attack.goal_function.batch_size = sys.maxsize  # the scheduler cuts the batches
        if max_queries is not None:
            attack.goal_function.query_budget = max_queries
        found = attack.attack(text, label).perturbed_result
        predicted = int(found.output)
        return Outcome(found.attacked_text.text, predicted, predicted != label, victim.tried, int(attack.goal_function.num_queries))


class _Victim:
    """The model as textattack calls it."""

    def __init__(self, ask: Ask) -> None:
        self._ask, self._changed = ask, set[str]()
        self.tried = False

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n, k + 1) probabilities, and the label's place."""
        self.tried = self.tried or not self._changed.isdisjoint(texts)
        return self._ask(texts)

    def watching(self, transform: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        """The same changes of a text, noted: texts with a word left out, by which an attack ranks the words, are none."""

        def watched(*arguments: Any, **named: Any) -> list[Any]:
            found = transform(*arguments, **named)
            self._changed.update(text.tokenizer_input for text in found)
            return found

        return watched


def load() -> TextAttack:
    """textattack, imported once; nothing is downloaded and the environment is as before. MissingExtra where it is not installed."""
    with _LOCK:
        return _import()


def installed_version() -> str:
    """Told without an import, which takes seconds. MissingExtra where it is not installed."""
    if find_spec("textattack") is None:
        raise MissingExtra("textattack", "attacks")
    return version("textattack")


@cache
def _import() -> TextAttack:
    told = installed_version()
    folder = tempfile.mkdtemp(prefix="audit-textattack-")  # textattack and matplotlib, which it imports, keep this name for their caches
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder, "post_install_check_3").touch()  # else it tries six downloads
    with warnings.catch_warnings(), _environment(TA_CACHE_DIR=folder), _loggers_left_on():
        warnings.simplefilter("ignore")  # of its dependencies at import, and of each model class that textattack does not know
        words, words_of = _english()
        with _stop_words(words), _replaced("nltk", "download", lambda *_args, **_kwargs: True):
            from textattack.attack_recipes import DeepWordBugGao2018
            from textattack.shared import AttackedText, logger

            logger.setLevel(logging.ERROR)
            # its mark between two inputs would cut off the rest of a text that says `<SPLIT>`: half of a surrogate pair is in no text
            AttackedText.SPLIT_TOKEN = "\ud800"  # noqa: S105  # no password
            recipe = _by_the_models_label(DeepWordBugGao2018.build(SimpleNamespace(model=None)))
    return TextAttack(told, words, words_of, recipe)


def _by_the_models_label(recipe: Any) -> Any:
    """The attack with the model's own decision rule as its goal: textattack's takes the largest probability for the label."""
    from textattack import Attack
    from textattack.goal_functions import UntargetedClassification

    class OtherLabel(UntargetedClassification):  # type: ignore[misc]  # textattack comes without types
        def _process_model_outputs(self, _texts: Any, answers: Any) -> Any:
            return answers

        def _is_goal_complete(self, answer: Any, _text: Any) -> bool:
            return bool(self._get_displayed_output(answer) != self.ground_truth_output)

        def _get_displayed_output(self, answer: Any) -> int:
            return int(answer[-1])

    constraints = [*recipe.pre_transformation_constraints, *recipe.constraints]
    return Attack(OtherLabel(recipe.goal_function.model), constraints, recipe.transformation, recipe.search_method)


@contextmanager
def _loggers_left_on() -> Iterator[None]:
    """One of its dependencies switches off every logger that is there when it is imported; ours must go on telling."""
    named = {name: one for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)}
    on = [one for one in named.values() if not one.disabled]
    try:
        yield
    finally:
        for one in on:
            one.disabled = False


def _english() -> tuple[frozenset[str], str]:
    """NLTK's English stop words where they are on this machine, else scikit-learn's; not the same list."""
    import nltk

    try:
        return frozenset(nltk.corpus.stopwords.words("english")), "NLTK"
    except LookupError:
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return frozenset(ENGLISH_STOP_WORDS), "scikit-learn"


def _stop_words(words: frozenset[str]) -> AbstractContextManager[None]:
    """`nltk.corpus.stopwords` with these words: textattack reads them at import and each time it builds the recipe."""
    return _replaced("nltk.corpus", "stopwords", SimpleNamespace(words=lambda _language: sorted(words)))


@contextmanager
def _replaced(module: str, name: str, value: Any) -> Iterator[None]:
    holder = import_module(module)
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """These variables set, and all that happens to the environment undone: textattack moves the caches of other libraries.

    The libraries that read their caches' places at import are imported before.
    """
    before = dict(os.environ)
    import datasets  # noqa: F401  # imported for its effect
    import flair  # noqa: F401  # imported for its effect
    import transformers  # noqa: F401  # imported for its effect

    os.environ.update(variables)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
