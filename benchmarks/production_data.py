"""Two real streams audited window by window without and with their labels, and NannyML's tutorials beside our figures.

Run: python -m benchmarks.production_data [--data DIR] [--peer PYTHON] [--write docs/production-data.md]

The data are not part of the repository: DIR, or AUDIT_DATA, holds the folders california_housing and elec2. PYTHON is an interpreter
that has nannyml; without one its columns are left out and the page says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions, SavedValues
from audit.evidence import Curve, Lines
from audit.report.charts.lines import lines
from audit.stats import Proportion
from audit.stats.e_process import Detector, log_e_values, log_threshold
from audit.subject import Subject
from audit.testing import dataset, measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audit.evidence import Evidence

DATA = Path(os.environ.get("AUDIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
ENDS = (0.025, 0.025)
LOSS = 0.05
"""Accuracy that may be lost before the evidence of harm is counted."""
QUIET = 120
"""Windows in which one false alarm may be expected."""
_MUCH = 1000
"""Evidence beyond which its size says nothing more."""
STYLE = (
    "svg{background:#fff;font:12px system-ui,sans-serif;color:#1b1f24}text{fill:#1b1f24}.inkl,.datal{fill:none;stroke-width:2}"
    ".inkl{stroke:#1b1f24}.datal{stroke:#1f6feb}.dash{stroke-dasharray:6 4}.dataf,.bandf{fill:#1f6feb;fill-opacity:.15}"
    ".ink2l,.ink3l{stroke:#9aa4af;fill:none}.s-ref,.s-fail{stroke:#57606a}line{stroke:#c3cad1}circle{fill:#57606a}"
)
INTRODUCTION = """# Production data, window by window

