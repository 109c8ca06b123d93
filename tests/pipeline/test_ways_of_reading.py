"""How files are read, as a policy and `audit check` say it: keys honoured, mistakes at their line, remarks shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.candidates.saved import SavedPredictions
from audit.commands import check as check_command
from audit.datasets import Columns
from audit.datasets.columns import ReadOptions
from audit.errors import InputError, PolicyError
from tests.pipeline.in_process import audited, remarks
from tests.reading_files import read_file
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path


def numbers(low: int) -> pd.DataFrame:
    """A column that moves with `low`, and one that does not; two cells are a word."""
    frame = pd.DataFrame({"x": np.arange(low, low + 300).astype(object), "k": np.arange(300) % 3})
    frame.loc[[7, 90], "x"] = "NA"
    return frame


def test_a_run_reads_as_the_policy_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a remark for what was found and not said."""
    frame = table(400)
    frame["age"] = (np.arange(400) / 2).astype(object)
    frame.loc[7, "age"] = "NULL"
    frame.to_csv(tmp_path / "test.csv", index=False, sep=";", decimal=",")
    made = policy({"check": "performance/accuracy", "min": 0.8})
    told = remarks(audited(tmp_path, monkeypatch, made)).splitlines()
    assert told[0] == "datasets.test: ';' stands between its cells."
    assert told[-1].startswith("datasets.test: age: numbers in 399 of 400 rows; 'NULL' in 1, first in row 8. Set `missing: [NULL]`")
    made["datasets"]["test"] |= {"separator": ";", "decimal": ",", "missing": ["NULL"]}
    assert "datasets.test" not in remarks(audited(tmp_path, monkeypatch, made))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"types": {"gruop": "category"}}, "datasets.test.types.gruop: "),
        ({"types": {"group": "categry"}}, "did you mean 'category'?"),
        ({"encoding": "latin-99"}, "give an encoding that Python knows"),
        ({"separater": ";"}, "did you mean 'separator'?"),
        ({"types": {"group": "number"}}, "has 'a' in column 'group', which is declared to hold numbers"),
    ],
)
def test_mistakes_in_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, object], message: str) -> None:
    made = policy()
    made["datasets"]["test"] |= keys
    with pytest.raises(PolicyError) as refused:
        audited(tmp_path, monkeypatch, made, test=table(60).assign(group="a"))
    assert message in str(refused.value)
    assert re.search(r"policy\.yaml:\d+:\d+: datasets\.test", str(refused.value))


@pytest.mark.parametrize("given", [["missing=NA"], ["missing=[NA, NULL]"], []])
@pytest.mark.parametrize("check", ["drift/mmd", "drift/ks"])
def test_words_do_not_hide_drift(tmp_path: Path, check: str, given: list[str]) -> None:
    """A column that moves by far more than its width, with two words among its numbers or without."""
    numbers(0).to_csv(tmp_path / "before.csv", index=False)
    numbers(5000).to_csv(tmp_path / "now.csv", index=False)
    remarks: list[str] = []
    asked = check_command.CheckRequest(
        check, tmp_path / "now.csv", others=[f"reference={tmp_path / 'before.csv'}"], maximum=0.2, reading=given
    )
    finding = check_command.judged(asked, remarks.append)
    assert finding.status == "fail"
    told = " ".join(remarks)
    assert ("x: numbers in 298 of 300 rows; 'NA' in 2, first in row 8. Set --read 'missing=[NA]'" in told) == (not given)


def test_a_duration_is_compared_in_seconds(tmp_path: Path) -> None:
    """The same times in another unit have not moved; ten times as long ones have."""
    seconds = pd.Series(np.arange(300) * 10)
    pd.DataFrame({"took": pd.to_timedelta(seconds, unit="s").astype("timedelta64[s]")}).to_parquet(tmp_path / "before.parquet")
    for factor, status in ((1, "pass"), (10, "fail")):
        now = pd.to_timedelta(seconds * factor, unit="s").astype("timedelta64[ms]")
        pd.DataFrame({"took": now}).to_parquet(tmp_path / f"now{factor}.parquet")
        asked = check_command.CheckRequest(
            "drift/ks", tmp_path / f"now{factor}.parquet", others=[f"reference={tmp_path / 'before.parquet'}"], maximum=0.2
        )
        assert check_command.judged(asked).status == status


def test_a_blank_in_a_column_name_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("label, prediction\n0, 0\n1, 1\n")
    with pytest.raises(InputError, match=r"column ' prediction' begins or ends with a blank.*--column 'prediction= prediction'"):
        check_command.measured(check_command.CheckRequest("performance/accuracy", path))
    assert check_command.measured(check_command.CheckRequest("performance/accuracy", path, columns=["prediction= prediction"])).rows == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("foo=1", "--read foo: unknown key"),
        ("separator=ab", '--read separator: is "ab"; give one character that ends neither'),
        ("encoding=latin-99", "--read encoding: "),
        ("encoding=rot13", "--read encoding: "),
        ('separator="', "--read separator: "),
    ],
)
def test_wrong_options_of_reading(tmp_path: Path, given: str, message: str) -> None:
    (tmp_path / "a.csv").write_text("label,prediction\n0,0\n")
    with pytest.raises(InputError) as refused:
        check_command.measured(check_command.CheckRequest("performance/accuracy", tmp_path / "a.csv", reading=[given]))
    assert message in str(refused.value)


def test_what_the_keys_change_is_another_candidate(tmp_path: Path) -> None:
    """Otherwise predictions of the first reading would be taken from the cache for the second."""
    rows = "label,prediction\n0,0\n1,NA\n"
    roles = Columns(label="label", prediction="prediction")
    types = {"prediction": "category"}
    first, second = (
        SavedPredictions({"test": read_file(tmp_path, rows, columns=roles, types=types, separator=sign)}) for sign in (None, ",")
    )
    assert first.sha256 != second.sha256


def test_words_of_a_policy() -> None:
    """YAML reads NULL as nothing, and a tab may be named."""
    assert ReadOptions(missing=("NA", None, -999)).missing_words == ("NA", "null", "NULL", "Null", "-999")
    assert ReadOptions(separator="tab").separator == "\t"
    assert ReadOptions().to_json() == ""
