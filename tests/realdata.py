"""Where real data sets lie, for the tests that need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def path(name: str) -> Path:
    """The folder of a data set: below the environment variable AUDIT_DATA, else beside the checkout; the test is skipped without it."""
    folder = Path(os.environ.get("AUDIT_DATA", _BESIDE)) / name
    if not folder.is_dir():
        pytest.skip(f"needs the data set {name}: set AUDIT_DATA to the folder that holds it")
    return folder
