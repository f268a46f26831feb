"""Sizes and borders: what crosses from one engine to another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmpsam_mobile.contracts import Graph, GraphSizes, Size, Target, graph_spec
from rmpsam_mobile.errors import InputError

SIZES = GraphSizes(
    size=Size(64, 96), channels=8, num_queries=5, num_classes=3, num_slots=4, num_points=2, clip_frames=3
)


@pytest.mark.parametrize(
    ("text", "size"), [("512", (512, 512)), ("384x640", (384, 640)), (" 32 ", (32, 32)), ("2048x32", (2048, 32))]
)
def test_sizes_as_people_write_them(text: str, size: tuple[int, int]) -> None:
    assert Size.parse(text) == size


@given(st.integers(1, 64), st.integers(1, 64))
def test_a_size_reads_back_what_it_writes(rows: int, columns: int) -> None:
    size = Size(32 * rows, 32 * columns)
    assert Size.parse(str(size)) == size
    assert size.grid == (8 * rows, 8 * columns)


@pytest.mark.parametrize("text", ["", "x", "512x", "x512", "-512", "512X512", "512*512", "5.5", "1e3", "512x512x3"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Size.parse(text)
    assert str(caught.value) == (f"size {text!r} is neither SIDE nor HEIGHTxWIDTH; write for example 512 or 384x640")


@pytest.mark.parametrize(
    ("text", "side", "near"), [("500", 500, 512), ("0", 0, 32), ("64x65", 65, 64), ("99999", 99999, 2048)]
)
def test_a_side_that_no_encoder_takes(text: str, side: int, near: int) -> None:
    with pytest.raises(InputError) as caught:
        Size.parse(text)
    written = text if "x" in text else str(side)
    assert str(caught.value) == f"size {written}: {side} is no multiple of 32 from 32 to 2048; try {near}"


@pytest.mark.parametrize("slots", [0, 65, -1])
def test_slots_out_of_range(slots: int) -> None:
    with pytest.raises(InputError, match=rf"^{slots} prompt slots; the limit is 1 to 64; try --slots 16$"):
        GraphSizes(size=Size(64, 64), num_slots=slots)


@pytest.mark.parametrize("frames", [-1, 6])
def test_clips_out_of_range(frames: int) -> None:
    with pytest.raises(InputError, match=rf"^clips of {frames} frames; the limit is 0 \(none\) to 5; try"):
        GraphSizes(size=Size(64, 64), clip_frames=frames)


def test_borders_have_the_names_and_shapes_that_apps_rely_on() -> None:
    borders = {
        graph: [[(t.name, t.shape) for t in side] for side in (spec.inputs, spec.outputs)]
        for graph in Graph
        for spec in (graph_spec(graph, SIZES),)
    }
    features = ("mask_features", (1, 8, 16, 24))
    assert borders == {
        Graph.ENCODER: [[("pixel_values", (1, 3, 64, 96))], [features]],
        Graph.OBJECTS: [
            [features],
            [("class_logits", (1, 5, 4)), ("mask_logits", (1, 5, 16, 24)), ("queries", (1, 5, 8))],
        ],
        Graph.PROMPTS: [
            [
                features,
                ("points", (1, 4, 2, 2)),
                ("labels", (1, 4, 3)),
                ("boxes", (1, 4, 4)),
                ("image_size", (1, 2)),
            ],
            [("mask_logits", (1, 4, 16, 24)), ("iou", (1, 4))],
        ],
        Graph.CLIP: [
            [("mask_features", (1, 8, 48, 24))],
            [("class_logits", (1, 5, 4)), ("mask_logits", (1, 5, 3, 16, 24)), ("queries", (1, 5, 8))],
        ],
    }


def test_every_tensor_says_what_it_means() -> None:
    for graph in Graph:
        spec = graph_spec(graph, SIZES)
        assert all(tensor.meaning and tensor.dtype == "float32" for tensor in (*spec.inputs, *spec.outputs))


def test_names_on_the_command_line() -> None:
    names = ["xnnpack", "portable", "coreml", "coreml-package", "vulkan", "qnn", "onnx"]
    assert [str(target) for target in Target] == names
    assert [str(graph) for graph in Graph] == ["encoder", "objects", "prompts", "clip"]
