"""Splitting, batching and the learning rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import InputError
from audit.finetune.examples import held_out, parts
from audit.finetune.loop import Schedule, batches_by_length, epoch_batches, multiplier
from tests.tiny_bert import letters

pytestmark = pytest.mark.full
LABELS = st.lists(st.sampled_from("abc"), min_size=2, max_size=200)


@given(labels=LABELS, fraction=st.floats(0.05, 0.5), seed=st.integers(0, 10))
def test_each_label_gives_its_share(labels: list[str], fraction: float, seed: int) -> None:
    """Within one row of the fraction, one row at least, and never all of a label's rows."""
    mask = held_out(labels, None, fraction, np.random.default_rng(seed))
    for label in set(labels):
        rows = np.array(labels) == label
        taken = int(mask[rows].sum())
        assert abs(taken - fraction * rows.sum()) <= 1
        assert taken < rows.sum()
        assert taken >= (rows.sum() > 1)


@given(labels=LABELS, entities=st.integers(1, 30), seed=st.integers(0, 10))
def test_an_entity_stays_on_one_side(labels: list[str], entities: int, seed: int) -> None:
    """Rows of one customer never stand on both sides."""
    rng = np.random.default_rng(seed)
    customers = rng.integers(0, entities, len(labels))
    mask = held_out(labels, customers.tolist(), 0.2, rng)
    assert not set(customers[mask]) & set(customers[~mask])
    assert not mask.all()


def test_customers_stay_together_in_a_training() -> None:
    """Under columns.group no customer is both learnt from and validated on; every row is on one side."""
    data = letters(240, 1, group="customer")
    data.cells.frame()["text"] = [f"{text} {row}" for row, text in enumerate(data.texts())]
    train, held, told = parts(data, 0.2, 0)
    customer = dict(zip(data.texts(), data.cells.column("customer"), strict=True))
    assert not {customer[text] for text in train.texts} & {customer[text] for text in held.texts}
    assert sorted(train.texts + held.texts) == sorted(data.texts())
    assert 0.15 < len(held.texts) / data.rows < 0.25
    assert told == "fraction 0.2 of train"
    assert parts(data, 0.2, 0)[1] == held != parts(data, 0.2, 1)[1]


def test_rows_without_an_entity_are_refused() -> None:
    """They would all be one entity, on one side or the other."""
    data = letters(60, 1, group="customer")
    data.cells.frame()["customer"] = data.cells.column("customer").astype(object)
    data.cells.frame().loc[[4, 9], "customer"] = None
    with pytest.raises(InputError, match="row 5 names no entity in column 'customer': name one in every row"):
        parts(data, 0.2, 0)


def test_the_split_by_hand() -> None:
    """20 rows of a, 10 of b, a fifth: four and two."""
    labels = ["a"] * 20 + ["b"] * 10
    mask = held_out(labels, None, 0.2, np.random.default_rng(0))
    assert (int(mask[:20].sum()), int(mask[20:].sum())) == (4, 2)


@given(lengths=st.lists(st.integers(1, 90), min_size=1, max_size=300), size=st.integers(1, 40), seed=st.integers(0, 5))
def test_every_row_once(lengths: list[int], size: int, seed: int) -> None:
    """An epoch sees each row once, in as many batches as are needed; so does a pass by length."""
    for plan in (epoch_batches(lengths, size, np.random.default_rng(seed)), batches_by_length(lengths, size)):
        assert sorted(row for batch in plan for row in batch) == list(range(len(lengths)))
        assert len(plan) == -(-len(lengths) // size)


def test_batches_waste_little_and_change() -> None:
    """Padding is a small part of what random batches have, and no epoch repeats another's batches."""
    lengths = np.random.default_rng(0).integers(5, 100, 800).tolist()

    def padding(plan: list[list[int]]) -> int:
        return int(sum(max(lengths[row] for row in batch) * len(batch) for batch in plan) - sum(lengths))

    one, two = (epoch_batches(lengths, 16, np.random.default_rng(seed)) for seed in (1, 2))
    order = np.random.default_rng(3).permutation(800).tolist()
    assert padding(one) < 0.2 * padding([order[start : start + 16] for start in range(0, 800, 16)])
    assert not {frozenset(batch) for batch in one} & {frozenset(batch) for batch in two}


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("warmup", [0, 7])
def test_the_schedules_are_those_of_transformers(schedule: Schedule, warmup: int) -> None:
    """Step for step."""
    import torch
    from transformers import optimization

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    steps = {} if schedule == "constant" else {"num_training_steps": 50}
    name = "get_constant_schedule_with_warmup" if schedule == "constant" else f"get_{schedule}_schedule_with_warmup"
    theirs = getattr(optimization, name)(optimizer, num_warmup_steps=warmup, **steps)
    for step in range(50):
        assert multiplier(schedule, step, warmup=warmup, total=50) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()