Printed by `python -m benchmarks.production_data --data DIR --peer PYTHON --write docs/production-data.md`. The data are public and
not part of this repository. "By its scores alone" is confidence-based estimation (`performance/estimated` with `columns: []`);
"by features" weights the labelled reference to look like the window and counts rows like none of it as the worst case at the lower
end and as the best at the upper one. Intervals are 95 %. "Decay" is the evidence M of an e-detector against "accuracy has not fallen
by more than 5 points below that of the reference", with one false alarm in 120 windows at most.
"""


@dataclass(frozen=True)
class Window:
    """What one window came to."""

    name: str
    rows: int
    moved: list[tuple[str, float]]
    """Features and their PSI, the largest first."""
    unlike: float
    """Share of rows like none of the reference."""
    blind: Evidence
    weighted: Evidence
    realised: Proportion
    evidence: float
    """M."""


def subject(reference: pd.DataFrame, window: pd.DataFrame, roles: dict[str, Any], kind: Any = SavedPredictions) -> Subject:
    """A window without its labels beside a labelled reference."""
    hidden = roles | {"label": None}
    data = {"window": dataset(window, "window", **hidden), "reference": dataset(reference, "reference", **roles)}
    return Subject(data["window"], Predictions(kind(data)), data["reference"], data)


def audited(reference: pd.DataFrame, windows: Iterable[tuple[str, pd.DataFrame]], roles: dict[str, Any]) -> list[Window]:
    """Every window: drift, both estimates, what was realised, and the evidence of decay so far."""
    label, answer = roles["label"], roles["prediction"]
    bound = float((reference[label] == reference[answer]).mean()) - LOSS
    found, detector = [], Detector()
    for name, rows in windows:
        seen = subject(reference, rows.reset_index(drop=True), roles)
        index = measure("drift/psi", seen)
        moved = sorted(((str(one.name).removeprefix("column="), one.estimate.value) for one in index.members), key=lambda one: -one[1])
        weighted = measure("performance/estimated", seen)
        told = next(note for note in weighted.notes if "are like none of" in note)
        hits = Proportion.of((rows[label] == rows[answer]).to_numpy())
        detector = detector.updated(log_e_values(hits, bound, floor=True))
        unlike = float(told.split("%) are like none of")[0].rsplit("(", 1)[1])
        blind = measure("performance/estimated", seen, columns=())
        found.append(Window(name, len(rows), moved, unlike, blind, weighted, hits, math.exp(min(50.0, detector.log_statistic))))
        print(name, flush=True)
    return found


def of(evidence: Evidence) -> tuple[float, float, float]:
    """Value and ends of the only member, judged or only shown."""
    (member,) = (*evidence.members, *evidence.context)
    return (member.estimate.value, *member.estimate.bounds(*ENDS))


def said(value: tuple[float, float, float]) -> str:
    """`.712 [.690, .733]`."""
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def table(found: Sequence[Window], more: Sequence[tuple[str, Sequence[str]]] = ()) -> list[str]:
    """One line a window."""
    heads = ["window", "rows", "moved most (PSI)", "like none of the reference", "accuracy by its scores alone", "by features"]
    heads += ["realised", "decay: M", *(head for head, _ in more)]
    out = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for place, one in enumerate(found):
        low, high = one.realised.bounds(*ENDS)
        moved = ", ".join(f"{name} {value:.2f}" for name, value in one.moved[:2])
        by_features = said(of(one.weighted)) + ("" if one.weighted.members else ", not judged")
        blind = said(of(one.blind)) + ("" if one.blind.members else ", not judged")
        cells = [one.name, f"{one.rows:,}", moved, f"{one.unlike:.1f} %", blind, by_features]
        cells += [
            said((one.realised.value, low, high)),
            f"{one.evidence:.1f}" if one.evidence < _MUCH else f"over {_MUCH:,}",
            *(values[place] for _, values in more),
        ]
        out.append(f"| {' | '.join(cells)} |")
    return out


def summary(found: Sequence[Window]) -> list[str]:
    """In how many windows each interval holds the realised value, and when decay was found."""
    pairs = {"by its scores alone": [of(one.blind) for one in found], "by features": [of(one.weighted) for one in found]}
    out = []
    for name, ends in pairs.items():
        held = sum(low <= one.realised.value <= high for (_, low, high), one in zip(ends, found, strict=True))
        out.append(f"- The interval {name} holds the realised accuracy in {held} of {len(found)} windows.")
    late = next((one.name for one in found if math.log(max(one.evidence, 1e-300)) >= log_threshold(QUIET, 1.0)), None)
    out.append(f"- Decay on labels: {'no alarm' if late is None else f'alarm in window {late}'} (M of {QUIET} or more).")
    return out


def picture(path: Path, title: str, curves: Sequence[Curve], y: str) -> str:
    """Draw it beside the page, and how the page shows it."""
    drawn = lines(Lines(title, "window", y, tuple(curves)), "").drawing
    text = str(drawn).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    path.write_text(text.replace("<title>", f"<style>{STYLE}</style><title>", 1) + "\n", encoding="utf-8")
    return f"![{title}]({path.name})"


def curves_of(found: Sequence[Window]) -> list[Curve]:
    """Estimated with its interval, and realised."""
    at = tuple(float(place) for place in range(1, len(found) + 1))
    value, low, high = (tuple(column) for column in zip(*(of(one.blind) for one in found), strict=True))
    return [
        Curve("realised", at, tuple(one.realised.value for one in found)),
        Curve("estimated by the scores alone", at, value, low, high),
    ]


def drift_of(found: Sequence[Window]) -> list[Curve]:
    """PSI of the four features that moved most."""
    names = sorted({name for one in found for name, _ in one.moved}, key=lambda name: -max(dict(one.moved).get(name, 0.0) for one in found))
    at = tuple(float(place) for place in range(1, len(found) + 1))
    return [Curve(name, at, tuple(dict(one.moved).get(name, 0.0) for one in found)) for name in names[:4]]


def california(data: Path, peer: dict[str, Any] | None, docs: Path) -> list[str]:
    """By month."""
    reference, analysis = (pd.read_csv(data / f"{part}.csv.gz") for part in ("reference", "analysis"))
    features = list(reference.columns[1:9])
    roles = {"label": "clf_target", "prediction": "y_pred", "score": "y_pred_proba", "positive": "1", "time": "timestamp"}
    found = audited(reference, analysis.groupby(analysis.timestamp.str[:7]), roles | {"features": features})
    more, curves = [], curves_of(found)
    if peer is not None:
        theirs = [one["accuracy"][0] for one in peer["california_housing"]]
        more.append((f"NannyML {peer['version']} CBPE", [f"{value:.3f}" for value in theirs]))
        curves.append(Curve("estimated by NannyML", curves[0].x, tuple(theirs), style="expected"))
    return [
        "## california_housing: 12 months of a classifier's answers",
        "",
        picture(docs / "production-california-accuracy.svg", "california_housing: accuracy estimated and realised", curves, "accuracy"),
        "",
        "The months are regions: their rows follow each other along the map, and hardly any is like the reference. Confidence-based",
        "estimation, ours and NannyML's alike, then says a number that the labels contradict in nearly every month. By features",
        "nothing can pass, which is the right answer: a sample must be labelled.",
        "",
        *table(found, more),
        "",
        *summary(found),
        "",
        picture(docs / "production-california-drift.svg", "california_housing: features that moved most", drift_of(found), "PSI"),
    ]


def elec2(data: Path, docs: Path) -> list[str]:
    """By four weeks."""
    frame = pd.read_csv(data / "elec.csv.gz")
    features, label = ["period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"], frame["class"].to_numpy()
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(frame[features][:10_000], label[:10_000])
    score = model.predict_proba(frame[features])[:, 1]
    frame = frame.assign(score=score, answer=(score >= 0.5).astype(int), row=range(len(frame)), same=np.r_[True, label[1:] == label[:-1]])  # noqa: PLR2004  # the usual threshold
    size, first = 28 * 48, 20_000
    parts = [(f"{at:,} to {at + size - 1:,}", frame[at : at + size]) for at in range(first, len(frame) - size + 1, size)]
    roles = {"label": "class", "prediction": "answer", "score": "score", "positive": "1", "features": features, "time": "row"}
    found = audited(frame[10_000:first], parts, roles)
    plain = [f"{part.same.mean():.3f}" for _, part in parts]
    larger = [f"{max(part['class'].mean(), 1 - part['class'].mean()):.3f}" for _, part in parts]
    return [
        f"## elec2: {len(found)} windows of four weeks of electricity prices",
        "",
        f"Gradient boosting trained on the first 10,000 half-hours; the next 10,000 are the labelled reference. Over all {len(frame):,}",
        f'half-hours "the same as the last half-hour" is right in {frame.same[1:].mean():.1%} and the larger class in',
        f"{1 - frame['class'].mean():.1%}: the model is read against both, window by window.",
        "The reference is calibrated otherwise late than early, and most rows of a window are like none of it; what is right for the same",
        "scores changes too, which no estimate without labels sees. Such numbers are shown and not judged; the labels tell at once.",
        "",
        picture(docs / "production-elec2-accuracy.svg", "elec2: accuracy estimated and realised", curves_of(found), "accuracy"),
        "",
        *table(found, [("same as the last half-hour", plain), ("larger class", larger)]),
        "",
        *summary(found),
        "",
        picture(docs / "production-elec2-drift.svg", "elec2: features that moved most", drift_of(found), "PSI"),
    ]


def tutorials(peer: dict[str, Any] | None, folder: Path) -> list[str]:
    """NannyML's own data: its estimate and ours beside what was realised."""
    if peer is None:
        return ["## NannyML's tutorials: left out", "", "No interpreter with nannyml was given (`--peer PYTHON`)."]
    out = [f"## NannyML's tutorials, by NannyML {peer['version']} and by us", ""]
    out += ["What is realised on a chunk is a sample too and varies by chance; our intervals are those of the score that all rows"]
    out += ["of its kind would have.", ""]
    plain = {"label": "repaid", "prediction": "y_pred", "score": "y_pred_proba", "positive": "1", "time": "timestamp"}
    reference, analysis = (pd.read_csv(folder / f"car_loan-{part}.csv") for part in ("reference", "analysis"))
    out += ["Car loans, chunks of 5,000 rows: estimated against realised (CBPE; ours by the scores alone).", ""]
    out += ["| rows | accuracy: NannyML | ours | realised | area: NannyML | ours | realised |", "|---|---|---|---|---|---|---|"]
    for place, one in enumerate(peer["car_loan"]):
        seen = subject(reference, analysis[5000 * place : 5000 * (place + 1)].reset_index(drop=True), plain)
        ours = {metric: said(of(measure("performance/estimated", seen, metric=metric, columns=()))) for metric in ("accuracy", "roc_auc")}
        cells = [f"{value:.3f}" for metric in ("accuracy", "roc_auc") for value in one[metric]]
        out.append(f"| {one['chunk']} | {cells[0]} | {ours['accuracy']} | {cells[1]} | {cells[2]} | {ours['roc_auc']} | {cells[3]} |")
    reference, analysis = (pd.read_csv(folder / f"car_price-{part}.csv") for part in ("reference", "analysis"))
    features = [name for name in reference.columns if name not in {"id", "timestamp", "y_true", "y_pred"}]
    roles = {"label": "y_true", "prediction": "y_pred", "features": features, "time": "timestamp"}
    out += ["", "Car prices, chunks of 6,000 rows: mean absolute error estimated against realised (DLE).", ""]
    out += ["| rows | NannyML | ours | realised |", "|---|---|---|---|"]
    for place, one in enumerate(peer["car_price"]):
        seen = subject(reference, analysis[6000 * place : 6000 * (place + 1)].reset_index(drop=True), roles, SavedValues)
        found = measure("performance/estimated_error", seen)
        value, low, high = of(found)
        judged = "" if found.members else ", not judged"
        out.append(f"| {one['chunk']} | {one['mae'][0]:.1f} | {value:.1f} [{low:.1f}, {high:.1f}]{judged} | {one['mae'][1]:.1f} |")
    return out


def main() -> None:
    """Audit what is there, print the page, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the data sets")
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter that has nannyml")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        docs = given.write.parent if given.write else Path(work)
        sections, peer = [], None
        housing, prices = given.data / "california_housing", given.data / "elec2"
        if given.peer and housing.is_dir():
            for part in ("reference", "analysis"):
                (Path(work) / f"{part}.csv.gz").write_bytes((housing / f"{part}.csv.gz").read_bytes())
            script = Path(__file__).with_name("peer_nannyml.py")
            done = subprocess.run([given.peer, str(script), work], capture_output=True, text=True, check=True)
            peer = json.loads(done.stdout.strip().splitlines()[-1])
        sections.append(california(housing, peer, docs) if housing.is_dir() else ["## california_housing: left out, not in the folder"])
        sections.append(elec2(prices, docs) if prices.is_dir() else ["## elec2: left out, not in the folder"])
        sections.append(tutorials(peer, Path(work)))
        page = INTRODUCTION + "\n" + "\n\n".join("\n".join(section) for section in sections) + "\n"
        print(page)
        if given.write:
            given.write.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
