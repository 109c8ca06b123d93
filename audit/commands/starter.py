"""What a starter policy rests on: data sets with the roles of their columns, as names, cells and a person tell them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from audit.datasets import canonical
from audit.datasets.guessed_roles import NAMES, reads_as_text
from audit.datasets.table import MOST_CLASSES
from audit.errors import InputError
from audit.policy.messages import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from audit.datasets import Dataset

_MORE_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "date", "created_at"),
    "group": ("customer_id", "user_id", "patient_id", "group_id"),
}
_SENSITIVE = (
    *("gender", "sex", "race", "ethnicity", "age_group", "religion", "disability", "nationality", "region"),
    *("marital", "marital_status", "foreign_worker"),
)
_CLEAR_SCORES = frozenset(NAMES["score"]) - {"score"}
"""Names of scores that no feature has."""
SELF_EVIDENT = ({"0", "1"}, {"false", "true"})
"""Classes of which the positive one needs no naming."""
_SHOWN = 6
"""Columns that may be the label, of which a message names so many."""
Ask: TypeAlias = "Callable[[str, str], str]"
"""Puts a question with its suggestion, and gives the answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the folder holds."""

    data: dict[str, Dataset]
    """By role; there is always a `test`."""
    roles: dict[str, str]
    """Of the test set's columns."""
    classes: tuple[str, ...]
    """Of the label, in falling order of their rows; empty where the label is missing or a number."""
    model: tuple[str, Path] | None
    """Kind and path."""
    sensitive: tuple[str, ...]
    spread: float | None = None
    """Mean distance of the labels from their middle, where they are numbers; None where they are classes, or missing."""
    positive: str | None = None
    """As somebody said; None where it is guessed."""
    owner: str | None = None


def described(
    tables: dict[str, Dataset],
    given: Mapping[str, str],
    model: tuple[str, Path] | None = None,
    ask: Ask | None = None,
    *,
    unlabelled: bool = False,
) -> Found:
    """Data sets with the roles of their columns: those that are given, and those that names, cells and a person tell.

    Without a label they are refused, unless they may be `unlabelled`.
    """
    test = tables["test"]
    columns = {name.lower(): name for name in test.cells.names}
    given = dict(given)
    positive = given.pop("positive", None)
    said = given.pop("sensitive", None)
    named = {role: next((columns[one] for one in names if one in columns), None) for role, names in (NAMES | _MORE_NAMES).items()}
    named = {role: column for role, column in named.items() if column is None or _can_be(test, role, column)}
    roles = {role: column for role, column in named.items() if column is not None and column not in given.values()} | given
    if "label" not in roles and ask is not None:
        roles["label"] = _asked_label(test, roles, ask)
        roles = {role: column for role, column in roles.items() if role == "label" or column != roles["label"]}
    _refuse_unclear(test, roles, unlabelled=unlabelled)
    classes = _classes(test, roles.get("label"))
    if "score" in roles and "score" not in given and _no_score(test, roles, classes) is not None:
        roles.pop("score")
    sensitive = tuple(columns[one] for one in _SENSITIVE if one in columns and not test.blank(columns[one]).all())
    sensitive = tuple(column for column in sensitive if column not in roles.values())
    if said is not None:
        sensitive = _listed(said)
    elif ask is not None:
        sensitive = _listed(ask("Which columns name groups of people to compare, separated by commas?", ", ".join(sensitive)))
    _refuse_unclear(test, roles | {f"sensitive.{place}": column for place, column in enumerate(sensitive)}, unlabelled=unlabelled)
    found = Found(tables, roles, classes, model, sensitive, _spread(test, roles), positive)
    return found if ask is None else _with_answers(found, ask)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for one in text.strip("[] ").split(",") if (part := one.strip()))


def _asked_label(test: Dataset, roles: Mapping[str, str], ask: Ask) -> str:
    few = [one for one in test.cells.names if one not in roles.values() and 2 <= test.cells.column(one).nunique() <= MOST_CLASSES]  # noqa: PLR2004  # two classes
    return ask(f"Which column holds the true answers? {', '.join(test.cells.names)}", few[-1] if few else "")


def _with_answers(found: Found, ask: Ask) -> Found:
    """With what only a person knows: the positive class, and who answers for the model."""
    positive = found.positive
    if positive is None and len(found.classes) == 2 and set(found.classes) not in SELF_EVIDENT:  # noqa: PLR2004  # two classes
        label = found.roles["label"]
        positive = ask(f"Which value of {label} is the favourable or sought one? {', '.join(found.classes)}", likely_positive(found)[1])
    return replace(found, positive=positive, owner=ask("Who answers for the model? A team or an address; Enter leaves it open", "") or None)


