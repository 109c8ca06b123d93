"""Changes of shares of rows between two windows: one difference for each direction, since either may break a bound."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.evidence import Bars, Member, Pair, Slice
from audit.metrics import groups, windows
from audit.stats import Difference

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from numpy.typing import NDArray

    from audit.subject import Subject

    Flags: TypeAlias = "tuple[NDArray[np.bool_], NDArray[np.bool_]]"
    """(n,) of the rows of the reference window and (m,) of the current one."""


def changes(subject: Subject, column: str, flags: Mapping[str, Flags]) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """The change of each share of flagged rows in both directions, and the shares themselves; named by `column` and the flags' name."""
    reference, current = windows.pair(subject)
    entities = windows.entities(subject)
    members, shares = [], []
    for name, (before, now) in flags.items():
        names = [Slice((("window", data.role), (column, name))) for data in (current, reference)]
        share = [groups.share(now, entities[current.role]), groups.share(before, entities[reference.role])]
        members += [Member(Pair(names[i], names[1 - i]), share[i].compare(share[1 - i], Difference)) for i in (0, 1)]
        shares += [Member(one, rate.estimate) for one, rate in zip(names, share, strict=True)]
    return tuple(members), tuple(shares)


def class_changes(
    subject: Subject, labels: tuple[NDArray[np.str_], NDArray[np.str_]]
) -> tuple[tuple[Member, ...], tuple[Member, ...], dict[str, Flags]]:
    """As `changes`, of the classes that decide, and the flags of every class: of the labels of the reference and of the current window."""
    before, now = labels
    classes = sorted({*subject.classes, *(str(name) for side in labels for name in np.unique(side))})
    flags = {name: (before == name, now == name) for name in classes}
    members, shares = changes(subject, "class", {name: flags[name] for name in _judged_classes(subject, classes)})
    return members, shares, flags


def _judged_classes(subject: Subject, classes: list[str]) -> list[str]:
    """The positive class where there are two and it is known, for the other one moves as much; else every class."""
    with suppress(CannotMeasure):
        if len(classes) == 2:  # noqa: PLR2004  # two classes
            return [subject.positive]
    return classes


def class_bars(title: str, flags: Mapping[str, Flags], roles: tuple[str, str]) -> Bars:
    """The shares of all classes in both windows; `roles` are those of the reference and the current one."""
    spread = [tuple(float(np.mean(one[side])) for one in flags.values()) for side in (0, 1)]
    return Bars(title, tuple(flags), spread[1], spread[0], roles)
