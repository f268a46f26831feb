"""Everything that a run must know to go on, as one safetensors file: weights, averages, moments, classes, the step.

All chance is drawn from the recipe's seed and the number of the update, so no random state needs to be kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.checkpoint.store import CLASSIFIER_NAME, read_safetensors
from rmpsam_mobile.distill.objective import Objective
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.model.vocabulary import Vocabulary

_KEY = "rmpsam_run"


@dataclass(frozen=True)
class Progress:
    """How far a run is: updates done, the best held-out choice and its step, seconds spent so far."""

    step: int = 0
    best: float = -1.0
    best_step: int = 0
    seconds: float = 0.0


def save_state(
    path: Path, objective: Objective, average: AveragedModel, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write the state, whole or not at all; the file before it stays until then.

    Raises:
        InputError: the disk is full; the previous state is left.
    """
    tensors = {f"model.{name}": value for name, value in objective.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in moments.items()}
    student, about = objective.student, dict(vars(progress))
    if student.classifier is not None and student.vocabulary is not None:
        tensors[CLASSIFIER_NAME] = student.classifier.text_embeddings
        about["classes"] = vars(student.vocabulary)
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    write_file(path, safetensors.torch.save(copies, metadata={_KEY: json.dumps(about)}))


def load_state(path: Path, objective: Objective, average: AveragedModel, optimizer: torch.optim.Optimizer) -> Progress:
    """Put a saved state into a freshly built run.

    Raises:
        InputError: not a run's state, or one of another model.
    """
    tensors, about = _read(path)
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
    for model in (objective.student, average.module):
        assert isinstance(model, RmpSam)
        _give_classes(model, tensors, about)
    return Progress(**{name: about[name] for name in vars(Progress())})


def load_classes(path: Path, student: RmpSam) -> None:
    """Give a student the class embeddings and names of a saved state, by which its pictures are labelled.

    Raises:
        InputError: not a run's state.
    """
    _give_classes(student, *_read(path))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors, header = read_safetensors(path)
    if _KEY not in header:
        raise InputError(f"{path}: is no state of a training run; remove it to start anew")
    return tensors, json.loads(header[_KEY])


def _give_classes(model: RmpSam, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """States of earlier versions have none: they belong to students with a new student's classes."""
    if "classes" in about:
        model.set_classifier(tensors[CLASSIFIER_NAME])
        model.vocabulary = Vocabulary(tuple(about["classes"]["names"]), about["classes"]["num_things"])


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
