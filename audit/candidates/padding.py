"""Token lists made into tensors of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch


def padded(
    tokenizer: Any, tokens: Mapping[str, Sequence[Sequence[int]]], rows: Sequence[int], length: int | None = None
) -> dict[str, torch.Tensor]:
    """(len(rows), length) tensors by name, filled up on the tokenizer's side; as long as the longest row where no length is given."""
    import torch

    fillers = {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}
    width = length or max(len(tokens["input_ids"][row]) for row in rows)
    found = {}
    for name, column in tokens.items():
        table = np.full((len(rows), width), fillers.get(name, 0), dtype=np.int64)
        for place, row in enumerate(rows):
            given = column[row]
            start = width - len(given) if tokenizer.padding_side == "left" else 0
            table[place, start : start + len(given)] = given
        found[name] = torch.from_numpy(table)
    return found
