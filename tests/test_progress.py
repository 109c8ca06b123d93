"""Progress is shown on stderr for long tasks, and never for short ones."""

from __future__ import annotations

import io
import sys
import time

import pytest

from audit import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def work(shown: progress.Progress, clock: list[float], seconds: float) -> None:
    task = shown.start("score texts", 20)
    for _ in range(20):
        clock[0] += seconds / 20
        task.advance()
    task.finish()


def test_lines_for_a_log(clock: list[float]) -> None:
    """One a tenth, from the third second on, with the time left."""
    stream = io.StringIO()
    work(progress.Lines(stream), clock, 40.0)
    assert stream.getvalue().splitlines()[:2] == ["score texts: 10 %, 36 s left", "score texts: 20 %, 32 s left"]
    assert stream.getvalue().splitlines()[-1] == "score texts: 100 %, 0 s left"
    assert len(stream.getvalue().splitlines()) == 10


def test_nothing_for_a_short_task(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever shows it."""
    for shown in (progress.Lines(), progress.Terminal(), progress.Silent()):
        work(shown, clock, 1.9)
    assert capsys.readouterr() == ("", "")


def test_a_bar_comes_and_goes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Two tasks at once share a display, which closes with the last; stdout stays clean."""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    terminal = progress.Terminal()
    one, two = terminal.start("fine-tune", 2), terminal.start("score [b]texts", 2)
    one.advance()
    two.advance()
    bars = terminal._bars
    assert bars is not None
    assert [bar.description for bar in bars.tasks] == ["fine-tune", "score [b]texts"]
    assert [bar.completed for bar in bars.tasks] == [1, 1]
    shown = []
    for task in (one, two, two):
        task.finish()
        shown.append(bars.live.is_started)
    assert shown == [True, False, False]
    assert capsys.readouterr().out == ""


def test_bars_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe or a log gets lines."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert isinstance(progress.on_stderr(), progress.Lines)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(progress.on_stderr(), progress.Terminal)
