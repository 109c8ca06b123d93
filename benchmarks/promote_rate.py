"""Draw the repaired complaints under many seeds, fine-tune and audit each, and count how many are promoted.

Run: python benchmarks/promote_rate.py [--seeds 20] [--first 1] [--keep FOLDER]

Each seed has its own texts, its own split, its own training and its own random streams; the policy's bounds stay
unchanged. A sound model must be promoted nearly always, or nobody would use the gate. It takes about three minutes a seed on two cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def audit(seed: int, folder: Path) -> tuple[int, list[str]]:
    """Exit code of one seed's audit, and what did not pass."""
    data = folder / f"data-{seed}"
    generate = [sys.executable, str(ROOT / "fixtures" / "complaints.py"), "--clean", "--seed", str(seed), "--out", str(data)]
    subprocess.run(generate, check=True, capture_output=True)
    policy = ROOT / "policies" / f".promote-rate-{seed}.yaml"
    made = {
        "extends": "policies/complaint-triage-clean.yaml",
        "seed": seed,
        "datasets": {role: {"path": str(data / f"{role}.parquet")} for role in ("train", "test", "production")},
    }
    policy.write_text(yaml.safe_dump(made), encoding="utf-8")
    out = folder / f"reports-{seed}"
    command = [str(Path(sys.executable).with_name("audit")), "run", str(policy.relative_to(ROOT)), "-o", str(out), "--allow-outside"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        policy.unlink()
    written = list(out.glob("*/results.json"))
    if not written:
        return done.returncode, [done.stderr.strip()]
    findings = json.loads(written[0].read_text(encoding="utf-8"))["findings"]
    return done.returncode, [_told(one) for one in findings if one["status"] != "pass"]


def _told(finding: dict) -> str:  # type: ignore[type-arg]  # parsed JSON
    head = finding["headline"]
    figure = "" if head is None else f" {head['value']:.3f} {[round(end, 3) for end in head['interval']]}"
    return f"{finding['id']} {finding['status']}{figure}"


def main() -> None:
    """One line a seed, then the count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="leave data and reports there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        promoted = 0
        for seed in range(given.first, given.first + given.seeds):
            started = time.perf_counter()
            code, told = audit(seed, folder.resolve())
            promoted += code == 0
            print(f"seed {seed}: exit code {code}, {time.perf_counter() - started:.0f} s  {'; '.join(told)}", flush=True)
        print(f"{promoted} of {given.seeds} promoted")


if __name__ == "__main__":
    main()
