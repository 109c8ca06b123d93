"""The cost of worker processes and the gain of a second one: a policy's checks, measured again with predictions in the cache.

Run: python -m benchmarks.worker_processes [--policy policies/complaint-triage-clean.yaml] [--times 3]

Each setting runs in a fresh interpreter, from the first check to the last: inline in the audit's own process, in one worker, in two.
Predictions and text scores are in the cache; cached evidence is not used. The fastest of several runs counts. Other work on the machine
lengthens the wall time, so the processor time of all processes is printed beside it. The evidence must be the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

MOST_OVERHEAD, MOST_SHARE = 1.0, 0.15
"""Seconds of processor time that one worker may cost, or the share of the time in one process, whichever is more."""
SETTINGS = {"inline": 0, "one worker": 1, "two workers": 2}


def main() -> int:
    """Print the table; 1 where something is outside its limit."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--policy", default="policies/complaint-triage-clean.yaml")
    asked.add_argument("--times", type=int, default=3)
    asked.add_argument("--workers", type=int, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.workers is not None:
        sys.stdout.write(json.dumps(_measured(Path(given.policy), given.workers)))
        return 0
    _run(given.policy, 0)  # so that predictions are in the cache
    found = {name: [_run(given.policy, workers) for _ in range(given.times)] for name, workers in SETTINGS.items()}
    return _print(given.policy, found)


def _run(policy: str, workers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.worker_processes", "--policy", policy, "--workers", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _measured(path: Path, workers: int) -> dict[str, Any]:
    """Seconds of wall and processor time, and a digest of all evidence."""
    from audit import child_process
    from audit.candidates.predictions import Predictions
    from audit.disk_cache import root
    from audit.pipeline import engine
    from audit.pipeline import jobs as pipeline_jobs
    from audit.pipeline.compatibility import load_policy
    from audit.pipeline.prepare import open_models, read_datasets
    from audit.progress import SILENT

    child_process.allow_forks()
    loaded = load_policy(path)
    seen, candidate, baselines = open_models(loaded, read_datasets(loaded), SILENT, smoke=False)
    jobs = pipeline_jobs.jobs(loaded, seen, Predictions(candidate, root()), baselines=baselines)
    found: dict[int, str] = {}
    wall, processor = time.perf_counter(), _processor()
    engine.measure(jobs, lambda place, one: found.update({place: repr(one.result)}), workers=engine.Workers(workers))
    seconds = {"wall": time.perf_counter() - wall, "processor": _processor() - processor, "checks": len(jobs)}
    return seconds | {"evidence": hashlib.sha256("\n".join(found[place] for place in sorted(found)).encode()).hexdigest()}


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _print(policy: str, found: dict[str, list[dict[str, Any]]]) -> int:
    least = {name: {key: min(run[key] for run in runs) for key in ("wall", "processor")} for name, runs in found.items()}
    lines = [f"{policy}: {found['inline'][0]['checks']} checks, {os.cpu_count()} processors, least of {len(found['inline'])} runs", ""]
    lines += ["| | wall, s | processor, s | against inline, s of processor | speed-up against one worker |", "|---|---|---|---|---|"]
    for name, one in least.items():
        more, faster = one["processor"] - least["inline"]["processor"], least["one worker"]["wall"] / one["wall"]
        lines.append(f"| {name} | {one['wall']:.2f} | {one['processor']:.2f} | {more:+.2f} | {faster:.2f} |")
    broken = []
    if len({run["evidence"] for runs in found.values() for run in runs}) > 1:
        broken.append("the evidence differs between settings")
    most = max(MOST_OVERHEAD, MOST_SHARE * least["inline"]["processor"])
    if least["one worker"]["processor"] - least["inline"]["processor"] > most:
        broken.append(f"one worker costs more than {most:.2f} s of processor time")
    lines += ["", *(f"outside its limit: {one}" for one in broken), f"{len(broken)} limits broken"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
