"""Operators spelled in those that XNNPACK takes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites.plain_operators import MOST_SLICES, SPELLINGS, plain_operators
from tests.export.parts import DTYPES, LIMITS, answers, one_module
from tests.models import random_tensor, relative_error

aten = torch.ops.aten
ARITHMETIC = {aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor}  # stay, as those of two tensors


class Call(nn.Module):
    """One function of one tensor."""

    def __init__(self, function: Callable[[Tensor], Any], dtype: torch.dtype) -> None:
        super().__init__()
        self.function = function
        self.like = nn.Parameter(torch.zeros(1, dtype=dtype))

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def norm_of(x: Tensor) -> Tensor:
    width = x.shape[-1]
    weight, bias = (torch.linspace(*ends, width, dtype=x.dtype) for ends in ((0.5, 2.0), (-1.0, 1.0)))
    return nn.functional.layer_norm(x, (width,), weight, bias, 1e-3)


CASES: dict[str, Callable[[Tensor], Any]] = {
    "layer_norm": norm_of,
    "sum": lambda x: x.sum(-1),
    "sum, kept axis": lambda x: x.sum(x.dim() - 1, keepdim=True),
    "amax": lambda x: x.amax(-1),
    "amax, kept axis": lambda x: x.amax(-1, keepdim=True),
    "unbind": lambda x: x.unbind(1)[0] - x.unbind(1)[-1],
    "select": lambda x: x.select(1, -1) * 2,
    "squeeze": lambda x: x[:, :1].squeeze(1) * 2,
    "squeeze of an axis that is not 1": lambda x: torch.cat((x, x), 1).squeeze(1) * 2,
    "unsqueeze": lambda x: torch.cat((x.unsqueeze(0), 2 * x.unsqueeze(0))).relu(),
    "stack": lambda x: torch.stack((x, 2 * x), 1),
    "reciprocal": lambda x: 1 / x,
    "hardsigmoid": lambda x: nn.functional.hardsigmoid(4 * x),
    "numbers": lambda x: (2 - x) * 3 + 1,
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", CASES)
@given(shape=st.tuples(st.just(1), st.integers(1, 4), st.integers(2, 6)))
@settings(max_examples=6, deadline=None)
def test_each_spelling_gives_what_the_operator_gives(
    name: str, dtype: torch.dtype, shape: tuple[int, int, int]
) -> None:
    part = one_module(Call(CASES[name], dtype), shape).parts[Graph.ENCODER]
    x = random_tensor(*shape, dtype=dtype)
    program, spelled = plain_operators(capture(part))
    assert spelled
    assert not {node.target for node in program.graph.nodes} & (SPELLINGS.keys() - ARITHMETIC) or "axis that" in name
    (got,), (wanted,) = answers(program.module(), (x,)), answers(part.module, (x,))
    assert relative_error(got, wanted) <= LIMITS[dtype]


ARITHMETIC = {
    torch.ops.aten.add.Tensor,
    torch.ops.aten.sub.Tensor,
    torch.ops.aten.mul.Tensor,
    torch.ops.aten.div.Tensor,
}


def test_norms_of_large_and_of_constant_rows_stay() -> None:
    part = one_module(Call(norm_of, torch.float32), (1, 3, 64)).parts[Graph.ENCODER]
    program, _ = plain_operators(capture(part))
    for x in (1e4 * random_tensor(1, 3, 64, dtype=torch.float32), torch.full((1, 3, 64), 7.0), torch.zeros(1, 3, 64)):
        # a constant row is its rounding error over the root of eps: absolute, not relative
        assert float((program.module()(x) - norm_of(x)).abs().max()) < 1e-4


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.sum(1),
        lambda x: x.amax(1),
        lambda x: nn.functional.layer_norm(x, x.shape[1:]),
        lambda x: torch.cat([x] * MOST_SLICES, 2).amax(-1),
    ],
    ids=["sum of another axis", "amax of another axis", "norm of two axes", "amax of a long axis"],
)
def test_what_has_no_such_spelling_stays(function: Callable[[Tensor], Tensor]) -> None:
    part = one_module(Call(function, torch.float64), (1, 3, 4)).parts[Graph.ENCODER]
    x = random_tensor(1, 3, 4)
    program, _ = plain_operators(capture(part))
    assert relative_error(answers(program.module(), (x,))[0], function(x)) <= 1e-12
    assert {node.target for node in program.graph.nodes} & SPELLINGS.keys()


def test_a_program_without_any_is_returned_as_it_is() -> None:
    part = one_module(Call(lambda x: x.relu(), torch.float64), (1, 3)).parts[Graph.ENCODER]
    program = capture(part)
    assert plain_operators(program) == (program, [])
