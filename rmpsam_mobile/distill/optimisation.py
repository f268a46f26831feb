"""Parameter groups, learning-rate schedule and weight averaging of a recipe."""

import math

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from rmpsam_mobile.distill.objective import Objective
from rmpsam_mobile.distill.recipe import Recipe, Schedule

_STEPS = (2 / 3, 8 / 9)  # of all updates, where a step schedule divides by 10


def build_optimizer(objective: Objective, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW (arXiv 1711.05101) with four groups: encoder or not, decayed or not."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    embeddings = {id(module.weight) for module in objective.modules() if isinstance(module, nn.Embedding)}
    for name, parameter in objective.named_parameters():
        if not parameter.requires_grad:
            continue
        inherited = name.startswith("student.backbone.")
        is_matrix = parameter.ndim >= 2 and not name.endswith(("bias", "pos_embed"))
        decayed = is_matrix and id(parameter) not in embeddings
        groups.setdefault((inherited, decayed), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "rate": recipe.encoder_rate if inherited else 1.0,
                "weight_decay": recipe.weight_decay if decayed else 0.0,
            }
            for (inherited, decayed), parameters in groups.items()
        ],
        lr=recipe.learning_rate,
    )


def rate(recipe: Recipe, step: int) -> float:
    """Learning rate of update ``step``: linear rise, then a cosine to a hundredth, or steps."""
    rise = min((step + 1) / max(recipe.warmup, 1), 1.0)
    share = step / recipe.steps
    if recipe.schedule is Schedule.STEP:
        return recipe.learning_rate * rise * 0.1 ** sum(share >= edge for edge in _STEPS)
    return recipe.learning_rate * rise * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)


def set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int) -> None:
    """Give each group its rate for update ``step``."""
    for group in optimizer.param_groups:
        group["lr"] = rate(recipe, step) * group["rate"]


def averaged(student: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of weights and batch statistics; young averages forget faster."""

    def blend(average: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        share = min(decay, (1.0 + float(count)) / (10.0 + float(count)))
        return average + (new - average) * (1 - share) if average.is_floating_point() else new

    return AveragedModel(student, avg_fn=blend, use_buffers=True)
