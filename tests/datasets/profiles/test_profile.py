"""Profiles of tables: exact counts, parts that merge into the whole, a small file, and nothing read from a file that is not sound."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.datasets import Columns
from audit.datasets.column_store import InMemory
from audit.datasets.columns import ReadOptions
from audit.datasets.file_bytes import Unreadable
from audit.datasets.identity import rows_sha256
from audit.datasets.kinds import kind_of
from audit.datasets.profiles import making, profile
from audit.datasets.profiles.cells import ProfiledCells
from audit.datasets.reading import read
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit.datasets.profiles.profile import Profile

HOSTILE = ["</script><b>", "=HYPERLINK(1)", "\x1b[31m", "\u202e", "a,b\n", "名前", '"', "{}", "\\"]


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    """A label, a prediction, a slice, and columns of every kind."""
    rng = np.random.default_rng(seed)
    label = rng.choice(["no", "yes"], rows, p=[0.8, 0.2])
    return pd.DataFrame(
        {
            "id": [f"{seed}-{row}" for row in range(rows)],
            "label": label,
            "prediction": np.where(rng.random(rows) < 0.9, label, "no"),
            "region": rng.choice(["north", "south"], rows),
            "age": rng.normal(40, 10, rows),
            "income": np.where(rng.random(rows) < 0.1, np.nan, rng.lognormal(size=rows)),
            "grade": rng.integers(0, 6, rows),
            "vip": rng.random(rows) < 0.2,
            "city": rng.choice(HOSTILE, rows),
            "seen": pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 86_400, rows), unit="s"),
        }
    )


def made(frame: pd.DataFrame, digest: str = "0" * 64, **roles: Any) -> Profile:
    """The profile of a table in batches of 500 rows."""
    columns = Columns.model_validate({"id": "id", "label": "label", "prediction": "prediction", **roles} if "id" in frame else roles)
    plan = making.Plan(tuple(frame.columns), columns, ("region",) if "region" in frame else ())
    store = InMemory(frame)
    return making.of_frames(store.batches(store.names, 500), plan, (digest,))


def stored(found: Profile) -> Profile:
    """As it comes out of its file."""
    return profile.Profile.from_json(json.loads(found.dump())["profile"])


def test_counts_are_exact() -> None:
    frame = table(2_300)
    found = stored(made(frame))
    for name in frame.columns:
        kind = kind_of(frame[name])
        assert (found.columns[name].kind, found.columns[name].blank, found.columns[name].odd) == (kind.name, kind.blank, 0), name
    assert dict(found.columns["city"].categories.counts) == frame["city"].value_counts().to_dict()  # type: ignore[union-attr]  # it has them
    grades = found.columns["grade"].numbers
    assert grades is not None
    assert grades.counts == frame["grade"].astype(float).value_counts().to_dict()
    assert found.joint.columns == ("label", "prediction", "region")
    counted = frame.groupby(["label", "prediction", "region"]).size()
    assert {tuple(map(json.loads, cells)): rows for cells, rows in found.joint.cells.items()} == counted.to_dict()
    income = found.columns["income"].numbers
    assert income is not None
    assert income.rows == frame["income"].notna().sum()
    assert income.moments.mean == pytest.approx(frame["income"].mean())
    assert income.moments.deviation == pytest.approx(frame["income"].std(ddof=0))
    assert (income.moments.low, income.moments.high) == (frame["income"].min(), frame["income"].max())


@pytest.mark.parametrize("parts", [2, 5])
def test_parts_merge_into_the_whole(parts: int) -> None:
    frame = table(4_000, seed=3)
    cut = [frame.iloc[start::parts].reset_index(drop=True) for start in range(parts)]
    merged = profile.merge([stored(made(part, f"{place}" * 64)) for place, part in enumerate(cut)])
    whole = made(frame)
    assert merged.rows == whole.rows
    assert merged.joint.cells == whole.joint.cells
    for name, column in whole.columns.items():
        found = merged.columns[name]
        assert (found.kind, found.rows, found.blank) == (column.kind, column.rows, column.blank)
        if column.categories is not None:
            assert found.categories is not None
            assert dict(found.categories.counts) == dict(column.categories.counts)
        if column.numbers is not None:
            assert found.numbers is not None
            assert found.numbers.counts == column.numbers.counts
            assert found.numbers.moments.mean == pytest.approx(column.numbers.moments.mean)
            assert found.numbers.moments.deviation == pytest.approx(column.numbers.moments.deviation)


def test_the_order_of_two_parts_makes_no_difference_to_the_bit() -> None:
    one, two = stored(made(table(3_000, 1), "a" * 64)), stored(made(table(1_000, 2), "b" * 64))
    sketches = [found.columns["age"].numbers for found in (one.merged(two), two.merged(one))]
    assert sketches[0] is not None
    assert sketches[1] is not None
    assert sketches[0].quantiles.to_json(600) == sketches[1].quantiles.to_json(600)
    assert one.merged(two).joint.cells == two.merged(one).joint.cells


def test_the_same_file_twice_is_refused() -> None:
    one = made(table(100))
    with pytest.raises(InputError, match="the same file is in both"):
        one.merged(one)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns="vip"), "no column 'vip'"),
        (lambda frame: frame.assign(age=["old"] * len(frame)), "column 'age' holds category and number"),
    ],
)
def test_parts_of_other_tables_are_refused(change: Callable[[pd.DataFrame], pd.DataFrame], said: str) -> None:
    with pytest.raises(InputError, match=said):
        made(table(100), "a" * 64).merged(made(change(table(100)), "b" * 64))


def test_a_blank_column_merges_with_any_kind() -> None:
    blank = table(50).assign(age=np.nan, city=None)
    merged = made(blank, "a" * 64).merged(made(table(100), "b" * 64))
    assert (merged.columns["age"].kind, merged.columns["age"].blank) == ("number", 50)
    assert (merged.columns["city"].kind, merged.columns["city"].blank) == ("category", 50)


def test_wide_and_various_columns_stay_under_a_megabyte() -> None:
    """Thirty columns: numbers, categories of few and of many values, long texts."""
    rng = np.random.default_rng(1)
    rows = 20_000
    columns: dict[str, object] = {f"number {i}": rng.normal(size=rows) for i in range(14)}
    columns |= {f"many {i}": [f"value {value:06} {'é' * 30}" for value in rng.integers(0, 1500, rows)] for i in range(10)}
    columns |= {f"own {i}": [f"{i}-{row} {'x' * 200}" for row in range(rows)] for i in range(3)}
    columns |= {f"few {i}": rng.choice(HOSTILE, rows) for i in range(3)}
    text = made(pd.DataFrame(columns)).dump()
    assert len(text) < 600_000
    assert json.loads(text)["profile"]["rows"] == rows


def test_what_names_people_or_rows_is_not_in_the_file() -> None:
    frame = table(300).assign(note=[f"secret {row}" for row in range(300)], who=[f"person {row % 40}" for row in range(300)])
    frame.loc[:3, "city"] = "rare town"
    text = made(frame, text="note", group="who").dump()
    for word in ("secret", "person", "rare town", "0-17"):
        assert word not in text


def test_numbers_in_words_are_of_the_kind_that_a_table_of_rows_says() -> None:
    """Decided over all batches together: words stand in the last one alone."""
    cells = [str(n) for n in range(980)] + ["NA"] * 15 + ["?"] * 5
    frame = pd.DataFrame(
        {"mixed": pd.Series([float(cell) if cell.isdigit() else cell for cell in cells], dtype=object), "code": ["007"] * 1000}
    )
    found = made(frame)
    assert (found.columns["mixed"].kind, found.columns["mixed"].odd) == (kind_of(frame["mixed"]).name, 20) == ("number", 20)
    assert (found.columns["code"].kind, found.columns["code"].codes) == ("category", True)


def test_days_and_times_are_seconds_and_span_the_rows() -> None:
    days = pd.DataFrame({"day": ["2026-01-01"] * 600 + ["2026-01-31"] * 600, "when": pd.to_datetime(["2026-01-01T06:00"] * 1200)})
    found = made(days, time="when")
    assert found.span == ("2026-01-01T06:00:00+00:00",) * 2
    assert found.columns["when"].numbers is None
    numbers = found.columns["day"].numbers
    assert numbers is not None
    assert [seconds / 86_400 for seconds in sorted(numbers.counts or ())] == [20454, 20484]


def test_true_numbers_are_no_classes() -> None:
    frame = pd.DataFrame({"label": np.arange(2000.0), "prediction": np.arange(2000.0) + 1, "region": ["n"] * 2000})
    found = made(frame, label="label", prediction="prediction")
    assert found.joint.columns == ("region",)
    assert found.columns["label"].numbers is not None


def test_too_many_combinations_are_refused_by_name() -> None:
    frame = table(5_000).assign(region=[f"place {row}" for row in range(5_000)])
    with pytest.raises(InputError, match=r"label and prediction and region together .* 'region' the most"):
        made(frame)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_only_label_prediction_and_slices_stand_for_rows(tmp_path: Path) -> None:
    frame = table(700)
    cells = ProfiledCells(_write(tmp_path / "w.profile.json", made(frame).dump()))
    together = cells.frame(["label", "prediction", "region"])
    assert together.value_counts().to_dict() == frame[["label", "prediction", "region"]].value_counts().to_dict()
    for ask in (lambda: cells.column("age"), cells.frame, lambda: cells.where(np.ones(700, dtype=bool))):
        with pytest.raises(CannotMeasure, match=r"needs rows.*, and .*w\.profile\.json is a profile"):
            ask()


def _changed(document: dict[str, Any], *place: str | int, to: object) -> str:
    """The file with one value changed, and a digest that fits."""
    at: Any = document["profile"]
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = to
    document["sha256"] = profile._digest(document["profile"])  # a forger knows how it is made
    return json.dumps(document)


@pytest.mark.parametrize(
    ("place", "to"),
    [
        (("rows",), 0),
        (("rows",), 10**30),
        (("rows",), "many"),
        (("columns", 0, 1, "blank"), -1),
        (("columns", 4, 1, "numbers", "counts"), {"nan": 900}),
        (("columns", 4, 1, "numbers", "quantiles"), {"noise": 0, "levels": [None]}),
        (("columns", 4, 1, "kind"), "category"),
        (("columns", 8, 1, "categories", "values"), [["a", 1], ["a", 2]]),
        (("joint", "rows", 0), ['"no"', '"no"', '"north"', 10**9]),
        (("joint", "rows", 0), ["[1]", "[1]", "[1]", 1]),
        (("joint", "columns"), 7),
        (("joint", "columns"), ["label", "label", "region"]),
        (("joint", "columns"), ["label", "prediction", "store"]),
        (("span",), ["yesterday", "today"]),
        (("roles",), {"label": 3}),
        (("parts",), [1]),
        (("text",), {"text (words)": {"moments": [1], "whole": True, "counts": {"1.0": 1}}}),
    ],
)
def test_a_forged_profile_is_refused(tmp_path: Path, place: tuple[str | int, ...], to: object) -> None:
    document = json.loads(made(table(900)).dump())
    with pytest.raises(Unreadable, match=r"is no sound profile|make the profile anew"):
        profile.load(_write(tmp_path / "p.profile.json", _changed(document, *place, to=to)))


def test_a_changed_cut_or_later_profile_is_refused(tmp_path: Path) -> None:
    text = made(table(900)).dump()
    for damaged, said in (
        (text.replace('"rows": 900', '"rows": 901'), "was changed since it was made"),
        (text[: len(text) // 2], "is no whole profile"),
        (text.replace("audit.profile/1", "audit.profile/2"), "this version reads audit.profile/1"),
        ('{"audit": "' + "[" * 100_000, "is no whole profile"),
        ('{"audit": "0", "sha256": "", "profile": NaN}', "is no whole profile"),
    ):
        with pytest.raises(Unreadable, match=said):
            profile.load(_write(tmp_path / "p.profile.json", damaged))


def test_damaged_bytes_never_pass(tmp_path: Path) -> None:
    """Of the sketches themselves, with a digest that fits: refused or read, and nothing else."""
    rng = np.random.default_rng(4)
    found = json.loads(made(table(900)).dump())
    levels = found["profile"]["columns"][4][1]["numbers"]["quantiles"]["levels"]
    level = max(range(len(levels)), key=lambda place: len(levels[place]))
    for _ in range(30):
        letters = list(levels[level])
        for place in rng.integers(0, len(letters), 3):
            letters[place] = chr(rng.integers(33, 126))
        document = json.loads(json.dumps(found))
        text = _changed(document, "columns", 4, 1, "numbers", "quantiles", "levels", level, to="".join(letters))
        try:
            again, _ = profile.load(_write(tmp_path / "p.profile.json", text))
        except Unreadable:
            continue
        assert again.columns["age"].rows == 900


def test_rows_are_known_by_their_profile_whatever_is_predicted(tmp_path: Path) -> None:
    """Another candidate's answers make no fresh test set, and other rows do."""
    frame = table(900)
    others = {"same": frame, "answers": frame.assign(prediction="no"), "rows": table(900, seed=1)}
    roles = Columns(id="id", label="label", prediction="prediction")
    paths = {name: _write(tmp_path / f"{name}.json", made(one).dump()) for name, one in others.items()}
    digest = {name: rows_sha256(read("test", path, roles)) for name, path in paths.items()}
    assert digest["same"] == digest["answers"] != digest["rows"]


def test_other_reading_options_than_the_profile_was_made_with_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "p.json", made(table(300)).dump())
    with pytest.raises(InputError, match="is a profile, made with other reading options than these"):
        read("test", path, Columns(), ReadOptions(missing=("NA",)))
    with pytest.raises(InputError, match="no column 'store'"):
        read("test", path, Columns(label="store"))
