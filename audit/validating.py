"""What `audit validate` says of a policy beyond its shape."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from audit import plan
from audit.session import read_datasets
from audit.terminal import neutral

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.policy import LoadedPolicy


def told(loaded: LoadedPolicy) -> Iterator[str]:
    """One line a remark, after the rules that need the data, where the data are there; what breaks a rule is raised."""
    datasets = loaded.policy.datasets
    here = {role for role, spec in datasets.items() if os.path.exists(loaded.resolve(spec.path))}  # noqa: PTH110  # Path.exists raises where it may not look
    absent = [spec.path for role, spec in datasets.items() if role not in here]
    if absent:
        yield neutral(f"not here, so their columns are not checked: {', '.join(absent)}")
    read = read_datasets(loaded, only=here)
    plan.check_columns(loaded, read)
    yield from (neutral(remark.text) for remark in plan.remarks(loaded.policy))
    if not absent:
        from audit.planning import lint

        yield from (neutral(str(one)) for one in lint.warnings(loaded, read))
