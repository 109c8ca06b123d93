"""Cases of `benchmarks.drift_power` on texts and given a context, and when a check, or alibi-detect, detects a change."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from audit.candidates.capabilities import Embeddings, find
from audit.candidates.saved import SavedPredictions
from audit.checks.drift import _alibi
from audit.testing import dataset, measure, subject
from benchmarks.trials import percent, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.subject import Subject

ROWS, ALPHA, TEXTS = 200, 0.025, 100
COMPLAINTS = Path(__file__).resolve().parents[1] / "fixtures" / "complaints"
POOL = {"test": 300, "production": 150}
"""Texts of each month: those of production speak of a storm, a new app and a tariff reform."""
TEXT_CHECKS: dict[str, tuple[str, float, str | None]] = {
    "mmd": ("drift/mmd", 0.0, "MMDDrift"),
    "embedding_drift": ("drift/embedding_drift", 0.0, None),
    "classifier": ("drift/classifier_two_sample", 0.5, "ClassifierDrift"),
    "text_surface": ("drift/text_surface", 0.0, None),
}
CONTEXT_CHECKS: dict[str, tuple[str, dict[str, Any]]] = {
    "ks": ("drift/ks", {}),
    "psi": ("drift/psi", {}),
    "chi_squared": ("drift/distance", {"statistic": "chi_squared"}),
    "jensen_shannon": ("drift/distance", {"statistic": "jensen_shannon"}),
    "hellinger": ("drift/distance", {"statistic": "hellinger"}),
    "mmd": ("drift/mmd", {}),
}
FEATURES = [f"x{i}" for i in range(5)]
MIDDLE = 0.5
"""Where a feature is cut into two categories."""
CONTEXT_CHANGES = ("mix", "and shift", "mix, blind")


def show(share: float | None) -> str:
    """In percent; empty where there is none."""
    return "" if share is None else percent(share)


def finds(check: str, seen: Subject, null: float, seed: int, **params: Any) -> bool:
    """Whether the corrected lower end of some member lies above no change."""
    members = measure(check, seen, seed, **params).members
    return any(member.estimate.bounds(ALPHA / len(members), ALPHA)[0] > null for member in members)


def p_value(check: str, seen: Subject, seed: int, **params: Any) -> float:
    """Of the permutations of drift/mmd."""
    (note,) = [note for note in measure(check, seen, seed, **params).notes if note.startswith("Is there a change: p = ")]
    return float(note.split("p = ")[1].split(",")[0])


def alibi_finds(detector: str, before: NDArray[Any], now: NDArray[Any], seed: int, **more: Any) -> bool:
    """Whether alibi-detect says drift."""
    from alibi_detect import cd

    settings: dict[str, Any] = {
        "MMDDrift": {"backend": "pytorch", "n_permutations": 200, "device": "cpu"},
        "ClassifierDrift": {"backend": "sklearn", "preds_type": "probs", "binarize_preds": False, "n_folds": 5, "seed": seed},
    }
    found = getattr(cd, detector)(before, p_val=ALPHA, **settings.get(detector, {}), **more).predict(now)
    return bool(found["data"]["is_drift"])


class Embedded(SavedPredictions):
    """Saved predictions with embeddings that were worked out before."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """As the pool holds them."""
        known = dict(zip(pool()[0]["text"], pool()[1], strict=True))
        return np.array([known[text] for text in texts])

    def get(self, capability: type[C]) -> C | None:
        """Embeddings, and what saved predictions can do."""
        return find((Embeddings(self.embed_texts),), capability) or super().get(capability)


@cache
def pool() -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Generated complaints, and their embeddings by MiniLM."""
    from audit.candidates.encoder import Encoder
    from audit.candidates.folder import ModelFolder
    from audit.finetune.base import base_folder

    months = [
        pd.read_parquet(COMPLAINTS / f"{name}.parquet", columns=["text"]).head(count).assign(month=name) for name, count in POOL.items()
    ]
    rows = pd.concat(months).drop_duplicates("text").reset_index(drop=True)
    return rows, Encoder(ModelFolder(base_folder("minilm")), max_length=64).embed(rows["text"].tolist())


