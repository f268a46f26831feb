"""Hard masks by a product and a clamp."""

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites.clamp_hard_masks import clamp_hard_masks
from tests.export.parts import answers, cut, natural_inputs, one_module
from tests.models import random_tensor, small_model


class HardMask(nn.Module):
    """A mask as the decoder makes it."""

    def forward(self, logits: Tensor) -> Tensor:
        return (logits > 0).to(logits.dtype)


class Comparison(nn.Module):
    """What stays a comparison."""

    def forward(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        return logits > 0, (logits > 1).to(logits.dtype)


def test_every_logit_that_float32_can_tell_from_zero_falls_on_its_side() -> None:
    largest = torch.finfo(torch.float32).max
    steps = [0.0, -0.0, 1e-30, -1e-30, 2.0**-99, 1.0, -1.0, 3e5, -3e5, largest, -largest, float("inf"), -float("inf")]
    logits = torch.tensor([*steps, *random_tensor(50).tolist()])
    part = one_module(HardMask(), (len(logits),)).parts[Graph.ENCODER]
    part.module.register_parameter("like", nn.Parameter(torch.zeros(1)))  # the part's dtype
    program, changed = clamp_hard_masks(capture(part))
    assert changed == ["gt"]
    assert torch.equal(program.module()(logits), (logits > 0).float())
    assert "gt" not in str(program.graph)


def test_other_comparisons_stay() -> None:
    module = one_module(Comparison(), (3,)).parts[Graph.ENCODER]
    module.module.register_parameter("like", nn.Parameter(torch.zeros(1)))
    program, changed = clamp_hard_masks(capture(module))
    assert changed == []
    flags, above = program.module()(torch.tensor([-1.0, 0.5, 2.0]))
    assert flags.tolist() == [False, True, True]
    assert above.tolist() == [0, 0, 1]


def test_the_decoders_stay_to_the_last_bit_and_a_second_time_nothing_happens() -> None:
    parts = cut(small_model(), Size(64, 64))
    for graph, count in ((Graph.OBJECTS, 3), (Graph.PROMPTS, 2), (Graph.ENCODER, 0)):
        part = parts.parts[graph]
        wanted = answers(capture(part).module(), natural_inputs(part))
        program, changed = clamp_hard_masks(capture(part))
        assert len(changed) == count
        got = answers(program.module(), natural_inputs(part))
        assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
        assert clamp_hard_masks(program)[1] == []
