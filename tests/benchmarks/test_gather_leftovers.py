"""What gathers leave to portable kernels: the operators that the exporter's own record names."""

from collections import Counter

import pytest
import torch
from torch import Tensor

from benchmarks import gather_leftovers
from benchmarks.gather_leftovers import Alone, leftovers, measure, show
from rmpsam_mobile.contracts import Size
from rmpsam_mobile.export.rewrites.gather_deform import GatherDeformConv
from rmpsam_mobile.quiet import muted_warnings
from tests.model.deform_offsets import convolution, inputs_of

LEFT = {"aten.index_select.default": 4, "aten.add.Tensor": 3, "aten._to_copy.default": 1}


def test_each_operator_alone_answers_what_it_did_inside() -> None:
    given = inputs_of("trained-like", 3, (4, 5), torch.float32)
    module = GatherDeformConv(convolution(3, 2, torch.float32, bias=True), 4, 5)
    with muted_warnings():  # torch 2.13 uses what it has deprecated
        program = torch.export.export(module, given, strict=False).run_decompositions()
    found = list(leftovers(program.graph.nodes))
    assert Counter(str(node.target) for node in found).items() >= LEFT.items()
    (index,) = (node for node in found if "_to_copy" in str(node.target))
    values = tuple(torch.full(tuple(read.meta["val"].shape), 2.7) for read in index.all_input_nodes)
    got: Tensor = Alone(index)(*values)
    assert torch.equal(got, torch.full_like(got, 2))


@pytest.mark.slow
def test_a_measurement(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # other tests of this process may have graphs loaded, and a pool under loaded graphs cannot change
    monkeypatch.setattr(gather_leftovers, "set_threads", lambda _: None)
    rows = measure("rmpsam-seaformer-tiny", Size(64, 64), runs=2)
    counts = {row["operator"]: row["count"] for row in rows}
    assert counts.items() >= {kind: 3 * count for kind, count in LEFT.items()}.items()
    show(rows)
    assert "index_select" in capsys.readouterr().out
