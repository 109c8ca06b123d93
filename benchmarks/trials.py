"""What the benchmarks of intervals share: a rate with its limit, a table, and progress."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Limit:
    """What a simulated share is held against, three Monte-Carlo errors allowed."""

    figure: float
    sense: Literal["=", "<="] = "<="
    within: float = 0.0
    """Allowed on top of the Monte-Carlo error."""

    def holds(self, share: float, trials: int) -> bool:
        """Whether a share of so many trials is within it."""
        error = 3 * math.sqrt(max(self.figure * (1 - self.figure), 1 / trials) / trials) + self.within
        return share <= self.figure + error if self.sense == "<=" else abs(share - self.figure) <= error

    def __str__(self) -> str:
        return f"{self.sense} {100 * self.figure:.2f}"


def percent(share: float) -> str:
    """With two digits, without the sign."""
    return f"{100 * share:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns of equal width; the first is aligned to the left."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in lines
    )


class Progress:
    """One line on stderr for each step, with the seconds since the start."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done, self.started = steps, 0, time.perf_counter()

    def step(self, what: str) -> None:
        """Say what begins."""
        self.done += 1
        print(f"[{self.done}/{self.steps}, {self.seconds():.0f} s] {what}", file=sys.stderr, flush=True)

    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started
