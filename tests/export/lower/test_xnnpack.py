"""XNNPACK: small modules lowered, counted and run."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.fx.traceback import NodeSource

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower import executorch_file
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.split import Part
from rmpsam_mobile.runtime.pte import execute, load_method
from tests.export.parts import one_module
from tests.models import random_tensor, relative_error

pytestmark = pytest.mark.xdist_group("export")


class _Mixed(nn.Module):
    """A convolution and a linear layer that the delegate takes, and between them a gather that it does not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.linear = nn.Conv2d(2, 4, 3, 1, 1), nn.Linear(5, 6)
        self.register_buffer("order", torch.tensor([3, 0, 2]))

    def forward(self, x: Tensor) -> Tensor:
        """[1, 2, 4, 5] -> [1, 3, 4, 6]."""
        out: Tensor = self.linear(self.conv(x).index_select(1, self.order))
        return out


def test_a_small_graph_is_counted_and_answers(tmp_path: Path) -> None:
    module = _Mixed()
    part: Part = one_module(module, (1, 2, 4, 5)).parts[Graph.ENCODER]
    lowered = lower_to_xnnpack(capture(part), part.spec)
    delegation = lowered.delegation
    convolution, linear = 4 * 4 * 5 * 2 * 9, 3 * 4 * 5 * 6
    assert (delegation.macs_delegated, delegation.macs_total) == (convolution + linear, convolution + linear)
    assert (delegation.delegate, delegation.subgraphs) == ("XNNPACK", 2)
    assert [(left.operator, left.count, left.mac_share) for left in delegation.leftovers] == [
        ("aten.index_select.default", 1, 0.0)
    ]
    assert lowered.planned_memory_bytes
    lowered.write(tmp_path / "mixed.pte")
    x = random_tensor(1, 2, 4, 5, dtype=torch.float32)
    (got,) = execute(load_method(tmp_path / "mixed.pte"), [np.asarray(x)])
    assert relative_error(torch.from_numpy(got), module(x)) < 1e-5


def test_a_failed_lowering_is_an_export_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import executorch.exir

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("first line\nsecond line")

    part = one_module(nn.Linear(4, 4), (1, 4)).parts[Graph.ENCODER]
    program = capture(part)
    monkeypatch.setattr(executorch.exir, "to_edge_transform_and_lower", refuse)
    with pytest.raises(ExportError) as caught:
        lower_to_xnnpack(program, part.spec)
    assert str(caught.value) == "lowering the encoder graph to XNNPACK failed: first line"


def test_shared_records_of_origin_change_no_byte_and_end_with_the_lowering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = one_module(nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU()), (1, 2, 5, 5)).parts[Graph.ENCODER]
    for name in ("shared.pte", "copied.pte"):
        lower_to_xnnpack(capture(part), part.spec).write(tmp_path / name)
        assert "__deepcopy__" not in vars(NodeSource)
        monkeypatch.setattr(executorch_file, "shared_provenance", nullcontext)
    assert (tmp_path / "shared.pte").read_bytes() == (tmp_path / "copied.pte").read_bytes()
