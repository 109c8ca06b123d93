"""Small real models, trained on the spot, in the shape of a candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.candidates import Outputs
from audit.candidates.capabilities import Labels, Queries, Scores, find
from audit.datasets.column_store import Table, Texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.datasets import Dataset
    from audit.datasets.column_store import Inputs


@dataclass
class Trained:
    """A fitted scikit-learn pipeline as a candidate; it counts the calls and texts that it is asked for."""

    model: Any
    reads: type[Inputs]
    scores: bool = True
    """Whether it gives probabilities."""
    kind: str = "sklearn"
    sha256: str = "digest-of-model"
    parameters: int | None = None
    description: str = "trained for a test"
    folder: None = None
    batches: list[int] = field(default_factory=list)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.model.classes_)

    def predict(self, dataset: Dataset) -> Outputs:
        return self._answers(dataset.texts() if self.reads is Texts else dataset.cells.frame(list(dataset.feature_names())))

    def get(self, capability: type[C]) -> C | None:
        return find((Labels(), Queries(self.reads, self.answer), *((Scores(),) if self.scores else ())), capability)

    def answer(self, inputs: Inputs) -> Outputs:
        if isinstance(inputs, Table):
            return self._answers(inputs.frame)
        self.batches.append(len(inputs))
        return self._answers(list(inputs.texts))

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities, straight from the model."""
        return np.asarray(self.model.predict_proba(list(texts)))

    def _answers(self, rows: Any) -> Outputs:
        table = np.asarray(self.model.predict_proba(rows)) if self.scores else None
        return Outputs(np.array([str(label) for label in self.model.predict(rows)], dtype=object), table)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        return ()


HURRY = (
    "please answer today",
    "my rent is due tomorrow",
    "the money must be there tonight",
    "I cannot wait any longer",
    "stop this payment now",
)
CALM = ("no need to hurry", "whenever you find the time", "just a small question", "thank you for the kind letter", "next month will do")
ABOUT = (
    "the card",
    "my savings account",
    "a transfer to my sister",
    "the branch in Leeds",
    "the new mobile app",
    "an odd fee of 12 pounds",
)


def letters(rows: int, seed: int) -> pd.DataFrame:
    """Short letters that hurry or do not; one in ten is labelled wrongly."""
    rng = np.random.default_rng(seed)
    hurried = rng.random(rows) < 0.5
    texts = [
        f"About {rng.choice(ABOUT)}: {rng.choice(HURRY if one else CALM)}, {rng.choice(('regards', 'yours', 'thanks'))}." for one in hurried
    ]
    label = np.where(hurried ^ (rng.random(rows) < 0.1), "urgent", "other")
    return pd.DataFrame({"id": [f"r{i}" for i in range(rows)], "text": texts, "label": label})


def letter_reader(seed: int = 0) -> Trained:
    """Word counts and a logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train = letters(300, seed + 1000)
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10.0, random_state=0))
    return Trained(model.fit(train["text"], train["label"]), Texts)


def cautious(reader: Trained, threshold: float, positive: str) -> Trained:
    """The same model with a decision rule of its own: positive from a threshold on."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.model_selection import FixedThresholdClassifier

    fixed = FixedThresholdClassifier(FrozenEstimator(reader.model), threshold=threshold, pos_label=positive)
    rows = customers(60, 0) if reader.reads is Table else letters(60, 0)
    given = rows.drop(columns="label") if reader.reads is Table else rows["text"]
    return Trained(fixed.fit(given, rows["label"]), reader.reads, reader.scores)


def customers(rows: int, seed: int) -> pd.DataFrame:
    """Numbers, whole numbers, flags and categories, with holes, and a label that depends on all of them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.normal(30.0, 8.0, rows).round(2),
            "years": rng.integers(0, 40, rows),
            "member": rng.integers(0, 2, rows),
            "channel": rng.choice(["shop", "web", "phone"], rows),
        }
    )
    score = (frame["income"] - 30) / 8 + (frame["years"] - 20) / 10 + frame["member"] + (frame["channel"] == "web")
    frame["label"] = np.where(score + rng.normal(0, 0.5, rows) > 1, "yes", "no")
    frame.loc[rng.random(rows) < 0.05, "channel"] = None
    return frame


def customer_reader(seed: int = 0) -> Trained:
    """A small forest over numbers and categories."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    train = customers(400, seed + 1000)
    columns = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["channel"]), remainder="passthrough")
    model = make_pipeline(columns, RandomForestClassifier(20, max_depth=6, random_state=0))
    return Trained(model.fit(train.drop(columns="label"), train["label"]), Table)
