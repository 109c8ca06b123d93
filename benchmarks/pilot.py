"""Audit the pilot split under the requirements of the bundled example, to see which bounds are realistic.

Run: python benchmarks/pilot.py

The pilot split is drawn like the test set and used for nothing else. For every sampled requirement the script prints the
pilot's value, its interval, the policy's bound, and the distance from the value to the bound in half-widths of the interval:
above 3, a sound model meets the bound nearly always.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
OVERLAY = {
    "extends": "policies/complaint-triage-clean.yaml",
    "policy": "complaint-triage-pilot",
    "datasets": {"test": {"path": "fixtures/complaints-clean/pilot.parquet"}},
}


def main() -> None:
    """One audit with the pilot in the test set's place."""
    with tempfile.TemporaryDirectory(dir=ROOT / "policies") as folder:
        policy = Path(folder) / "pilot.yaml"
        policy.write_text(yaml.safe_dump(OVERLAY), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("audit")), "run", str(policy.relative_to(ROOT)), "-o", f"{folder}/reports"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        written = list(Path(folder).glob("reports/*/results.json"))
        if not written:
            sys.exit(done.stderr)
        findings = json.loads(written[0].read_text(encoding="utf-8"))["findings"]
    print(f"{'requirement':<40} {'value':>8} {'interval':>18} {'bound':>8} {'half-widths':>12}")
    for one in findings:
        head, threshold = one["headline"], one["threshold"]
        if head is None or head["method"] == "census":
            continue
        low, high = head["interval"]
        floor = threshold["min"] is not None
        bound = threshold["min"] if floor else threshold["max"]
        half = head["value"] - low if floor else high - head["value"]
        away = (head["value"] - bound if floor else bound - head["value"]) / half
        print(f"{one['id']:<40} {head['value']:>8.3f} {f'{low:.3f} to {high:.3f}':>18} {bound:>8g} {away:>12.1f}")


if __name__ == "__main__":
    main()
