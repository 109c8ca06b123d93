"""Every mistake is refused at its place, in words, with a remedy: a folder of bad policies with the messages they must give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit.errors import PolicyError
from audit.pipeline.compatibility import load_policy

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = Path("fixtures/policies/bad")
NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / BAD).glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_policy_gives_its_golden_messages(
    name: str, checkout: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AUDIT_TEST_UNSET", raising=False)
    with pytest.raises(PolicyError) as refused:
        load_policy(BAD / f"{name}.yaml")
    told = str(refused.value).replace(str(checkout), "PROJECT") + "\n"
    golden(checkout / BAD / f"{name}.txt", told)


@pytest.mark.parametrize("name", NAMES)
def test_every_message_has_a_place_and_a_remedy(name: str, checkout: Path) -> None:
    for line in (checkout / BAD / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        file, row, column, text = line.split(":", 3)
        assert Path(file).is_file()
        assert int(row) >= 1
        assert int(column) >= 1
        assert ";" in text, "what is wrong; what to do"


def test_there_is_a_golden_file_for_every_bad_policy(checkout: Path) -> None:
    """One left over would be a mistake that nobody checks any more."""
    assert len(NAMES) >= 35
    assert sorted(path.stem for path in (checkout / BAD).glob("*.txt")) == NAMES


@pytest.mark.usefixtures("checkout")
def test_many_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    with pytest.raises(PolicyError) as refused:
        load_policy(BAD / "many-at-once.yaml")
    lines = [mistake.line for mistake in refused.value.mistakes]
    assert lines == sorted(lines)
    assert len(lines) >= 15
