"""Options and fixtures of the whole test suite."""

from __future__ import annotations

import os
import signal
import sys
from collections import defaultdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job is born deaf to it, and so would be all it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A machine under load is no failure; fifty examples a property keep the suite short.
settings.register_profile("audit", deadline=None, max_examples=50)
settings.load_profile("audit")
CPU = pytest.StashKey[float]()
LOADED_BY_COLLECTING = pytest.StashKey[frozenset[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what the tests see into the golden files")
    parser.addoption("--cpu-durations", type=int, metavar="N", help="show CPU seconds by folder and of the N heaviest tests")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the CPU seconds of this process and its children since the last report: those are the same on a busy machine."""
    report = yield
    spent = sum(os.times()[:4])
    report.user_properties.append(("cpu", spent - item.config.stash.get(CPU, spent)))
    item.config.stash[CPU] = spent
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if count := config.getoption("--cpu-durations"):
        tests, folders = defaultdict[str, float](float), defaultdict[str, float](float)
        for report in (one for reports in terminalreporter.stats.values() for one in reports if isinstance(one, pytest.TestReport)):
            seconds = dict(report.user_properties)["cpu"]
            assert isinstance(seconds, float)
            tests[report.nodeid] += seconds
            folders[str(Path(report.nodeid.partition("::")[0]).parent)] += seconds
        for spent, most in ((folders, len(folders)), (tests, count)):
            for name, seconds in sorted(spent.items(), key=lambda item: item[1], reverse=True)[:most]:
                terminalreporter.write_line(f"{seconds:8.2f} CPU s  {name}")


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


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[LOADED_BY_COLLECTING] = frozenset(sys.modules)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests that name no cache share one of this session, and never the user's. What the command says on a CI runner is a test's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CI", raising=False)
        patch.setenv("AUDIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


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
