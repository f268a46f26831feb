"""Everything that a run must know to go on, as one safetensors file: weights, averages, moments, and the step.

All chance is drawn from the recipe's seed and the number of the update, so no random state needs to be kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.checkpoint.store import read_safetensors
from rmpsam_mobile.errors import InputError

_KEY = "rmpsam_run"


@dataclass(frozen=True)
class Progress:
    """How far a run is: updates done, the best held-out choice and its step, seconds spent so far."""

    step: int = 0
    best: float = -1.0
    best_step: int = 0
    seconds: float = 0.0


def save_state(
    path: Path, objective: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write the state, whole or not at all; the file before it stays until then.

    Raises:
        InputError: the disk is full; the previous state is left.
    """
    tensors = {f"model.{name}": value for name, value in objective.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_file(path, safetensors.torch.save(copies, metadata={_KEY: json.dumps(vars(progress))}))


def load_state(path: Path, objective: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Put a saved state into a freshly built run.

    Raises:
        InputError: not a run's state, or one of another model.
    """
    tensors, header = read_safetensors(path)
    if _KEY not in header:
        raise InputError(f"{path}: is no state of a training run; remove it to start anew")
    try:
        objective.load_state_dict(_part(tensors, "model."))
        average.load_state_dict(_part(tensors, "average."))
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimizer.").items():
            index, _, moment = name.partition(".")
            state.setdefault(int(index), {})[moment] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    except (RuntimeError, ValueError) as error:
        detail = " ".join(str(error).split())[:100]
        raise InputError(f"{path}: belongs to another model ({detail}); give another output folder") from None
    return Progress(**json.loads(header[_KEY]))


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
