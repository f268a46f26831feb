"""Constants of a captured program."""

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites.fold_constants import fold_constants
from tests.export.parts import answers, cut, natural_inputs, one_module
from tests.models import preset_model, random_tensor


class Ramp(nn.Module):
    """An input plus something that only the program knows."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([3.0], dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x + (torch.arange(4, dtype=x.dtype) * self.scale).cos()


def test_what_depends_on_no_input_goes() -> None:
    part = one_module(Ramp(), (4,)).parts[Graph.ENCODER]
    program, gone = fold_constants(capture(part))
    assert sorted(name.split(".")[1] for name in gone) == ["arange", "cos", "mul"]
    x = random_tensor(4)
    assert torch.equal(program.module()(x), Ramp()(x))
    assert fold_constants(program)[1] == []


def test_the_mobile_prompt_graph_computes_no_grid() -> None:
    parts = cut(preset_model("rmpsam-mobile-tiny"), Size(32, 32))
    part = parts.parts[Graph.PROMPTS]
    wanted = answers(capture(part).module(), natural_inputs(part))
    program, gone = fold_constants(capture(part))
    assert gone.count("aten.arange.default") == 5  # two grids, and the wavelengths of the sine code
    got = answers(program.module(), natural_inputs(part))
    assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
