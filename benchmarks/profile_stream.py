"""What a profile of many rows costs: seconds, peak memory and size of `audit profile` on one Parquet file of 20 columns.

Run: python -m benchmarks.profile_stream [--fast] [--rows 1000000 10000000 50000000] [--folder FOLDER]

The data are those of benchmarks/large_data.py, drawn in groups of rows. Each profile is made in a process of its own; its peak is the
largest resident set, as the operating system counts it (`ru_maxrss`). On a machine that does other things too, the processor
seconds are the fair ones. The last line says how processor seconds grow from the fewest rows to the most: 1 is linear.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

from benchmarks.large_data import run_command, write_data

FULL = [1_000_000, 10_000_000, 50_000_000]
FAST = [500_000, 2_000_000]
MOST_BYTES, MOST_MEMORY, MOST_GROWTH = 1_000_000, 2 * 2**30, 1.15


def main() -> int:
    """Print one line for each number of rows; 1 where a profile is too large, or took too much memory or more than linear time."""
    parser = argparse.ArgumentParser(description="Time, memory and size of a profile of many synthetic rows.")
    parser.add_argument("--rows", type=int, nargs="+", help=f"by default {FULL}")
    parser.add_argument("--fast", action="store_true", help=f"{FAST} rows")
    parser.add_argument("--folder", type=Path, help="where the data stay; a temporary folder where absent")
    options = parser.parse_args()
    print(f"{'rows':>12} {'seconds':>8} {'processor':>9} {'peak GiB':>9} {'profile kB':>10}")
    seen = []
    for rows in sorted(options.rows or (FAST if options.fast else FULL)):
        with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
            folder = Path(temporary)
            data, profile = folder / "rows.parquet", folder / "rows.profile.json"
            write_data(data, rows)
            command = ("-q", "profile", str(data), "--by", "region", "--by", "gender", "-o", str(profile))
            seconds, processor, peak = run_command(command, folder)
            size = profile.stat().st_size
            seen.append((rows, processor, peak, size))
            print(f"{rows:>12,} {seconds:>8.1f} {processor:>9.1f} {peak / 2**30:>9.2f} {size / 1000:>10.0f}", flush=True)
    (fewest, least, *_), (most, longest, *_) = seen[0], seen[-1]
    growth = math.log(longest / least) / math.log(most / fewest) if most > fewest else 1.0
    print(f"Processor seconds grow as rows to the power of {growth:.2f}.")
    sound = all(peak < MOST_MEMORY and size < MOST_BYTES for _, _, peak, size in seen)
    return 0 if sound and growth <= MOST_GROWTH else 1


if __name__ == "__main__":
    raise SystemExit(main())
