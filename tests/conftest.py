"""Options and fixtures of the whole test suite."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable


# A machine under load is no failure; fifty examples a property keep the suite short.
settings.register_profile("audit", deadline=None, max_examples=50)
settings.load_profile("audit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what the tests see into the golden files")


@pytest.hookimpl(trylast=True)  # after the random order
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest tests start first, one on each worker: started last, a single one would keep the others waiting."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    minutes = {item: mark.args[0] for item in items if (mark := item.get_closest_marker("minutes"))}
    longest = sorted(minutes, key=lambda item: minutes[item], reverse=True)
    others = (item for item in list(items) if item not in minutes)
    ends = [worker * len(items) // workers for worker in range(workers + 1)]
    parts = [longest[worker::workers] for worker in range(workers)]  # `--dist worksteal` first cuts the list into such parts
    items[:] = [item for first, a, b in zip(parts, ends, ends[1:], strict=False) for item in (*first, *islice(others, b - a - len(first)))]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a text with its golden file, or writes that under --update-golden."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; --update-golden writes it anew"

    return compare


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of the checkout, as the current directory."""
    root = Path(__file__).parents[1]
    monkeypatch.chdir(root)
    return root
