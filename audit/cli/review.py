"""`audit review`: the dialogue at a terminal, in which a person judges each finding before seeing its status."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from audit.cli.exit_codes import tell
from audit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.commands.review import Answer
    from audit.governance.review import Opinion

_LETTERS: dict[str, Opinion] = {"a": "acceptable", "n": "not-acceptable", "c": "cannot-tell"}
_CHOICE = "  [a]cceptable, [n]ot acceptable, [c]annot tell, or [s]top for now"
_STOPPED = "the review was stopped: the same command continues it with this finding"


class AtTerminal:
    """Whoever sits there. The dialogue goes to standard error, so that the outcome alone is a result."""

    def judge(self, finding: str, shown: Sequence[str]) -> Answer:
        """Asks until one of the words is given; the time runs from the moment the finding is shown."""
        from audit.commands.review import Answer

        del finding
        tell(["", *shown, _CHOICE])
        begun = time.monotonic()
        while (letter := _line("  your judgement").lower()[:1]) not in _LETTERS:
            if letter == "s":
                raise ToolError(_STOPPED)
        seconds = round(time.monotonic() - begun, 1)
        return Answer(_LETTERS[letter], _line("  why (optional)") or None, seconds)

    def explain(self, difference: str, finding: str) -> str:
        """Asks until the reason is long enough."""
        from audit.governance.signed_file import LEAST

        del finding
        tell(["", difference])
        while len(reason := _line(f"  why do you override it ({LEAST} characters at least)")) < LEAST:
            pass
        return reason


def _line(question: str) -> str:
    """One line of text, which may be empty. The end of the input stops the review."""
    try:
        answer: str = typer.prompt(question, default="", show_default=False, err=True)
    except typer.Abort:
        raise ToolError(_STOPPED) from None
    return answer.strip()