def texts(trials: int) -> str:
    """The table of texts."""
    rows, embedded = pool()
    old, new = (np.flatnonzero(rows["month"] == name) for name in POOL)
    hits: dict[tuple[str, str], list[bool]] = {}
    for column, share in (("none", 0.0), ("topic", 0.3)):
        rng = np.random.default_rng(round(100 * share))
        for trial in range(trials):
            sides = [_drawn(rng, new, old, part) for part in (0.0, share)]
            frames = [rows.loc[side, ["text"]].assign(prediction="a").reset_index(drop=True) for side in sides]
            seen = subject(frames[1], reference=frames[0], candidate=Embedded({"test": dataset(frames[1])}))
            for name, (check, null, detector) in TEXT_CHECKS.items():
                hits.setdefault((name, column), []).append(finds(check, seen, null, trial))
                if name == "mmd":
                    hits.setdefault(("mmd p", column), []).append(p_value(check, seen, trial) <= ALPHA)
                if detector:
                    model = {"model": _logistic(trial)} if detector == "ClassifierDrift" else {}
                    found = alibi_finds(detector, embedded[sides[0]], embedded[sides[1]], trial, **model)
                    hits.setdefault((detector, column), []).append(found)
    lines = []
    for name, (_, _, detector) in TEXT_CHECKS.items():
        made = [(name, name, "audit"), *([("mmd p", "", "audit, p")] if name == "mmd" else [])]
        made += [(detector, "", f"alibi-detect {detector}")] if detector else []
        lines += [
            (head, by, str(trials), *(show(float(np.mean(hits[key, column]))) for column in ("none", "topic"))) for key, head, by in made
        ]
    return table(("detector", "by", "trials", "none", "topic"), lines)


def _drawn(rng: Generator, new: NDArray[np.intp], old: NDArray[np.intp], share: float) -> NDArray[np.intp]:
    first = round(share * TEXTS)
    return np.concatenate([rng.choice(new, first, replace=False), rng.choice(old, TEXTS - first, replace=False)])


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=500, random_state=seed)


def stores(rng: Generator, moved: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The reference and the current rows: five features, of which two lie 2 higher in the second store."""
    frames = []
    for share, by in ((0.3, 0.0), (0.7, moved)):
        second = rng.random(ROWS) < share
        rows = rng.normal(size=(ROWS, 5))
        rows[:, :2] += 2.0 * second[:, None]
        rows[:, 2] += by * second
        frames.append(pd.DataFrame(rows).add_prefix("x").assign(store=np.where(second, "b", "a"), prediction="p"))
    return frames[0], frames[1]


def contexts(trials: int) -> str:
    """The table of checks that are told of the store."""
    lines: list[tuple[str, ...]] = []
    for name, (check, params) in CONTEXT_CHECKS.items():
        few = min(trials, 12)
        kinds = [("audit", trials), *([("audit, p", trials), ("alibi-detect ContextMMDDrift", few)] if name == "mmd" else [])]
        for by, times in kinds:
            shares = [_share(by, check, params, change, times) for change in CONTEXT_CHANGES]
            lines.append((name if by == "audit" else "", by, str(times), *map(show, shares)))
    return table(("detector", "by", "trials", *CONTEXT_CHANGES), lines)


def _share(by: str, check: str, params: dict[str, Any], change: str, trials: int) -> float | None:
    rng, hits = np.random.default_rng(CONTEXT_CHANGES.index(change)), 0
    blind = change == "mix, blind"
    if blind and by.startswith("alibi"):
        return None
    for trial in range(trials):
        before, now = stores(rng, 0.8 if change == "and shift" else 0.0)
        if by.startswith("alibi"):
            hits += _conditional_p(before, now, trial) <= ALPHA
            continue
        if params.get("statistic") == "chi_squared":
            before, now = (_in_categories(side) for side in (before, now))
        seen = subject(now, reference=before)
        more = {"columns": FEATURES} if blind else {"context": ["store"]}
        hits += (
            p_value(check, seen, trial, **params, **more) <= ALPHA if by == "audit, p" else finds(check, seen, 0.0, trial, **params, **more)
        )
    return hits / trials


def _in_categories(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: np.where(rows[name] > MIDDLE, "high", "low") for name in FEATURES})


def _conditional_p(before: pd.DataFrame, now: pd.DataFrame, seed: int) -> float:
    rows = [side[FEATURES].to_numpy() for side in (before, now)]
    codes = np.concatenate([(side["store"] == "b").to_numpy().astype(np.int64) for side in (before, now)])
    return _alibi.conditional_p_value(rows[0], rows[1], codes, np.random.default_rng(seed))
