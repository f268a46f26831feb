"""Parity: honest files pass, planted errors are caught, and flips are told from errors."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSizes, Size
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime import Array, EagerRunner, PteRunner
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.validate import ParityReport, TensorParity, check_parity, parity_inputs
from rmpsam_mobile.validate.parity import FLOAT_LIMIT, MARGIN
from tests.bundles import NEEDS_BUNDLE, Made
from tests.models import small_model

SIZES = GraphSizes(size=Size(64, 96), num_slots=3, clip_frames=2)
Change = Callable[[Graph, Sequence[Array], Sequence[Array]], Sequence[Array]]


class Files(EagerRunner):
    """The eager model in the place of files, with outputs that a test may change."""

    def __init__(self, model: RmpSam, change: Change = lambda _, __, outputs: outputs) -> None:
        super().__init__(model, contract_of(model, SIZES))
        self._change = change

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return tuple(self._change(graph, inputs, super().run(graph, inputs)))


@pytest.fixture(scope="module")
def model() -> RmpSam:
    return copy.deepcopy(small_model()).float()


def report(model: RmpSam, files: EagerRunner) -> ParityReport:
    return check_parity(model, files, *parity_inputs(files))


def failed(found: ParityReport) -> set[str]:
    return {f"{tensor.graph}/{tensor.name}" for tensor in found.tensors if not tensor.passes}


@NEEDS_BUNDLE
def test_the_honest_bundle_passes(made: Made, runner: PteRunner) -> None:
    from rmpsam_mobile.checkpoint import load_checkpoint

    found = check_parity(load_checkpoint(made.checkpoint), runner, *parity_inputs(runner))
    assert found.require() is found
    assert len(found.tensors) == 9
    for tensor in found.tensors:
        assert tensor.max_error <= (tensor.allowed if tensor.near_zero else FLOAT_LIMIT)
        assert tensor.psnr_db > 90
        assert tensor.mask_iou is None or tensor.mask_iou > 0.999


@NEEDS_BUNDLE
def test_a_bundle_of_other_weights_is_caught(made: Made, runner: PteRunner) -> None:
    from rmpsam_mobile.checkpoint import load_checkpoint

    other = load_checkpoint(made.checkpoint)
    with torch.no_grad():
        other.panoptic_head.kernels.weight[3] *= 1.5
    found = check_parity(other, runner, *parity_inputs(runner))
    assert {"objects/class_logits", "objects/queries"} <= failed(found)
    assert not failed(found) & {"encoder/mask_features", "prompts/mask_logits", "prompts/iou"}
    with pytest.raises(GateError) as caught:
        found.require()
    assert caught.value.exit_code == 6


def test_equal_engines_are_equal(model: RmpSam) -> None:
    found = report(model, Files(model))
    assert [f"{t.graph}/{t.name}" for t in found.tensors] == [
        "encoder/mask_features",
        "prompts/mask_logits",
        "prompts/iou",
        "objects/class_logits",
        "objects/mask_logits",
        "objects/queries",
        "clip/class_logits",
        "clip/mask_logits",
        "clip/queries",
    ]
    for tensor in found.tensors:
        assert (tensor.max_error, tensor.psnr_db) == (0, float("inf"))
        assert tensor.mask_iou == (1 if tensor.name == "mask_logits" else None)
        assert tensor.probe_error == (None if tensor.graph is Graph.ENCODER else 0)


def swapped_channels(_: Graph, __: Sequence[Array], outputs: Sequence[Array]) -> Sequence[Array]:
    return [out[:, [1, 0, *range(2, out.shape[1])]] if out.ndim > 2 else out for out in outputs]


def scaled(graph: Graph, _: Sequence[Array], outputs: Sequence[Array]) -> Sequence[Array]:
    return [out * np.float32(1 + 3e-4) for out in outputs] if graph is Graph.ENCODER else outputs


def with_nan(_: Graph, __: Sequence[Array], outputs: Sequence[Array]) -> Sequence[Array]:
    spoilt = [out.copy() for out in outputs]
    for out in spoilt:
        out.reshape(-1)[out.size // 2] = np.nan
    return spoilt


@pytest.mark.parametrize("change", [swapped_channels, with_nan])
def test_a_planted_error_in_every_graph_is_caught(model: RmpSam, change: Change) -> None:
    found = report(model, Files(model, change))
    assert {graph for graph in Graph if any(name.startswith(graph) for name in failed(found))} == set(Graph)
    with pytest.raises(GateError):
        found.require()


def test_three_ten_thousandths_are_too_much(model: RmpSam) -> None:
    assert failed(report(model, Files(model, scaled))) == {"encoder/mask_features"}


def test_wrong_normalisation_is_caught(model: RmpSam) -> None:
    class Unnormalised(Files):
        def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
            wrong = [inputs[0] / np.float32(57.0 / 58.0)] if graph is Graph.ENCODER else inputs
            return super().run(graph, wrong)

    assert failed(report(model, Unnormalised(model))) == {"encoder/mask_features"}


@pytest.mark.parametrize(
    ("part", "graphs"),
    [
        ("panoptic_head.mask_heads.1.fc_mask.weight", {"objects", "clip"}),
        ("neck.deconv.output_conv.weight", {"encoder"}),
    ],
)
def test_one_wrong_weight_is_caught(model: RmpSam, part: str, graphs: set[str]) -> None:
    wrong = copy.deepcopy(model)
    with torch.no_grad():
        wrong.get_parameter(part).view(-1)[0] += 2.0
    assert graphs <= {name.partition("/")[0] for name in failed(report(model, Files(wrong)))}


class Features(nn.Module):
    """A neck whose answer a test writes."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features

    def forward(self, _: object) -> Tensor:
        return self.features


