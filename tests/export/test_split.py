"""The cut into parts."""

import copy

import pytest
import torch

from rmpsam_mobile.contracts import Graph, GraphSizes, Size
from rmpsam_mobile.export.split import exported_graphs, left_out, split
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime.eager import sizes_of
from tests.export.parts import answers, cut, natural_inputs
from tests.models import small_model

SIZE = Size(64, 96)
NO_CLASSES = "the checkpoint has no class embeddings; import it with --classifier FILE"


def without_classes() -> RmpSam:
    model = copy.deepcopy(small_model())
    model.classifier = None
    return model


@pytest.mark.parametrize(("frames", "graphs"), [(0, 3), (2, 4)])
def test_parts_come_in_the_order_in_which_they_run(frames: int, graphs: int) -> None:
    parts = cut(small_model(), SIZE, clip_frames=frames)
    assert tuple(parts.parts) == (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS, Graph.CLIP)[:graphs]
    assert tuple(parts.parts) == exported_graphs(small_model(), parts.sizes)
    assert parts.preset == "small"


@pytest.mark.parametrize("graph", list(Graph))
def test_the_border_is_what_the_part_takes_and_gives(graph: Graph) -> None:
    part = cut(small_model(), SIZE, clip_frames=2).parts[graph]
    assert part.spec.graph is graph
    outputs = answers(part.module, part.example_inputs())
    assert [tuple(output.shape) for output in outputs] == [spec.shape for spec in part.spec.outputs]


def test_example_inputs_are_the_same_at_each_call_and_of_the_models_precision() -> None:
    part = cut(small_model(), SIZE).parts[Graph.PROMPTS]
    first, second = part.example_inputs(), part.example_inputs()
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert {value.dtype for value in first} == {torch.float64}
    single = cut(copy.deepcopy(small_model()).float(), SIZE).parts[Graph.PROMPTS]
    assert {value.dtype for value in single.example_inputs()} == {torch.float32}


@pytest.mark.parametrize("graph", list(Graph))
def test_editing_a_part_changes_neither_the_model_nor_another_part(graph: Graph) -> None:
    model = small_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parts = cut(model, SIZE, clip_frames=2)
    others = {g: answers(p.module, natural_inputs(p)) for g, p in parts.parts.items() if g is not graph}
    for parameter in parts.parts[graph].module.parameters():
        parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    for other, wanted in others.items():
        part = parts.parts[other]
        got = answers(part.module, natural_inputs(part))
        assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


def test_parts_are_for_inference() -> None:
    for part in cut(small_model(), SIZE).parts.values():
        assert not part.module.training
        assert not any(parameter.requires_grad for parameter in part.module.parameters())


@pytest.mark.parametrize("frames", [0, 3])
def test_without_classes_the_object_graphs_are_left_out_by_name(frames: int) -> None:
    model = without_classes()
    sizes = sizes_of(model, GraphSizes(size=SIZE, clip_frames=frames))
    assert tuple(split(model, sizes).parts) == (Graph.ENCODER, Graph.PROMPTS)
    assert left_out(model, sizes) == {Graph.OBJECTS: NO_CLASSES, Graph.CLIP: NO_CLASSES}


def test_a_clip_graph_that_nobody_asked_for_is_left_out_by_name() -> None:
    model = small_model()
    assert left_out(model, GraphSizes(size=SIZE)) == {
        Graph.CLIP: "not asked for; videos are linked frame by frame; ask with --clip-frames 3"
    }
    assert left_out(model, GraphSizes(size=SIZE, clip_frames=3)) == {}
