"""Torch made to give the same bits each time, and left as it was found."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def deterministic() -> Iterator[None]:
    """Deterministic algorithms inside; outside, the generators and flags are what they were."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    memory: Any = torch.utils.deterministic  # its one setting is a property that type checkers do not see

    filled, benchmark, workspace = memory.fill_uninitialized_memory, torch.backends.cudnn.benchmark, os.environ.get(_CUBLAS)
    enabled, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    devices = list(range(torch.cuda.device_count()))
    # on a GPU only the plain kernel of attention has a deterministic backward pass
    kernels = [SDPBackend.MATH] if devices else [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    try:
        os.environ[_CUBLAS] = ":4096:8"
        torch.use_deterministic_algorithms(True)
        memory.fill_uninitialized_memory = False  # a guard against reading unset memory that costs time at each step
        torch.backends.cudnn.benchmark = False
        with torch.random.fork_rng(devices), sdpa_kernel(kernels):
            yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warns)
        memory.fill_uninitialized_memory = filled
        torch.backends.cudnn.benchmark = benchmark
        os.environ.pop(_CUBLAS, None)
        if workspace is not None:
            os.environ[_CUBLAS] = workspace
