"""Schema: columns that are missing from the current window, that it adds, and that hold another kind of value than before.

Purpose      Find a feed or an export whose columns changed, before anything is measured on them.
Risk         Above 0: the model reads columns that are gone, or numbers that have become words, and answers all the same.
Limitations  Compares names and kinds, not values: a unit that changed keeps its kind (drift/distance). Columns with a role other than
             feature, sensitive feature or text are not compared, because labels and predictions often come later. A column that is empty
             in one window counts as changed.
Reference    Breck et al., Data validation for machine learning, MLSys 2019. A census: nothing is sampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.check import Params
from audit.checks.drift import drift_check
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Slice
from audit.metrics import windows
from audit.stats import Census

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.datasets import Dataset
    from audit.subject import Subject


class SchemaParams(Params):
    """What is not compared."""

    ignore: tuple[str, ...] = ()
    """Columns that may come, go or change."""


def measure(subject: Subject, params: SchemaParams, _rng: Generator) -> Evidence:
    """The number of columns missing, added and changed."""
    reference, current = windows.pair(subject)
    before, now = (_kinds(data, params.ignore) for data in (reference, current))
    if not before and not now:
        msg = f"{reference.role} and {current.role} have no feature column and no text"
        raise CannotMeasure(msg)
    changes = {
        "missing": [name for name in before if name not in now],
        "added": [name for name in now if name not in before],
        "kind changed": [f"{name} ({before[name]}, now {now[name]})" for name in before if name in now and before[name] != now[name]],
    }
    looked_at = len({*before, *now})
    return Evidence(
        members=tuple(Member(Slice((("columns", change),)), Census(len(names), looked_at)) for change, names in changes.items()),
        unit="columns",
        rows=reference.rows + current.rows,
        notes=tuple(f"Columns {change}: {', '.join(names)}." for change, names in changes.items() if names),
    )


def _kinds(data: Dataset, ignored: tuple[str, ...]) -> dict[str, str]:
    """The kind of each column that a model may read, by its name."""
    names = dict.fromkeys((*data.feature_names(), *data.columns.sensitive, *([data.columns.text] if data.columns.text else [])))
    return {name: data.kind(name).name for name in names if name in data.cells.names and name not in ignored}


CHECK = drift_check(
    measure=measure,
    question="Does the current data have the columns of the reference data, of the same kinds?",
    remedy="Restore the column at its source; if the change is meant, test the model on the new columns or put them into `ignore`.",
    unit="columns",
    params=SchemaParams,
    census=True,
    counts_samples=True,
    highest=float("inf"),
)
