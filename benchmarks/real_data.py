"""Audit models on real data sets and print the results as the tables of `docs/real-data.md`.

Run: python -m benchmarks.real_data [--only NAME]... [--write docs/real-data.md]

With --only the page keeps its results on the other sets.

The data are not part of the repository: name their folder with AUDIT_DATA. Missing sets are left out and reported.
Tables, models and policies that are made from them go to `.audit/real-data/`, which git ignores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import yaml

from benchmarks.real_sets import DATA, EXAMPLES, SLICES, WORK, Example

INTRODUCTION = """# Results on real data

Printed by `python -m benchmarks.real_data --write docs/real-data.md` on 2 processor cores. The data are public and not part of
this repository. The bounds are plausible ones, chosen before the first run; none was tuned to promote. Seconds differ between
machines, the figures do not. Slices found are those that no policy named: `fairness/discovered_slices` searched half of the rows
for them, and showed on the other half that the model serves them worse than the rest.
"""


def audit(example: Example) -> tuple[dict[str, object], float]:
    """The results of one audit by the installed command, and the seconds that it took."""
    folder = WORK / example.name
    folder.mkdir(parents=True, exist_ok=True)
    policy = example.prepare(DATA / example.needs, folder)
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy, sort_keys=False))
    command = [str(Path(sys.executable).with_name("audit")), "run", "policy.yaml", "-o", "reports"]
    before, started = set((folder / "reports").glob("*/results.json")), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    written = list(set((folder / "reports").glob("*/results.json")) - before)
    if done.returncode not in {0, 1, 3, 4} or not written:
        sys.exit(f"{example.name}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    found: dict[str, object] = json.loads(written[0].read_text())
    return found, seconds


def table(example: Example, found: dict, seconds: float) -> str:  # type: ignore[type-arg]  # parsed JSON
    """One section of the page."""
    lines = [
        f"## {example.name}: {example.what}",
        "",
        f"Decision **{found['decision']}**, exit code {found['exit_code']}, {seconds:.0f} s with imports and training.",
        "",
        "| requirement | status | value | interval | n | bound | worst member | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found["findings"]:
        head, threshold = one["headline"], one["threshold"]
        bound = " and ".join(
            f"{word} {threshold[key]:g}" for key, word in (("min", "at least"), ("max", "at most")) if threshold[key] is not None
        )
        if head is None:
            lines.append(f"| {one['id']} | {one['status']} | | | | {bound} | {one['message']} | |")
            continue
        low, high = (f"{end:.3f}" for end in head["interval"])
        value, seconds_taken = f"{head['value']:.3f}", f"{found['run']['timings'][one['id']]:.2f}"
        cells = (one["id"], one["status"], value, f"{low} to {high}", f"{head['n']:,}", bound, _named(head["member"]), seconds_taken)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *_slices(found)]) + "\n"


def weak(found: dict) -> list[str]:  # type: ignore[type-arg]  # parsed JSON
    """The discovered slices that are worse than the rest beyond chance, in words."""
    notes = [note for one in found["findings"] if one["check"] == SLICES for note in one["notes"]]
    return [note.removeprefix("Weak: ") for note in notes if note.startswith("Weak: ")]


def _slices(found: dict) -> list[str]:  # type: ignore[type-arg]  # parsed JSON
    told = weak(found)
    if not told:
        return ["", "Slices found: none that is worse than the rest beyond chance."]
    return ["", f"Slices found: {len(told)}.", "", *(f"- {one}" for one in told)]


def _named(member: object) -> str:
    if member is None:
        return "overall"
    if isinstance(member, list):
        return " against ".join(_named(part) for part in member)
    return ", ".join(f"{key}={value}" for key, value in member.items()) if isinstance(member, dict) else str(member)


HEAD = ("| data | rows tested | decision | slices found | seconds to find them | seconds in all |", "|---|---|---|---|---|---|")


def line(example: Example, found: dict, seconds: float) -> str:  # type: ignore[type-arg]  # parsed JSON
    """A set's line of the table at the top."""
    looked = next(one for one in found["findings"] if one["check"] == SLICES)
    rows, took = found["datasets"][looked["on"]]["rows"], found["run"]["timings"][looked["id"]]
    cells = (example.name, f"{rows:,}", found["decision"], str(len(weak(found))), f"{took:.2f}", f"{seconds:.0f}")
    return f"| {' | '.join(cells)} |"


def before(page: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    """Lines and sections of a page that was written earlier, by the name of their set."""
    text = page.read_text(encoding="utf-8") if page is not None and page.exists() else ""
    top, *sections = text.split("\n## ")
    names = {example.name for example in EXAMPLES}
    lines = {cell: row for row in top.splitlines() if (cell := row.removeprefix("| ").split(" ")[0]) in names}
    return lines, {section.split(":")[0]: f"## {section.rstrip()}\n" for section in sections}


def main() -> None:
    """Audit every set that is there, print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[example.name for example in EXAMPLES], default=[])
    parser.add_argument("--write", type=Path, help="the page; with --only the other sets' parts stay as they are there")
    given = parser.parse_args()
    lines, sections = before(given.write)
    for example in EXAMPLES:
        if given.only and example.name not in given.only:
            continue
        if not (DATA / example.needs).exists():
            sections[example.name] = f"## {example.name}: left out\n\n{example.needs} is not there (AUDIT_DATA).\n"
            continue
        results, seconds = audit(example)
        lines[example.name], sections[example.name] = line(example, results, seconds), table(example, results, seconds)
        print(sections[example.name], flush=True)
    top = "\n".join([*HEAD, *(lines[one.name] for one in EXAMPLES if one.name in lines)]) + "\n"
    print(top)
    if given.write:
        found = [sections[one.name] for one in EXAMPLES if one.name in sections]
        given.write.write_text("\n".join([INTRODUCTION, top, *found]), encoding="utf-8")


if __name__ == "__main__":
    main()
