"""How long an unchanged second audit takes: nothing is trained, scored or measured again.

Run: python benchmarks/second_run.py [--policy policies/complaint-triage.yaml] [--cache DIR]

Each audit is the command in a process of its own, on a cache that starts empty unless a folder is named. Wall time and processor time
are printed; other work on the machine does not lengthen the latter. The second run must stay under five seconds of
processor time, reuse every measurement, and import none of the heavy libraries; else the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from audit.bundle import reader

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 5.0
"""Seconds of processor time that a second run may take."""
HEAVY = ("torch", "transformers", "textattack", "sklearn", "presidio_analyzer", "tokenizers", "alibi_detect", "nltk", "spacy")


@dataclass(frozen=True)
class Timed:
    """One audit."""

    seconds: float
    processor: float
    reused: int
    findings: int
    heavy: tuple[str, ...]
    """Heavy libraries that it imported."""


def audited(policy: Path, out: Path, cache: Path) -> Timed:
    """The command, with Python's own list of imports on standard error."""
    before = set(out.glob("*/record.json"))
    environment = os.environ | {"AUDIT_CACHE": str(cache), "HF_HUB_OFFLINE": "1"}
    used, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-X", "importtime", "-m", "audit", "run", str(policy), "-o", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds, now = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    (record,) = set(out.glob("*/record.json")) - before
    audit = reader.audit_run(record.parent, tables=False)
    imported = set(re.findall(r"\| +([A-Za-z_]+)$", done.stderr, re.MULTILINE))
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Timed(seconds, processor, len(audit.run.reused), len(audit.findings), tuple(name for name in HEAVY if name in imported))


def main() -> int:
    """Two audits, and what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", type=Path, default=ROOT / "policies" / "complaint-triage.yaml")
    parser.add_argument("--cache", type=Path, help="a cache to start from; an empty one where absent")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = options.cache or Path(folder, "cache")
        first, second = (audited(options.policy, Path(folder, "reports"), cache) for _ in range(2))
    print("run     seconds  processor  reused  heavy imports")
    for name, one in (("first", first), ("second", second)):
        print(f"{name:6}  {one.seconds:7.1f}  {one.processor:9.1f}  {one.reused:2} of {one.findings:2}  {', '.join(one.heavy) or 'none'}")
    kept = second.processor < LIMIT and second.reused == second.findings and not second.heavy
    print("within its limits" if kept else f"BROKEN: under {LIMIT:g} s of processor time, all reused, nothing heavy")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
