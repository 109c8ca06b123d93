"""`audit profile --jobs`: the files of a folder profiled by themselves give the same profile wherever and however many at a time."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.errors import InputError, ToolError
from audit.pipeline import engine
from tests.command import audit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        columns = {"label": rng.integers(0, 2, 3000), "age": rng.normal(size=3000), "word": rng.choice(["a", "b"], 3000)}
        pd.DataFrame(columns).to_parquet(tmp_path / "data" / f"part-{seed}.parquet")
    return tmp_path


def test_parts_are_merged_in_the_order_of_their_names(folder: Path) -> None:
    for jobs in ("1", "2"):
        done = audit("profile", "data", "--jobs", jobs, "-o", f"{jobs}.json", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert "9,000 rows, 3 columns" in done.stdout
    for seed in range(3):
        assert audit("profile", f"data/part-{seed}.parquet", cwd=folder).returncode == 0
    merged = [f"part-{seed}.parquet.profile.json" for seed in range(3)]
    assert audit("profile", "--merge", *merged, "-o", "merged.json", cwd=folder).returncode == 0
    assert (folder / "1.json").read_bytes() == (folder / "2.json").read_bytes() == (folder / "merged.json").read_bytes()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("rows.csv", "--jobs", "2"), "rows.csv: --jobs profiles the files of a folder of Parquet by themselves: leave it out, or"),
        (("data", "--jobs", "2", "--by", "town"), "--by town: data has no column 'town': it has label, age, word"),
        (("data", "--engine", "dask"), "--engine dask: is no engine: choose local or ray"),
        (("--merge", "data", "--jobs", "2", "-o", "x"), "--merge: name the file to write with -o, and leave the other options out"),
    ],
)
def test_what_cannot_be_profiled_in_parts_is_one_message(given: tuple[str, ...], said: str, folder: Path) -> None:
    (folder / "rows.csv").write_text("label,age\n1,2\n")
    done = audit("profile", *given, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(said)


def _refuse(number: int) -> int:
    if number == 1:
        msg = "one is no number here: name another"
        raise InputError(msg)
    return 10 * number


def _break(number: int) -> int:
    return 1 // number


def _die(_number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_calls_give_their_values_in_order_or_the_error_of_one() -> None:
    """In processes as in this one; what breaks or is killed is never a value."""
    two = engine.Workers(2)
    calls = [engine.Call(str(number), _refuse, (number,)) for number in (3, 2, 4)]
    assert engine.call(calls, workers=two) == engine.call(calls) == (30, 20, 40)
    for workers in (engine.INLINE, engine.Workers(1)):
        with pytest.raises(InputError, match=r"^one is no number here: name another$"):
            engine.call([engine.Call("one", _refuse, (1,))], workers=workers)
    with pytest.raises(ToolError, match=r"^ZeroDivisionError: integer division or modulo by zero"):
        engine.call([engine.Call("zero", _break, (0,))], workers=engine.Workers(1))
    with pytest.raises(ToolError, match=r"^the process that measured it was ended by SIGKILL"):
        engine.call([engine.Call("dies", _die, (0,))], workers=engine.Workers(1))
