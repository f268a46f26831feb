"""Multiply-adds by shape, against counts made by hand."""

import json

import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.coverage import multiply_adds
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.presets import preset_config
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.quiet import muted_warnings
from tests.conftest import shared


class _Product(nn.Module):
    """A batched matrix product of two inputs."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """[B, N, K], [B, K, M] -> [B, N, M]."""
        return torch.bmm(a, b)


class _Free(nn.Module):
    """Work without a product."""

    def forward(self, a: Tensor) -> Tensor:
        """[N] -> [N]."""
        return (a + 1).relu().softmax(-1)


# module, input shapes, multiply-adds by hand
BY_HAND: dict[str, tuple[nn.Module, list[tuple[int, ...]], int]] = {
    "convolution": (nn.Conv2d(3, 8, 3, 2, 1), [(1, 3, 8, 12)], 8 * 4 * 6 * 3 * 9),
    "grouped convolution": (nn.Conv2d(6, 9, 3, 1, 1, groups=3), [(1, 6, 5, 4)], 9 * 5 * 4 * 2 * 9),
    "depthwise convolution": (nn.Conv2d(6, 6, 5, 1, 2, groups=6), [(1, 6, 5, 4)], 6 * 5 * 4 * 25),
    "transposed convolution": (nn.ConvTranspose2d(4, 5, 4, 2, 1), [(1, 4, 3, 7)], 3 * 7 * 4 * 5 * 16),
    "linear": (nn.Linear(7, 5), [(2, 3, 7)], 2 * 3 * 7 * 5),
    "linear without bias": (nn.Linear(7, 5, bias=False), [(3, 7)], 3 * 7 * 5),
    "batched product": (_Product(), [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
    "no product": (_Free(), [(10,)], 0),
}


def count(module: nn.Module, *inputs: Tensor, decompose: bool = True) -> int:
    program = torch.export.export(module, inputs, strict=False)
    with muted_warnings():  # torch's own deprecated calls
        program = program.run_decompositions() if decompose else program.run_decompositions({})
    return sum(multiply_adds(node) for node in program.graph.nodes if node.op == "call_function")


@pytest.mark.parametrize("name", BY_HAND)
def test_counts_are_those_made_by_hand(name: str) -> None:
    module, shapes, wanted = BY_HAND[name]
    assert count(module.eval(), *(torch.ones(shape) for shape in shapes)) == wanted


@pytest.mark.parametrize("name", ["linear", "linear without bias", "batched product", "no product"])
def test_layers_that_lowering_keeps_whole_count_the_same(name: str) -> None:
    module, shapes, wanted = BY_HAND[name]
    assert count(module.eval(), *(torch.ones(shape) for shape in shapes), decompose=False) == wanted


def published(part: str) -> int:
    """Exact multiply-adds of R18 at 512 x 512 that the reference measured."""
    costs = json.loads(shared("reference", "costs.json").read_text(encoding="utf-8"))
    value: int = costs["r18 512x512"][part]
    return value


def count_r18(graph: Graph) -> int:
    """Count by shapes alone: weights and inputs have no memory."""
    with torch.device("meta"):
        model = RmpSam(preset_config("rmpsam-r18"))
        model.set_classifier(torch.empty(133, 17, 768))
        height, width = Size(512, 512).grid
        shape = (1, 3, 512, 512) if graph is Graph.ENCODER else (1, 256, height, width)
        return count(build_graph(model, graph), torch.empty(shape))


def test_the_encoder_of_r18_costs_what_the_reference_measured() -> None:
    assert count_r18(Graph.ENCODER) == published("backbone") + published("neck")


def test_the_objects_of_r18_cost_what_is_left_without_the_stages_classes() -> None:
    queries, stages, width, text = 100, 3, 256, 768
    stage_classes = stages * queries * (width * width + 2 * width * width + width * text)  # cls_fcs, cls_proj
    stage_ious = stages * queries * (2 * width * width + width)  # iou_embed
    stage_classifiers = stages * queries * 134 * 17 * text
    void_rows = queries * 17 * text  # the official table has zero rows for void; ours is a constant
    dropped = stage_classes + stage_ious + stage_classifiers + void_rows
    assert count_r18(Graph.OBJECTS) == published("objects") - dropped