def near_zero_model(model: RmpSam, distance: float) -> RmpSam:
    """A model whose first query has a mask logit of ``distance`` times the largest at one cell."""
    edited = copy.deepcopy(model)
    features = torch.randn(1, 32, 16, 24, generator=torch.Generator().manual_seed(3))
    kernels = edited.panoptic_head.kernels.weight.detach().flatten(1)
    logits = torch.einsum("qc,bchw->bqhw", kernels, features)
    kernel = kernels[0]
    wanted = distance * float(logits.abs().max())
    cell = features[0, :, 5, 7]
    features[0, :, 5, 7] = cell - kernel * (kernel @ cell - wanted) / (kernel @ kernel)
    edited.neck = Features(features)  # type: ignore[assignment]
    return edited


def objects_of(found: ParityReport) -> list[TensorParity]:
    return [tensor for tensor in found.tensors if tensor.graph is Graph.OBJECTS]


def test_a_logit_next_to_zero_raises_what_is_allowed(model: RmpSam) -> None:
    near = near_zero_model(model, 0.3 * MARGIN)
    for tensor in objects_of(report(near, Files(near))):
        assert tensor.near_zero >= 1
        assert tensor.allowed > FLOAT_LIMIT
        assert tensor.limit == FLOAT_LIMIT  # the probe's stays
        assert tensor.passes


def test_without_one_the_plain_limit_holds(model: RmpSam) -> None:
    far = near_zero_model(model, 0.5)
    for tensor in objects_of(report(far, Files(far))):
        assert (tensor.near_zero, tensor.allowed) == (0, FLOAT_LIMIT)


def test_an_engine_that_flips_a_cell_passes_only_where_one_is_near(model: RmpSam) -> None:
    near, other_side = near_zero_model(model, 0.3 * MARGIN), near_zero_model(model, -0.3 * MARGIN)
    files = Files(near)

    def flipped(graph: Graph, inputs: Sequence[Array], outputs: Sequence[Array]) -> Sequence[Array]:
        if graph is not Graph.OBJECTS or not np.array_equal(inputs[0], whole):  # the probe is left alone
            return outputs
        (features,) = EagerRunner(other_side, files.contract).run(Graph.ENCODER, [pixels])
        return EagerRunner(other_side, files.contract).run(graph, [features])

    pixels, _ = parity_inputs(files)
    (whole,) = files.run(Graph.ENCODER, [pixels])
    found = objects_of(report(near, Files(near, flipped)))
    assert max(tensor.max_error for tensor in found) > FLOAT_LIMIT
    assert all(tensor.passes for tensor in found)


def test_an_error_beyond_the_flips_still_fails(model: RmpSam) -> None:
    near = near_zero_model(model, 0.3 * MARGIN)
    assert {name for name in failed(report(near, Files(near, swapped_channels))) if name.startswith("objects")}


TENSOR = TensorParity(
    graph=Graph.OBJECTS,
    name="queries",
    max_error=5e-5,
    allowed=1e-4,
    near_zero=0,
    probe_error=1e-6,
    limit=1e-4,
    psnr_db=100.0,
    mask_iou=None,
)


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        ({}, True),
        ({"max_error": 1e-4}, True),
        ({"max_error": 1.01e-4}, False),
        ({"max_error": 0.02, "allowed": 0.03}, True),
        ({"max_error": 0.02, "allowed": 0.03, "probe_error": 2e-4}, False),  # flips explain no error on the probe
        ({"probe_error": None}, True),
        ({"max_error": float("nan")}, False),
        ({"max_error": float("inf")}, False),
        ({"probe_error": float("nan")}, False),
    ],
)
def test_the_verdict(change: dict[str, float | None], passes: bool) -> None:
    tensor = replace(TENSOR, **change)  # type: ignore[arg-type]
    assert tensor.passes is passes
    assert ParityReport((TENSOR, tensor)).passes is passes


def test_the_message_names_the_worst() -> None:
    bad, worse = replace(TENSOR, max_error=2e-4), replace(TENSOR, name="mask_logits", max_error=3e-2, allowed=1e-3)
    with pytest.raises(GateError) as caught:
        ParityReport((TENSOR, bad, worse)).require()
    assert str(caught.value) == (
        "parity: objects/mask_logits is off by 3.00e-02 of its largest value where 1.00e-03 is allowed, "
        "and by 1.00e-06 on the probe where 1.00e-04 is; 2 of 3 tensors fail; the files are not this model"
    )
    nan = replace(TENSOR, name="class_logits", max_error=float("nan"))
    with pytest.raises(GateError, match="objects/class_logits is off by nan"):
        ParityReport((worse, nan)).require()
