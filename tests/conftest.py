"""Fixtures that all tests share, and where the reference numbers are found."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

if os.environ.get("PYTEST_XDIST_WORKER"):
    torch.set_num_threads(1)  # workers that each take all cores are slower than one

REPOSITORY = Path(__file__).resolve().parent.parent
GOLDEN = REPOSITORY / "tests" / "golden"
SHARED = REPOSITORY.parent / "shared"


def shared(*parts: str) -> Path:
    """Path below the shared folder beside the repository; skips, with the reason, where a clone has none."""
    path = SHARED.joinpath(*parts)
    if not SHARED.is_dir():
        pytest.skip(f"needs {Path('shared', *parts)} beside the repository; the small part in tests/golden is tested")
    return path


def oracle(name: str) -> dict[str, NDArray[np.generic]]:
    """All tensors of one file of the official code's numbers, by name."""
    with np.load(shared("oracle", f"{name}.npz"), allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def golden(name: str) -> dict[str, NDArray[np.generic]]:
    """All tensors of one file of the small part of those numbers that lies in the repository."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}