def left_out(found: Found) -> Iterator[tuple[str, str]]:
    """Every column of the test set without a role, with the reason."""
    test = found.data["test"]
    taken = {*found.roles.values(), *found.sensitive}
    known = {name: role for role, names in (NAMES | _MORE_NAMES).items() for name in names}
    for column in test.cells.names:
        if column in taken:
            continue
        role = known.get(column.lower())
        if role is None:
            why = "is all blank" if test.blank(column).all() else "no usual name of a role: counts as a feature"
        elif role in found.roles:
            why = f"{role} is {found.roles[role]}: counts as a feature"
        else:
            why = f"{_why_not(found, role, column)}: counts as a feature; --column {role}={column} makes it the {role}"
        yield column, why


def _why_not(found: Found, role: str, column: str) -> str:
    test = found.data["test"]
    if role == "id":
        return "its values repeat or are missing, so it is no id"
    if role == "text":
        return "few of its cells are filled and different, so it is not taken for the text"
    return _no_score(test, {**found.roles, "score": column}, found.classes) or f"it is not taken for the {role}"


def _can_be(test: Dataset, role: str, column: str) -> bool:
    """Whether the cells of a column can play the role that its name suggests."""
    if role == "id":
        return bool(test.cells.column(column).is_unique) and not test.blank(column).any()
    return role != "text" or reads_as_text(test, column)


def _no_score(test: Dataset, roles: Mapping[str, str], classes: tuple[str, ...]) -> str | None:
    """Why a column is no score of the label's positive class; None where it is one by its values and its name, or beside a prediction.

    A column called `score` may as well be a feature, such as a credit score: it counts only where a prediction follows from it.
    """
    from pandas.api import types

    score, cells = roles["score"], test.cells.column(roles["score"])
    if len(classes) != 2:  # noqa: PLR2004  # two classes
        return "the label has not two classes, so it is no score of one"
    if not types.is_numeric_dtype(cells) or types.is_bool_dtype(cells) or not bool(cells.between(0, 1).all()):
        return "its values are not all between 0 and 1, so it is no probability"
    if score.lower() in _CLEAR_SCORES:
        return None
    if "prediction" not in roles:
        return "without predictions beside it it may be a feature, so it is not taken for the score"
    ends = cells.groupby(test.cells.column(roles["prediction"]).map(canonical)).agg(["min", "max"]).sort_values("min")
    if len(ends) == 1 or ends["max"].iloc[0] <= ends["min"].iloc[-1]:
        return None
    return "the predictions do not follow from it, so it is not taken for the score"


def _refuse_unclear(test: Dataset, roles: Mapping[str, str], *, unlabelled: bool) -> None:
    """Without a label nothing can be asked of a model, and which column it is cannot be guessed."""
    columns = list(test.cells.names)
    for role, column in roles.items():
        if column not in columns:
            msg = f"--column {role}={column}: {test.path} has no such column; {nearest(column, columns, 'it has ' + ', '.join(columns))}"
            raise InputError(msg)
    if "label" not in roles and not unlabelled:
        few = [f"{one} ({count} values)" for one in columns if 2 <= (count := test.cells.column(one).nunique()) <= MOST_CLASSES]  # noqa: PLR2004  # two classes
        likely = f"; columns of a few values are {', '.join(few[::-1][:_SHOWN])}" if few else ""
        msg = f"{test.path}: no column has a usual name for labels ({', '.join(NAMES['label'])}){likely}: "
        msg += "say which holds the true answers, with --column label=NAME, and with --column prediction=NAME what a model said"
        raise InputError(msg)


def _classes(test: Dataset, label: str | None) -> tuple[str, ...]:
    if label is None:
        return ()
    counts = test.cells.column(label).map(canonical).value_counts()
    return tuple(str(one) for one in counts.index) if len(counts) <= MOST_CLASSES else ()


def _spread(test: Dataset, roles: dict[str, str]) -> float | None:
    label = roles.get("label")
    if label is None or "text" in roles or not test.continuous(label):
        return None
    numbers = test.cells.column(label).dropna().astype(float)
    return float((numbers - numbers.median()).abs().mean())


def likely_positive(found: Found) -> tuple[str, str]:
    """Why a class may be the positive one, and which."""
    score, label = found.roles.get("score"), found.roles["label"]
    if score is None:
        return "rarer class", found.classes[-1]
    cells = found.data["test"].cells
    means = cells.column(score).groupby(cells.column(label).map(canonical)).mean()
    return f"class with the higher {score}", str(means.idxmax())
