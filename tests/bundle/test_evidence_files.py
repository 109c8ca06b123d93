"""Files of inputs that findings point to: those that they were measured on, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.bundle import evidence_files
from audit.bundle.writer import Bundle
from tests.findings import proportions
from tests.judged import finding
from tests.support import subject

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("evidence/features-test.parquet", "evidence/features-reference.parquet")


@pytest.mark.parametrize(
    ("requirement", "columns", "expected"),
    [
        ({}, {}, ()),  # texts as wholes, seen through the candidate's embedding
        ({"columns": ["age"]}, {}, FILES),
        ({}, {"text": None}, FILES),
    ],
)
def test_texts_compared_as_wholes_rest_on_no_column(
    tmp_path: Path, requirement: dict[str, Any], columns: dict[str, Any], expected: tuple[str, ...]
) -> None:
    frame = pd.DataFrame({"text": ["late parcel"] * 8, "age": np.arange(8), "prediction": ["a", "b"] * 4})
    seen = subject(frame, reference=frame.assign(age=frame.age + 1), **columns)
    asked = finding("drift/mmd", proportions((1, 8)), on="test", reference="reference", max=0.05, params=requirement)
    assert evidence_files.write(Bundle(tmp_path, "one"), [asked], seen.datasets, seen.predicted) == {"drift/mmd": expected}
    written = {path.relative_to(tmp_path / ".one.partial").as_posix() for path in tmp_path.rglob("*.parquet")}
    assert written == set(expected)
