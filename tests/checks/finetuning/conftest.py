"""One tiny model that was really fine-tuned, for all tests of what fine-tuning did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tuned import Tuned


@pytest.fixture(scope="session")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    from tests.tuned import tune

    return tune(tmp_path_factory.mktemp("tuned"))
