"""What became of a waiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Standing: TypeAlias = Literal["in_force", "void", "unused"]


@dataclass(frozen=True, slots=True)
class WaiverState:
    """What became of one waiver of the policy's folder."""

    id: str
    check: str
    """Id of the requirement that it is for."""
    file: str
    standing: Standing
    why: tuple[str, ...]
    """All that voids it, or why nobody uses it; nothing where it is in force."""
    warning: str
    """That it ends soon, if it does."""
    until: str
    """ISO 8601, UTC."""
    approved_by: tuple[str, ...]
    """As the file says; verified where it is in force."""
    reason: str
    risk_accepted: str
    controls: tuple[str, ...]
    remedy: str
