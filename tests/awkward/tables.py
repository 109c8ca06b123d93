"""Awkward tables and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tests.awkward.case import Case, answers, check, saved

if TYPE_CHECKING:
    from pathlib import Path

CHARACTERISTICS = ("valid_reliable", "safe", "secure_resilient", "explainable_interpretable", "privacy_enhanced", "fair_bias_managed")
FACTS: dict[str, Any] = dict.fromkeys(("purpose", "author", "rollback_plan", "limits"), "aa") | {
    "owner": {"contact": "a@b.c"},
    "out_of_scope": ["dd"],
    "affected": ["ee"],
}
TIER_ONE = dict.fromkeys(("benefits", "costs", "monitoring_plan", "decommissioning_plan", "risk_tolerance", "oversight"), "bb") | {
    "incident_contact": "mm",
    "feedback_channel": "nn",
    "legal_basis": ["jj"],
    "third_party": ["oo"],
}


def _advisory_beside_governance(folder: Path) -> None:
    saved(
        folder,
        answers(),
        {"check": "performance/accuracy", "min": 0.99, "enforce": "advisory"},
        {"check": "governance/declared_fields", "max": 0, "fields": ["policy.name"]},
        tier=3,
        system={"purpose": "x y", "owner": {"contact": "a@b.c"}},
    )


def _advisory_checks_as_cover(folder: Path) -> None:
    frame = answers()
    frame["gender"] = np.where(frame.index % 3, "m", "f")
    saved(
        folder,
        frame,
        {"check": "performance/accuracy", "min": 0.99, "enforce": "advisory"},
        {"check": "fairness/demographic_parity_difference", "by": ["gender"], "max": 0.0001, "enforce": "advisory"},
        {"check": "governance/declared_fields", "max": 0, "fields": ["policy.name"]},
        tier=2,
        datasets={"test": {"path": "test.csv", "source": "s", "licence": "l"}},
        system=FACTS,
        not_measured=dict.fromkeys(CHARACTERISTICS[1:5], "x1"),
    )


def _governance_only(folder: Path) -> None:
    facts = {"purpose": "x y", "owner": {"contact": "a@b.c"}}
    saved(folder, answers(), {"check": "governance/declared_fields", "max": 0, "severity": "low"}, tier=3, system=facts)


def _reasons_without_content(folder: Path) -> None:
    saved(
        folder,
        answers(),
        {"check": "governance/declared_fields", "max": 0},
        tier=1,
        datasets={"test": {"path": "test.csv", "source": "s", "licence": "l"}},
        system=FACTS | TIER_ONE,
        not_measured=dict.fromkeys(CHARACTERISTICS, "x1"),
    )


def _blank_comment(folder: Path) -> None:
    rows = np.arange(300)
    comment = np.where(rows % 17, "", "called back")
    frame = {"label": rows % 2, "prediction": rows % 2, "age": 20 + rows % 50, "income": 1000 + 7 * rows, "comment": comment}
    pd.DataFrame(frame).to_csv(folder / "t.csv", index=False)


def _blank_slice(folder: Path) -> None:
    saved(folder, answers().assign(gender=""), {"check": "performance/accuracy", "by": ["gender"], "min": 0.85})


def _two_spellings(folder: Path) -> None:
    groups = (("F", "approved", 120), ("F", "denied", 280), ("M", "Approved", 120), ("M", "approved", 120), ("M", "denied", 160))
    rows = [(said.lower(), said, sex) for sex, said, count in groups for _ in range(count)]
    saved(
        folder,
        pd.DataFrame(rows, columns=["label", "prediction", "sex"]),
        {"check": "fairness/demographic_parity_difference", "by": ["sex"], "max": 0.10},
        columns={"label": "label", "prediction": "prediction", "positive": "approved", "sensitive": ["sex"]},
    )


def _every_answer(word: Any) -> Any:
    return lambda folder: saved(folder, answers().assign(label=word, prediction=word))


def _half_the_answers(word: str) -> Any:
    return lambda folder: saved(folder, answers().assign(**dict.fromkeys(("label", "prediction"), ["1", word] * 300)))


def _durations(folder: Path) -> None:
    """A quarter of the rows have no value; where there is one, the prediction is 250 seconds off."""
    rows = np.arange(400)
    label = pd.Series(pd.to_timedelta(3000 + rows, unit="s")).mask(rows % 4 == 0)
    frame = pd.DataFrame({"label": label, "prediction": label + pd.to_timedelta(np.where(rows % 2, 250, -250), unit="s")})
    frame.to_parquet(folder / "t.parquet")
    require = {"check": "performance/mean_absolute_error", "max": 220}
    candidate = {"task": "tabular-regression", "load": {"kind": "predictions"}}
    roles = {"label": "label", "prediction": "prediction"}
    saved(folder, answers(), require, datasets={"test": {"path": "t.parquet"}}, columns=roles, candidate=candidate)


def _units(folder: Path) -> None:
    """The label in seconds, the prediction in milliseconds: 3000 s against 3.1 s."""
    seconds = np.arange(3000, 3400)
    label, said = seconds.astype("timedelta64[s]"), (seconds + 100).astype("timedelta64[ms]")
    pd.DataFrame({"label": label, "prediction": said}).to_parquet(folder / "units.parquet")


def _moved_column(word: str) -> Any:
    """Column x has moved by 5000; two of its cells hold a word, or nothing."""

    def make(folder: Path) -> None:
        for name, start in (("ref", 0), ("cur", 5000)):
            rows = np.arange(400)
            x = pd.Series(start + rows).astype(str).mask(np.isin(rows, (7, 300)), word)
            pd.DataFrame({"x": x, "k": rows % 3}).to_csv(folder / f"{name}.csv", index=False)

    return make


def _weak_slice(word: str) -> Any:
    """Rows with an income above 40,000 are wrong six times in ten, the rest once in twelve."""

    def make(folder: Path) -> None:
        rng = np.random.default_rng(4)
        income = rng.normal(40_000, 10_000, 3000).round(2)
        label = rng.integers(0, 2, 3000)
        wrong = rng.random(3000) < np.where(income > 40_000, 0.6, 1 / 12)
        cells = pd.Series(income).astype(str).mask(np.isin(np.arange(3000), (40, 2000)), word)
        frame = {"label": label, "prediction": np.where(wrong, 1 - label, label), "income": cells, "region": rng.choice(["n", "s"], 3000)}
        pd.DataFrame(frame).to_csv(folder / "t.csv", index=False)

    return make


def _sales(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    frame = {"price": rng.permutation(np.arange(rows) + 10), "qty": rng.integers(1, 5, rows), "shop": rng.choice(["a", "b"], rows)}
    return pd.DataFrame(frame).assign(price=lambda t: t.price.map("{:.2f}".format), label=rng.integers(0, 2, rows))


def _null_beside_prices(folder: Path) -> None:
    train = _sales(450)
    train.to_csv(folder / "train.csv", index=False)
    test = train.head(150).copy()
    test.loc[0, "price"] = "NULL"
    test.to_csv(folder / "test.csv", index=False)


def _row_number(folder: Path) -> None:
    train = _sales(450)
    train.to_csv(folder / "train.csv")
    test = train.head(150).set_index(np.arange(1000, 1150))
    test.to_csv(folder / "test.csv")


def _one_row(folder: Path) -> None:
    saved(folder, pd.DataFrame({"label": [1] * 600, "prediction": 1, "x": 5}))


def _separated(separator: str) -> Any:
    def make(folder: Path) -> None:
        rows = [f"{row % 2}{separator}{row % 2}{separator}0{',' if separator == ';' else '.'}{2 + 6 * (row % 2)}" for row in range(60)]
        (folder / "t.csv").write_text("\n".join([separator.join(("label", "prediction", "score")), *rows]) + "\n")

    return make


def _blank_in_header(folder: Path) -> None:
    (folder / "t.csv").write_text("label, prediction\n" + "".join(f"{row % 2}, {row % 2}\n" for row in range(60)))


def _typography(folder: Path) -> None:
    texts = (
        *("IBAN DE89\xa03704\xa00044\xa00532\xa00130\xa000", "IBAN FR14\u202f2004\u202f1010\u202f0505\u202f0001\u202f3M02\u202f606"),
        *("IBAN DE89  3704  0044  0532  0130  00", "IBAN de89 3704 0044 0532 0130 00", "card 4111\xa01111\xa01111\xa01111"),
        *("card 4111\u20091111\u20091111\u20091111", "card 4111\u20111111\u20111111\u20111111", "card 4111–1111–1111–1111"),
        *("card 4111  1111  1111  1111", "card 4111.1111.1111.1111", "appelez le 06\xa012\xa034\xa056\xa078", "mail kim@ex\u200bample.com"),
        *("mail kim\u200b@example.com", "mail kim@\xadexample.com", "mail kim%40example.com", "mail kim&#64;example.com"),
        *("SSN 536\u201190\u20114399", "SSN 536\xa090\xa04399", "_kim@example.com_"),
    )
    saved(
        folder,
        pd.DataFrame({"id": range(len(texts)), "text": texts, "label": "a", "prediction": "a"}),
        {"check": "privacy/pii_in_text", "max": 0},
        columns={"id": "id", "text": "text", "label": "label", "prediction": "prediction"},
        candidate={"task": "text-classification", "load": {"kind": "predictions"}},
    )


def _large_target(folder: Path) -> None:
    rng = np.random.default_rng(3)
    label = rng.integers(10**16, 4 * 10**16, 200)
    frame = pd.DataFrame({"label": label, "prediction": label * (1 + rng.normal(0, 0.01, 200))})
    candidate = {"task": "tabular-regression", "load": {"kind": "predictions"}}
    roles = {"label": "label", "prediction": "prediction"}
    saved(folder, frame, {"check": "performance/r2", "min": 0.8}, columns=roles, candidate=candidate)


def _rounded(folder: Path) -> None:
    """Probabilities of two decimals; rows of three thirds sum to 0.99."""
    rng = np.random.default_rng(5)
    exact = np.vstack([np.full((10, 3), 1 / 3), rng.dirichlet([1, 1, 1], 80)])
    labels = [rng.choice(list("abc"), p=row) for row in exact]
    pd.DataFrame(exact.round(2), columns=list("abc")).assign(label=labels).to_csv(folder / "t.csv", index=False)


def _same_path(folder: Path) -> None:
    saved(folder, answers(), datasets={"test": {"path": "test.csv"}, "train": {"path": "test.csv"}})


def _command_in_a_cell(folder: Path) -> None:
    said = np.where(np.arange(200) % 2, "\n::error file=README.md,line=1::injected", "\n::warning::b")
    frame = {"id": range(200), "label": np.where(np.arange(200) % 2, "yes", "no"), "prediction": said, "score": 0.8}
    pd.DataFrame(frame).to_csv(folder / "test.csv", index=False)


LEAKAGE = check("data/train_test_leakage", "test.csv", "--dataset", "train=train.csv", "--max", "0")
SLICES = check("fairness/discovered_slices", "t.csv", "--max", "0.15")
ACCURACY = check("performance/accuracy", "t.csv", "--min", "0.5")
DRIFT = ("cur.csv", "--dataset", "reference=ref.csv", "--max", "0.1")

CASES = (
    Case("advisory-beside-governance", _advisory_beside_governance, 1, "model-unjudged"),
    Case("advisory-checks-count-as-cover", _advisory_checks_as_cover, 1, "characteristic-uncovered"),
    Case("governance-only", _governance_only, 1, "model-unjudged"),
    Case("reasons-without-content", _reasons_without_content, 1, "characteristic-uncovered"),
    Case("blank-comment-column", _blank_comment, 0, "", check("data/duplicates", "t.csv", "--max", "0")),
    Case("blank-comment-column, no text", _blank_comment, 0, "", check("data/duplicates", "t.csv", "--max", "0", "--column", "text=null")),
    Case("blank-slice-column", _blank_slice, 2, "'gender' is blank in all 600 rows"),
    Case("class-in-two-spellings", _two_spellings, 2, "'Approved'.*'approved'|'approved'.*'Approved'"),
    Case("constant-labels", _every_answer(1), 1, "class"),
    Case("durations-as-numbers", _durations, 2, "label.*row 1"),
    Case("durations in two units", _units, 2, "holds durations", check("performance/mean_absolute_error", "units.parquet", "--max", "200")),
    Case("infinite-labels", _every_answer("inf"), 2, "row"),
    Case("infinite-labels-in-half-the-rows", _half_the_answers("inf"), 2, "row 2 has 'inf'"),
    Case("nan-words-as-labels", _every_answer("nan"), 2, "row"),
    Case("nan-words-in-half-the-labels", _half_the_answers("nan"), 2, "row 2 has 'nan'"),
    Case("na-words-blind-drift, mmd", _moved_column("NA"), 1, "x: numbers in 398 of 400", check("drift/mmd", *DRIFT)),
    Case("na-words-blind-drift, ks", _moved_column("NA"), 1, "x: numbers in 398 of 400", check("drift/ks", *DRIFT)),
    Case("na-words-blind-drift, blank", _moved_column(""), 1, "", check("drift/ks", *DRIFT)),
    Case("na-words-hide-weak-slice", _weak_slice("NA"), 1, "income", SLICES),
    Case("na-words-hide-weak-slice, plain", _weak_slice("41000.5"), 1, "income", SLICES),
    Case("null-word-hides-leakage", _null_beside_prices, 1, r"\b149\b", LEAKAGE),
    Case("row-number-makes-leakage-vacuous", _row_number, 1, r"\b150\b", LEAKAGE),
    Case("one-row-600-times", _one_row, 1, "600"),
    Case("other-separators, semicolon", _separated(";"), 0, "1.000", ACCURACY),
    Case("other-separators, tab", _separated("\t"), 0, "1.000", ACCURACY),
    Case("other-separators, bar", _separated("|"), 0, "1.000", ACCURACY),
    Case("other-separators, blank in the header", _blank_in_header, 2, "' prediction' begins or ends with a blank", ACCURACY),
    Case("pii-typography", _typography, 1, "privacy/pii_in_text  1[2-9],"),
    Case("regression-of-large-numbers", _large_target, 0, r"r2 +0\.99"),
    Case("rounded-probabilities", _rounded, 0, "sum", check("performance/log_loss", "t.csv", "--max", "2", "--column", "scores=[a, b, c]")),
    Case("same-path-twice", _same_path, 1, "train"),
    Case(
        "workflow-command-in-a-cell",
        _command_in_a_cell,
        2,
        r"\\n::error",
        check("performance/roc_auc", "test.csv", "--min", "0.5", "--column", "positive=yes"),
    ),
)
