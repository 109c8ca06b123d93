"""One tiny base model for all tests of fine-tuning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny_bert import base

    return base(tmp_path_factory.mktemp("base") / "tiny")
