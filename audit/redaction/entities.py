"""What a finder returns: a stretch of a text that holds personal data of one kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SURE = 1.0
"""Score of a match that a check digit or a register confirms."""
COUNTED = 0.5
"""Score from which a match counts unless the policy says otherwise."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One stretch of a text."""

    kind: str
    start: int
    end: int
    score: float

    def overlaps(self, other: Entity) -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end

    def inside(self, other: Entity) -> bool:
        """Whether it lies wholly inside another."""
        return other.start <= self.start and self.end <= other.end


def without_overlaps(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """In the order of the text; of two that overlap the surer one, then the longer one."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda entity: (-entity.score, entity.start - entity.end, entity.start, entity.kind)):
        if not any(entity.overlaps(other) for other in kept):
            kept.append(entity)
    return tuple(sorted(kept, key=lambda entity: entity.start))
