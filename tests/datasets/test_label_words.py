"""Words for nothing and infinity are no class, unless the policy says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audit.datasets import Columns
from audit.datasets.labels import refuse_label_words
from audit.errors import CannotMeasure, InputError
from tests.reading_files import read_file

if TYPE_CHECKING:
    from pathlib import Path

ROLES = Columns(label="label", prediction="prediction")


@pytest.mark.parametrize("word", ["nan", "NaN", "NA", "n/a", "NULL", "null", "None", "inf", "-inf", "Infinity", " nan ", "<NA>", "NaT"])
@pytest.mark.parametrize("column", ["label", "prediction"])
def test_refused_with_the_first_row(tmp_path: Path, word: str, column: str) -> None:
    """In the label as in the prediction, among words as among numbers."""
    for other in ("yes", "1"):
        rows = [[other, other], [other, other]]
        rows[1][column == "prediction"] = word
        data = read_file(tmp_path, "label,prediction\n" + "".join(f"{a},{b}\n" for a, b in rows), columns=ROLES)
        with pytest.raises(InputError, match=rf"row 2 has .* in column '{column}' \(1 of 2 rows has such a word\)"):
            refuse_label_words(data)


def test_infinity_in_parquet(tmp_path: Path) -> None:
    import pandas as pd

    pd.DataFrame({"label": [1.0, float("inf")], "prediction": [1.0, 1.0]}).to_parquet(tmp_path / "made.parquet")
    with pytest.raises(InputError, match="row 2 has 'inf' in column 'label'"):
        refuse_label_words(read_file(tmp_path, (tmp_path / "made.parquet").read_bytes(), "a.parquet", ROLES))


def test_what_the_policy_says_is_a_class(tmp_path: Path) -> None:
    """A declared category, a word that the map names, a word for nothing, and `none`, which is a class of many tables."""
    rows = "label,prediction\nNA,NA\nx,x\n"
    data = read_file(tmp_path, rows, columns=ROLES, types={"label": "category", "prediction": "category"})
    refuse_label_words(data)
    assert data.labels("label").tolist() == ["NA", "x"]
    refuse_label_words(replace(read_file(tmp_path, rows, columns=ROLES), label_map={"NA": "north"}))
    refuse_label_words(read_file(tmp_path, rows, columns=ROLES, missing=["NA"]))
    refuse_label_words(read_file(tmp_path, rows.replace("NA", "none"), columns=ROLES))


@pytest.mark.parametrize(
    ("words", "refused"),
    [("?,yes,no", "?"), ("-,1,0", "-"), ("\u2014,a,b", "\u2014"), ("-,+", None), (".,?,!", None), ("-,-", None), ("-,\U0001f600", None)],
)
def test_a_sign_beside_words_is_no_class(tmp_path: Path, words: str, refused: str | None) -> None:
    """UCI tables write ? where a value is missing; + and -, or marks of punctuation, are classes of their own."""
    cells = words.split(",")
    data = read_file(tmp_path, "label,prediction\n" + "".join(f"{cell},{cells[-1]}\n" for cell in cells), columns=ROLES)
    if refused is None:
        refuse_label_words(data)
        return
    with pytest.raises(InputError, match=r"row 1 has .* in column 'label' .*it is no class"):
        refuse_label_words(data)


@pytest.mark.parametrize("cell", ["", " ", "\u00a0", "\u200b", "\t", "\ufeff"])
@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_a_text_without_a_sign_is_no_label(tmp_path: Path, cell: str, name: str) -> None:
    """In Parquet and JSON lines an empty text is no empty cell; as a label it says as little."""
    import pandas as pd

    frame, path = pd.DataFrame({"label": ["x", cell], "prediction": ["x", "x"]}), tmp_path / f"made-{name}"
    _ = frame.to_parquet(path) if name.endswith("parquet") else frame.to_json(path, orient="records", lines=True)
    data = read_file(tmp_path, path.read_bytes(), name, ROLES)
    with pytest.raises(CannotMeasure, match=r"column 'label' has no value in 1 of 2 rows \(first: row 2\)"):
        data.labels("label")
    assert data.blank("label").tolist() == [False, True]
    assert replace(data, label_map={cell: "y"}).labels("label").tolist() == ["x", "y"], "the policy may say what it means"
