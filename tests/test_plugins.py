"""Checks of other distributions, by the entry point `audit.checks`: found, named in the evidence, and never left out in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.running import policy, table

CHECK = '''"""Shouting: share of rows whose prediction is written in capitals.

Purpose      Show how often it shouts.
Risk         High: readers feel shouted at.
Limitations  Looks at letters alone.
Reference    Count of capitals; interval of Wilson, JASA 1927.
"""

from audit.check import Check, NoParams
from audit.evidence import Evidence, Member
from audit.metrics.groups import part
from audit.stats import Proportion


def measure(subject, _params, _rng):
    loud, clusters = subject.y_pred() == "1", subject.clusters()
    members = tuple(Member(name, Proportion.of(loud[rows], part(clusters, rows))) for name, rows in subject.slices())
    return Evidence(members=members, unit="share of rows", rows=len(loud))


CHECK = Check(
    measure=measure,
    question="Does it shout?",
    remedy="Train it on calmer texts.",
    measures="model",
    characteristics=("safe",),
    rmf=("MEASURE 2.6",),
    better="lower",
    unit="share of rows",
    needs=frozenset({"predictions"}),
    by="slices",
)
'''


def distribution(site: Path, points: dict[str, str], modules: dict[str, str], name: str = "acme-checks") -> Path:
    """What pip leaves behind when it has installed a small distribution."""
    package = site / name.replace("-", "_")
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    for module, text in modules.items():
        (package / f"{module}.py").write_text(text)
    facts = site / f"{name.replace('-', '_')}-1.2.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    lines = [f"{check_id} = {value}" for check_id, value in points.items()]
    (facts / "entry_points.txt").write_text("\n".join(["[audit.checks]", *lines, ""]))
    return site


def run(site: Path, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`audit` in a process that sees the distributions in the folder."""
    paths = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH", str(Path(__file__).parents[1]))])])
    environment = os.environ | {"PYTHONPATH": paths, "AUDIT_CACHE": str(site / "cache")}
    return subprocess.run(
        [sys.executable, "-m", "audit", *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return distribution(tmp_path / "site", {"acme/shouting": "acme_checks.shouting"}, {"shouting": CHECK})


def test_it_is_listed_and_explained_with_its_distribution(site: Path) -> None:
    listed = run(site, "checks")
    assert listed.returncode == 0, listed.stderr
    assert "acme: (acme-checks 1.2)\n  acme/shouting" in listed.stdout
    explained = " ".join(run(site, "explain", "acme/shouting").stdout.split())
    assert "readers feel shouted at" in explained
    assert "Distribution acme-checks 1.2" in explained
    assert "acme/shouting" in run(site, "schema").stdout


def test_a_policy_asks_for_it_and_the_bundle_names_its_distribution(site: Path, tmp_path: Path) -> None:
    table().to_csv(tmp_path / "test.csv", index=False)
    made = policy({"check": "performance/accuracy", "min": 0.8}, {"check": "acme/shouting", "max": 0.7, "by": ["group"]}, tier=3)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(made))
    done = run(site, "run", "policy.yaml", "-o", "out", cwd=tmp_path)
    (path,) = (tmp_path / "out").glob("*/results.json")
    results = json.loads(path.read_text(encoding="utf-8"))
    assert results["run"]["environment"]["acme-checks"] == "1.2"
    assert [(one["id"], one["status"]) for one in results["findings"]] == [("performance/accuracy", "pass"), ("acme/shouting", "pass")]
    assert done.returncode == results["exit_code"]
    assert "Measured by acme-checks 1.2" in path.with_name("report.html").read_text(encoding="utf-8")


def test_rows_that_the_candidate_has_learned_from_prove_nothing_for_it_either(site: Path, tmp_path: Path) -> None:
    """It measures the model, so the rule applies that once named the families to which it applies."""
    for role in ("test", "train"):
        table().to_csv(tmp_path / f"{role}.csv", index=False)
    sets = {role: {"path": f"{role}.csv"} for role in ("test", "train")}
    made = policy({"check": "acme/shouting", "max": 0.7}, datasets=sets, tier=3)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(made))
    assert run(site, "run", "policy.yaml", "-o", "out", cwd=tmp_path).returncode == 1
    (path,) = (tmp_path / "out").glob("*/results.json")
    assert "trained-on" in [one["rule"] for one in json.loads(path.read_text(encoding="utf-8"))["reasons"]]


@pytest.mark.parametrize(
    ("point", "value", "text", "code", "said"),
    [
        ("acme/broken", "acme_checks.broken", "raise OSError('no licence file')", 3, "cannot be imported (OSError: no licence file)"),
        ("acme/broken", "acme_checks.broken", "raise SystemExit(0)", 3, "cannot be imported (SystemExit: 0)"),
        ("acme/broken", "acme_checks.absent", "", 3, "cannot be imported (ModuleNotFoundError"),
        ("acme/broken", "acme_checks.broken", CHECK.replace('    measures="model",\n', ""), 3, "cannot be imported (TypeError"),
        ("acme/broken", "acme_checks.broken", CHECK.replace("CHECK =", "CHEQUE ="), 2, "defines no `CHECK = Check(...)`"),
        ("acme/broken", "acme_checks.broken", CHECK.replace("Risk  ", "Danger"), 2, "the docstring of acme_checks.broken lacks Risk"),
        ("acme/broken", "acme_checks.broken", CHECK.replace('"safe"', '"sound"'), 2, "covers sound, which is no characteristic"),
        ("broken", "acme_checks.broken", CHECK, 2, "the entry point 'broken' is no id of a check: name it vendor/name"),
        ("fairness/broken", "acme_checks.broken", CHECK, 2, "takes the prefix fairness/ of the tool's own checks"),
    ],
)
def test_a_broken_one_is_one_clear_error(tmp_path: Path, point: str, value: str, text: str, code: int, said: str) -> None:
    """Never silence, and never a traceback; `--help` still answers."""
    site = distribution(tmp_path / "site", {point: value}, {"broken": text})
    done = run(site, "checks")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
    assert "acme-checks 1.2" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(site, "--help").returncode == 0


def test_two_distributions_that_bring_the_same_check(site: Path) -> None:
    distribution(site, {"acme/shouting": "other_checks.shouting"}, {"shouting": CHECK}, name="other-checks")
    done = run(site, "checks")
    assert done.returncode == 2
    assert "both bring the check acme/shouting: uninstall one of them" in done.stderr
