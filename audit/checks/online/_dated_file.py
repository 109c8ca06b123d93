"""A dated file of evidence from use: its fields, and whether it still counts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from audit.errors import CannotMeasure, InputError
from audit.ledger import times
from audit.policy.schema import DIGEST, SEVERITIES, Severity
from audit.policy.strict import Strict, Text
from audit.policy.written_file import Day, read_as

if TYPE_CHECKING:
    from datetime import date

Kind: TypeAlias = Literal["ab_test", "engagement", "ratings", "incidents", "overrides"]
Whole = Annotated[int, Field(ge=0, strict=True)]
Some = Annotated[int, Field(ge=1, strict=True)]


class Period(Strict):
    """The days on which it was measured, both included."""

    since: Day
    until: Day

    @model_validator(mode="after")
    def _forward(self) -> Period:
        if self.until < self.since:
            msg = f"ends on {self.until} and begins on {self.since}: set `until` to the last day"
            raise ValueError(msg)
        return self


class Outcome(Strict):
    """What was counted or measured of so many independent people, sessions or cases."""

    n: Some
    hits: Whole | None = Field(None, description="how many of them did what is counted")
    mean: FiniteFloat | None = Field(None, description="mean of a number, in place of hits")
    deviation: Annotated[FiniteFloat, Field(ge=0)] | None = Field(None, description="its standard deviation, ddof 1")

    @model_validator(mode="after")
    def _one_form(self) -> Outcome:
        if (self.hits is None) == (self.mean is None) or (self.mean is None) != (self.deviation is None):
            msg = "give n and hits, or n, mean and deviation"
            raise ValueError(msg)
        if self.hits is not None and self.hits > self.n:
            msg = f"counts {self.hits} hits among {self.n}"
            raise ValueError(msg)
        return self


class AbTest(Strict):
    """A randomised comparison in use."""

    control: Outcome
    candidate: Outcome
    better: Literal["higher", "lower"] = "higher"

    @model_validator(mode="after")
    def _alike(self) -> AbTest:
        if (self.control.hits is None) != (self.candidate.hits is None):
            msg = "counts hits in one arm and gives a mean in the other: give both arms in one form"
            raise ValueError(msg)
        return self


class Ratings(Strict):
    """Ratings by users or raters, one a row of a table."""

    path: Text = Field(description="CSV file with the columns item, rater and rating, beside this file")
    scale: tuple[FiniteFloat, FiniteFloat] = Field(description="lowest and highest rating that can be given")


class Incident(Strict):
    """Something that went wrong in use."""

    id: Text
    summary: Text
    severity: Severity
    opened: Day
    closed: Day | None = None
    owner: Text
    due: Day


class Overrides(Strict):
    """Decisions of the system that people looked at, and how many of these they overrode."""

    n: Some
    overridden: Whole

    @model_validator(mode="after")
    def _some_of_them(self) -> Overrides:
        if self.overridden > self.n:
            msg = f"{self.overridden} of {self.n} decisions cannot be overridden"
            raise ValueError(msg)
        return self


class Declared(Strict):
    """Evidence from use, as its file says it."""

    source: Text = Field(description="who measured it, where it can be looked up")
    measured: Period
    expires: Day = Field(description="last day on which it counts")
    candidate: Annotated[str, StringConstraints(pattern=DIGEST)] | None = Field(None, description="digest of the model that was in use")
    metric: Text | None = None
    ab_test: AbTest | None = None
    engagement: Outcome | None = None
    ratings: Ratings | None = None
    incidents: tuple[Incident, ...] | None = None
    overrides: Overrides | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Declared:
        ids = [one.id for one in self.incidents or ()]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            msg = f"names the incident {twice[0]} twice"
            raise ValueError(msg)
        return self


def read(project: str, file: str, kind: Kind, candidate_sha256: str) -> tuple[Declared, str]:
    """The file and its digest. CannotMeasure where it cannot be read, holds another kind, is about another model, or is out of date."""
    path = inside(project, file)
    try:
        _, tree, text = read_as(path, file, Declared)
    except InputError as error:
        raise CannotMeasure("; ".join(error.lines)) from error
    said = Declared.model_validate(tree)
    if getattr(said, kind) is None:
        held = [name for name in ("ab_test", "engagement", "ratings", "incidents", "overrides") if getattr(said, name) is not None]
        msg = f"{file} holds {' and '.join(held) or 'no evidence'}, not {kind}: set `kind` to what it holds, or name another file"
        raise CannotMeasure(msg)
    today = times.now().date()
    if problem := _out_of_date(said, today) or _of_another(said, candidate_sha256):
        msg = f"{file}: {problem}"
        raise CannotMeasure(msg)
    return said, hashlib.sha256(text.encode()).hexdigest()


def inside(project: str, file: str) -> Path:
    """A file of the project folder; links that lead out of it are refused."""
    path = Path(project, file)
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(project)):
        msg = f"{file} lies outside the project folder: keep evidence from use inside it"
        raise CannotMeasure(msg)
    return path


def _out_of_date(said: Declared, today: date) -> str | None:
    if said.expires < today:
        return f"absent: it expired on {said.expires}, and stale evidence proves nothing: measure again and date the file anew"
    if said.measured.until > today:
        return f"measured until {said.measured.until}, which is still to come: evidence is of days that are over"
    if said.expires < said.measured.until:
        return f"expires on {said.expires}, before it was measured: set `expires` to the last day on which it counts"
    late = [one for one in said.incidents or () if one.opened > today or (one.closed is not None and not one.opened <= one.closed <= today)]
    if late:
        return f"incident {late[0].id} is opened or closed on a day that is still to come, or closed before it was opened: mend its dates"
    return None


def _of_another(said: Declared, candidate_sha256: str) -> str | None:
    if said.candidate is None or said.candidate == candidate_sha256:
        return None
    named, here = said.candidate[:12], candidate_sha256[:12]
    return f"absent: it is about the model {named}, and the candidate is {here}: evidence from use is of one model"


def rank(severity: Severity) -> int:
    """0 for critical, more for less."""
    return SEVERITIES.index(severity)
