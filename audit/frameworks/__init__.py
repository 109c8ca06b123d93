"""Risk frameworks as versioned data: what they ask for, and what can stand as evidence for it."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # pydantic needs the type at run time
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class _Entry(BaseModel):
    """A mapping of a framework's file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Function(_Entry):
    """One of the framework's functions, such as `MEASURE`."""

    id: str
    summary: str


class Category(_Entry):
    """A group of subcategories, such as `MEASURE 2`."""

    id: str
    function: str
    summary: str


class Subcategory(_Entry):
    """One outcome that the framework asks for, such as `MEASURE 2.11`."""

    id: str
    category: str
    summary: str
    evidence: Literal["measured", "declared", "organisational"]
    """The kind of evidence that can stand for it."""
    by: tuple[str, ...]
    """Families of checks and fields that yield it."""
    supporting: tuple[str, ...] = ()

    @property
    def function(self) -> str:
        """Id of its function."""
        return self.id.split()[0]

    @property
    def oscal_id(self) -> str:
        """As an OSCAL catalogue names it: `measure-2.11`."""
        return self.id.lower().replace(" ", "-")


class Trait(_Entry):
    """A characteristic of trustworthy AI."""

    id: str
    name: str
    declared: str | None = None
    """A declared fact that stands for it where no check does."""


class Framework(_Entry):
    """A framework in one version."""

    id: str
    name: str
    version: str
    publication: str
    published: date
    functions: tuple[Function, ...]
    characteristics: tuple[Trait, ...]
    categories: tuple[Category, ...]
    subcategories: tuple[Subcategory, ...]


@cache
def nist_ai_rmf() -> Framework:
    """NIST AI RMF 1.0."""
    text = resources.files("audit.frameworks").joinpath("nist_ai_rmf_1_0.yaml").read_text(encoding="utf-8")
    return Framework.model_validate(yaml.safe_load(text))


class Clause(_Entry):
    """One clause, control or risk of a law, standard or profile."""

    id: str
    """As the text numbers it."""
    summary: str
    """In our own words: some of the texts are under copyright."""
    by: tuple[str, ...]
    """Families of checks, checks and declared fields that yield evidence for it; none where only people can."""
    owed: str
    """What people still have to do, whatever was measured; empty where that is nothing of their own."""


class Crosswalk(_Entry):
    """A law, standard or profile in one version, and what of it an audit's evidence supports."""

    id: str
    name: str
    publication: str
    kind: Literal["law", "standard", "profile"]
    version: str
    note: str
    clauses: tuple[Clause, ...]


CROSSWALKS = ("eu_ai_act", "iso_iec_42001", "iso_iec_24029", "nist_ai_600_1", "nyc_ll144")


@cache
def crosswalks() -> tuple[Crosswalk, ...]:
    """All of them, in the report's order."""
    files = resources.files("audit.frameworks")
    return tuple(
        Crosswalk.model_validate(yaml.safe_load(files.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))) for name in CROSSWALKS
    )
