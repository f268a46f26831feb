"""What the gate of lowered files says of answers that were spoiled on purpose."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSizes, Size
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.export.file_gate import (
    compare,
    gate_inputs,
    require_repeatable,
    require_same,
    signal_to_noise,
)
from rmpsam_mobile.runtime import Array
from tests.bundle.manifests import make_contract

SIZES = GraphSizes(size=Size(64, 64), channels=4, num_slots=2)
CONTRACT = make_contract(SIZES)


class Encoder(nn.Module):
    def forward(self, pixels: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(pixels, 4).repeat(1, 2, 1, 1)[:, :4]


class Prompts(nn.Module):
    def forward(self, features: Tensor, *prompts: Tensor) -> tuple[Tensor, Tensor]:
        logits = features[:, :2] * prompts[1][:, :, :1, None]
        return logits, logits.mean((2, 3))


class Noisy(nn.Module):
    """The same with the noise that rounding made: 20 dB below the signal."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> Any:
        found = self.module(*inputs)
        pair = found if isinstance(found, tuple) else (found,)
        made = tuple(
            x + 0.1 * x.square().mean().sqrt() * torch.linspace(-3, 3, x.numel()).sin().view_as(x) for x in pair
        )
        return made if isinstance(found, tuple) else made[0]


MODULES = {Graph.ENCODER: Encoder(), Graph.PROMPTS: Prompts()}
FLOATS = {graph: Noisy(module) for graph, module in MODULES.items()}
INPUTS = gate_inputs(MODULES[Graph.ENCODER], CONTRACT, tuple(MODULES))


def answers() -> dict[Graph, tuple[Array, ...]]:
    features = MODULES[Graph.ENCODER](torch.from_numpy(INPUTS[Graph.ENCODER][0]))
    logits, iou = MODULES[Graph.PROMPTS](*(torch.from_numpy(x) for x in INPUTS[Graph.PROMPTS]))
    return {Graph.ENCODER: (features.numpy(),), Graph.PROMPTS: (logits.numpy(), iou.numpy())}


def judged(found: dict[Graph, tuple[Array, ...]]) -> None:
    require_same(compare(MODULES, FLOATS, INPUTS, found, CONTRACT))


def test_equal_answers_pass_and_small_noise_too() -> None:
    judged(answers())
    found = answers()
    noise = np.random.default_rng(0).normal(0, 0.02, found[Graph.ENCODER][0].shape).astype(np.float32)
    judged({**found, Graph.ENCODER: (found[Graph.ENCODER][0] + noise,)})


@pytest.mark.parametrize("spoiled", [lambda x: 2 * x, lambda x: x[:, ::-1], lambda x: 0 * x, lambda x: x + np.nan])
def test_spoiled_features_are_refused_with_the_figure(spoiled: object) -> None:
    found = answers()
    changed = np.ascontiguousarray(spoiled(found[Graph.ENCODER][0]))  # type: ignore[operator]
    with pytest.raises(GateError, match=r"^encoder/mask_features: the file answers with -?[\d.infna]+ dB"):
        judged({**found, Graph.ENCODER: (changed,)})


@pytest.mark.parametrize("spoiled", [lambda x: -x, lambda x: x * np.nan, lambda x: np.roll(x, 8, 3)])
def test_spoiled_masks_are_refused(spoiled: object) -> None:
    found = answers()
    logits, iou = found[Graph.PROMPTS]
    with pytest.raises(GateError, match=r"^prompts/mask_logits: .* masks overlap by [\d.]+ where 0.85 is asked; "):
        judged({**found, Graph.PROMPTS: (spoiled(logits), iou)})  # type: ignore[operator]


def test_a_file_may_be_as_noisy_as_rounding_and_no_more() -> None:
    found = answers()
    features = found[Graph.ENCODER][0]
    noise = np.random.default_rng(0).normal(0, 1, features.shape).astype(np.float32)
    scale = np.sqrt(np.square(features).mean())
    judged({**found, Graph.ENCODER: (features + 0.08 * scale * noise,)})  # 22 dB
    with pytest.raises(
        GateError, match=r"the file answers with 14\.\d dB against its own graph where 19\.\d are asked"
    ):
        judged({**found, Graph.ENCODER: (features + 0.2 * scale * noise,)})


def test_answers_that_change_are_refused() -> None:
    first, second, third = answers(), answers(), answers()
    require_repeatable([first, second, third])
    third[Graph.PROMPTS][0][0, 0, 0, 0] += 1e-6
    with pytest.raises(GateError, match=r"^prompts: 3 runs on one input differ"):
        require_repeatable([first, second, third])


def test_signal_to_noise_by_hand() -> None:
    wanted = np.array([3.0, 4.0], np.float32)
    assert signal_to_noise(wanted, wanted) == float("inf")
    assert signal_to_noise(wanted + np.array([0.5, 0.0], np.float32), wanted) == pytest.approx(20.0)
    assert signal_to_noise(wanted * np.nan, wanted) == float("-inf")
