"""One small tuned text classifier for all tests of candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny BERT that tells urgent letters from others."""
    from audit.finetune.fine_tuning import TEXT_CLASSIFICATION
    from audit.policy.schema import FineTune
    from audit.progress import Silent
    from tests.tiny_bert import base, letters

    place = tmp_path_factory.mktemp("classifier")
    spec = FineTune(base="tiny", epochs=4, learning_rate=3e-3)
    folder, _ = TEXT_CLASSIFICATION.fine_tune(spec, base(place / "tiny"), letters(400, 1), None, seed=3, cache=place, progress=Silent())
    return folder
