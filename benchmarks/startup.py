"""Seconds until `audit --help` has answered, best and median of 20 starts. The budget is 0.3 s."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STARTS = 20
BUDGET = 0.3


def seconds(*command: str) -> float:
    """One start, from the call to the end of the process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> int:
    """Print the figures; 1 when the median is over the budget."""
    for name, command in (("python alone", ("-c", "pass")), ("audit --help", ("-m", "audit", "--help"))):
        taken = sorted(seconds(*command) for _ in range(STARTS))
        print(f"{name:<14} best {taken[0]:.3f} s, median {statistics.median(taken):.3f} s of {STARTS} starts")
    return int(statistics.median(taken) > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
