"""What every mapping of a policy file is made of: strictness, names of roles, durations."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints

ROLE = r"^[A-Za-z][A-Za-z0-9_-]*$"
DURATION = r"^[1-9][0-9]{0,3} ?(d|days?|w|weeks?)$"
Role: TypeAlias = Annotated[str, StringConstraints(pattern=ROLE)]
"""A data set's name, which also names files of the bundle."""
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
Duration: TypeAlias = Annotated[str, StringConstraints(pattern=DURATION)]
_DURATION = re.compile(r"([1-9]\d{0,3})\s*(d|days?|w|weeks?)?")


class Strict(BaseModel):
    """A mapping of the policy file: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def days(duration: int | str | None) -> int | None:
    """Days of 90, `90d` or `12 weeks`; None where it is not set or no duration."""
    match = _DURATION.fullmatch(str(duration).strip())
    if match is None:
        return None
    return int(match[1]) * (7 if (match[2] or "d").startswith("w") else 1)
