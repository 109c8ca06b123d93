"""Work that `benchmarks.drift_speed` times, each in a process of its own: `PYTHON drift_work.py TASK ARGUMENTS` prints one line of JSON.

Evidently and NannyML run in an interpreter that need not have this project, so that nothing but the standard library is imported above.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SHIFT, PERMUTATIONS, SEED = 0.005, 100, 5


def windows(rows: int, columns: int, shift: float) -> Any:
    """Two windows of normal numbers."""
    import numpy as np

    rng = np.random.default_rng(1)
    return rng.normal(size=(rows, columns)), rng.normal(shift, size=(rows, columns))


def subject(before: Any, now: Any) -> Any:
    """Both windows as tables."""
    import pandas as pd

    from audit.testing import subject as made

    frames = [pd.DataFrame(rows).add_prefix("x").assign(prediction="a") for rows in (before, now)]
    return made(frames[1], reference=frames[0])


def timed(work: Callable[[], Any]) -> tuple[dict[str, Any], Any]:
    """Seconds by the clock and on processors, peak memory of the process in GB, and the result."""
    started, used = time.perf_counter(), time.process_time()
    found = work()
    cost = {"seconds": time.perf_counter() - started, "processor": time.process_time() - used}
    return cost | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}, found


def mmd_alibi(rows: str) -> dict[str, Any]:
    """alibi-detect's default detector."""
    import torch
    from alibi_detect import cd

    before, now = windows(int(rows), 384, SHIFT)

    def work() -> Any:
        detector = cd.MMDDrift(before, backend="pytorch", n_permutations=PERMUTATIONS, device="cpu")
        torch.manual_seed(SEED)
        return detector, detector.predict(now)["data"]

    used, (detector, found) = timed(work)
    return used | {"p": float(found["p_val"]), "squared": float(found["distance"]), "sigma": float(detector._detector.kernel.sigma[0])}  # noqa: SLF001  # it tells its bandwidth nowhere else


def mmd_audit(rows: str, sigma: str) -> dict[str, Any]:
    """The check; and p on the other's bandwidth, sigma, by its permutations, which is not timed."""
    from audit.testing import measure

    before, now = windows(int(rows), 384, SHIFT)
    seen = subject(before, now)
    measure("drift/ks", subject(before[:50, :2], now[:50, :2]))  # reads the catalogue of checks, as any audit has before
    used, found = timed(lambda: measure("drift/mmd", seen, max_rows=10_000, permutations=PERMUTATIONS))
    (note,) = [note for note in found.notes if note.startswith("Is there a change: p = ")]
    return used | {"p": float(note.split("p = ")[1].split(",")[0]), **_by_their_permutations(before, now, float(sigma))}


def _by_their_permutations(before: Any, now: Any, sigma: float) -> dict[str, float]:
    import numpy as np
    import torch

    from audit.checks.drift import _kernel

    kernel = _kernel.gaussian(before, now, bandwidth=sigma)
    torch.manual_seed(SEED)
    weights = np.empty((len(kernel.table), PERMUTATIONS))
    for column in range(PERMUTATIONS):
        weights[torch.randperm(len(kernel.table)).numpy(), column] = kernel.weights
    return {"same_p": float((kernel.squares(weights) >= kernel.squared_distance).mean()), "same_squared": kernel.squared()}


def ks_alibi(rows: str) -> dict[str, Any]:
    """alibi-detect's test of each feature."""
    from alibi_detect import cd

    before, now = windows(int(rows), 20, 0.01)
    used, found = timed(lambda: cd.KSDrift(before, p_val=0.05).predict(now)["data"])
    return used | {"values": [float(one) for one in found["distance"]]}


def ks_scipy(rows: str) -> dict[str, Any]:
    """A loop over SciPy's test."""
    from scipy.stats import ks_2samp

    before, now = windows(int(rows), 20, 0.01)
    used, found = timed(lambda: [ks_2samp(a, b, method="asymp").statistic for a, b in zip(before.T, now.T, strict=True)])
    return used | {"values": [float(one) for one in found]}


def ks_audit(rows: str) -> dict[str, Any]:
    """The check, from a table to its evidence with pictures."""
    from audit.testing import measure

    before, now = windows(int(rows), 20, 0.01)
    seen = subject(before, now)
    measure("drift/ks", subject(before[:50], now[:50]))
    used, found = timed(lambda: measure("drift/ks", seen))
    return used | {"values": [member.estimate.value for member in found.members]}


def evidently(reference: str, current: str) -> dict[str, Any]:
    """Evidently's preset with the Jensen-Shannon distance, from files to its result."""
    import pandas as pd
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-not-found]  # in an interpreter of its own
    from evidently.presets import DataDriftPreset  # type: ignore[import-not-found]  # as above

    def work() -> Any:
        frames = [pd.read_parquet(path) for path in (reference, current)]
        kinds = [[name for name in frames[0] if str(name).startswith(letter)] for letter in "nc"]
        roles = DataDefinition(numerical_columns=kinds[0], categorical_columns=kinds[1])
        before, now = (Dataset.from_pandas(frame, data_definition=roles) for frame in frames)
        return Report([DataDriftPreset(num_method="jensenshannon", cat_method="jensenshannon")]).run(now, before).dict()

    return timed(work)[0]


def nannyml(reference: str, current: str) -> dict[str, Any]:
    """NannyML's univariate calculator with the Jensen-Shannon distance and one chunk, from files to its result."""
    import nannyml as nml  # type: ignore[import-not-found]  # in an interpreter of its own
    import pandas as pd

    def work() -> Any:
        frames = [pd.read_parquet(path) for path in (reference, current)]
        methods = ["jensen_shannon"]
        calculator = nml.UnivariateDriftCalculator(
            column_names=list(frames[0]), chunk_number=1, continuous_methods=methods, categorical_methods=methods
        )
        return calculator.fit(frames[0]).calculate(frames[1]).filter(period="analysis").to_df()

    return timed(work)[0]


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    work.__name__: work for work in (mmd_alibi, mmd_audit, ks_alibi, ks_scipy, ks_audit, evidently, nannyml)
}

if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' imports use what their own parts have deprecated
        print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
