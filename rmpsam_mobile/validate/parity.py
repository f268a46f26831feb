"""Parity: the same inputs through the eager model and through files, tensor by tensor.

The decoders threshold their masks, so a mask logit next to zero may fall on the other side by rounding alone and
move everything after it (quirk 7). Errors are told from such flips in two ways:

- A probe without flips: features are zero but for a small window, chosen so that no logit in it lies within
  ``PROBE_MARGIN`` of zero at any stage. Zero features belong to no mask and change nothing, so the file does all of its
  arithmetic, no pixel can flip, and the plain limit holds.
- The whole picture: two twins of the eager model count a pixel to a mask from ``+MARGIN`` or from ``-MARGIN`` of the
  largest logit on. What they differ by is what flips can explain; where no logit is that near to zero they do not
  differ, and the plain limit holds here too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rmpsam_mobile.bundle import golden_inputs
from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, graph_spec
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime import Array, Runner

FLOAT_LIMIT: Final = 1e-4  # of the largest magnitude: float32 sums in another order
# Of the largest mask logit: what float32 was seen to move one by where nothing had flipped before, in a file (1.1e-5:
# XNNPACK adds 16,384 pixels one after the other) and in the reference (2.2e-6): tests/validate/test_margin.py.
MARGIN: Final = 1.35e-5
FLIP_SLACK: Final = 2.0  # any mix of flips against the two extremes that were run
PROBE_MARGIN: Final = 1e-5
PROBE_SIDES: Final = (16, 12, 8, 6, 4)  # cells, the largest window without a near logit wins


@dataclass(frozen=True, kw_only=True)
class TensorParity:
    """One output compared.

    Attributes:
        graph: whose output it is.
        name: of the tensor.
        max_error: on the whole picture: largest absolute difference over the reference's largest magnitude.
        allowed: what that may be: the limit, or what flips explain where logits lie next to zero.
        near_zero: mask logits within the margin of zero, over all stages.
        probe_error: the same on the probe; None for the encoder, which has no masks, and where no probe was found.
        limit: what the probe's may be.
        psnr_db: peak signal over noise on the whole picture; infinite for equal tensors.
        mask_iou: mean IoU of the masks, for mask logits.
    """

    graph: Graph
    name: str
    max_error: float
    allowed: float
    near_zero: int
    probe_error: float | None
    limit: float
    psnr_db: float
    mask_iou: float | None

    @property
    def excess(self) -> float:
        """The worse of both errors over what it may be; above 1 is too much, NaN counts as infinite."""
        ratios = [self.max_error / self.allowed, (self.probe_error or 0.0) / self.limit]
        return max(ratio if ratio == ratio else float("inf") for ratio in ratios)

    @property
    def passes(self) -> bool:
        """Within what is allowed."""
        return self.excess <= 1


@dataclass(frozen=True)
class ParityReport:
    """All outputs of all graphs."""

    tensors: tuple[TensorParity, ...]

    @property
    def passes(self) -> bool:
        """Whether every tensor does."""
        return all(tensor.passes for tensor in self.tensors)

    def require(self) -> "ParityReport":
        """Return self.

        Raises:
            GateError: names the worst tensor.
        """
        if not self.passes:
            failed = [tensor for tensor in self.tensors if not tensor.passes]
            worst = max(failed, key=lambda tensor: tensor.excess)
            raise GateError(
                f"parity: {worst.graph}/{worst.name} is off by {worst.max_error:.2e} of its largest value where "
                f"{worst.allowed:.2e} is allowed, and by {worst.probe_error or 0.0:.2e} on the probe where "
                f"{worst.limit:.2e} is; {len(failed)} of {len(self.tensors)} tensors fail; the files are not this model"
            )
        return self


class _Threshold(TorchFunctionMode):
    """Moves the decoder's ``mask_logits > 0`` by ``shift``, counts logits within ``reach``, both of the largest."""

    def __init__(self, shift: float, reach: float) -> None:
        super().__init__()
        self.shift, self.reach, self.near_zero = shift, reach, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not torch.Tensor.gt or args[1] != 0:
            return func(*args, **(kwargs or {}))
        logits: Tensor = args[0]
        size, largest = logits.abs(), logits.abs().max()
        # exact zeros come from zero features and are zero in any arithmetic
        self.near_zero += int(((size <= self.reach * largest) & (size > 0)).sum())
        return torch.gt(logits, self.shift * largest)


def parity_inputs(runner: Runner) -> tuple[Array, Mapping[str, Array]]:
    """The golden picture's pixel values, and the prompt graph's inputs besides the features."""
    return golden_inputs(runner.contract)


def check_parity(
    model: RmpSam,
    runner: Runner,
    pixel_values: Array,
    prompts: Mapping[str, Array],
    *,
    limit: float = FLOAT_LIMIT,
) -> ParityReport:
    """Run every graph of ``runner`` and of the eager ``model`` on the same inputs.

    Decoders get the eager encoder's features in both, so that each graph answers for itself. Files whose features are
    not yet mixed by ``loc_conv`` get them so, and the eager decoders what ``loc_conv`` makes of them.

    Args:
        model: the untouched reference.
        runner: the files.
        pixel_values: [1, 3, H, W].
        prompts: points, labels, boxes and image_size, as the prompt graph takes them.
        limit: allowed error of a float graph, relative to the largest magnitude.
    """
    sizes = runner.contract.sizes
    features = _border(model, sizes, pixel_values)
    rows: list[TensorParity] = []
    for graph in runner.graphs:
        spec = graph_spec(graph, sizes)
        if graph is Graph.ENCODER:
            rows += _compare_graph(model, runner, spec, [pixel_values], limit)
            continue
        frames = sizes.clip_frames if graph is Graph.CLIP else 1
        more = list(prompts.values()) if graph is Graph.PROMPTS else []
        rows += _compare_graph(model, runner, spec, [np.concatenate([features] * frames, axis=2), *more], limit)
    return ParityReport(tuple(rows))


def steady_probe(model: RmpSam, graph: Graph, inputs: Sequence[Array], *, frames: int = 0) -> list[Array] | None:
    """A decoder's inputs with features that are zero outside of a window in which no mask pixel can flip.

    Args:
        model: the reference, which tells how near to zero logits come.
        graph: a decoder.
        inputs: its inputs, features first, mixed or as they were before ``loc_conv``.
        frames: of the clip graph.

    Returns:
        None where no such window was found.
    """
    height, width = inputs[0].shape[-2:]
    random = np.random.default_rng(0)
    for side in PROBE_SIDES:
        for _ in range(3):
            top, left = (int(random.integers(0, max(extent - side, 0) + 1)) for extent in (height, width))
            features = np.zeros_like(inputs[0])
            window = (..., slice(top, top + side), slice(left, left + side))
            features[window] = inputs[0][window]
            probe = [features, *inputs[1:]]
            with _Threshold(0.0, PROBE_MARGIN) as mode:
                _run_eager(model, graph, probe, frames=frames)
            if not mode.near_zero:
                return probe
    return None


def _compare_graph(
    model: RmpSam, runner: Runner, spec: GraphSpec, inputs: Sequence[Array], limit: float
) -> list[TensorParity]:
    wanted = _wanted(model, runner.contract.sizes, spec.graph, inputs)
    flips, near_zero = _flips(model, runner, spec, inputs, wanted)
    probe = _probe_errors(model, runner, spec, inputs)
    rows = []
    for i, (tensor, got) in enumerate(zip(spec.outputs, runner.run(spec.graph, inputs), strict=True)):
        reference = wanted[i].numpy().astype(np.float64)
        scale = float(np.abs(reference).max()) or 1.0
        rms = float(np.sqrt(np.mean((got - reference) ** 2)))
        rows.append(
            TensorParity(
                graph=spec.graph,
                name=tensor.name,
                max_error=_error(got, reference),
                allowed=max(limit, FLIP_SLACK * flips[i]),
                near_zero=near_zero,
                probe_error=probe[i] if probe else None,
                limit=limit,
                psnr_db=float(20 * np.log10(scale / rms)) if rms else float("inf"),
                mask_iou=_mask_iou(got, reference) if tensor.name == "mask_logits" else None,
            )
        )
    return rows


def _wanted(model: RmpSam, sizes: GraphSizes, graph: Graph, inputs: Sequence[Array]) -> tuple[Tensor, ...]:
    if graph is Graph.ENCODER:
        return (torch.from_numpy(_border(model, sizes, inputs[0])),)
    return _run_eager(model, graph, inputs, frames=sizes.clip_frames)


def _flips(
    model: RmpSam, runner: Runner, spec: GraphSpec, inputs: Sequence[Array], wanted: Sequence[Tensor]
) -> tuple[list[float], int]:
    """How far the twins are from the model, output by output, and how many logits lie near zero."""
    largest, near_zero = [0.0] * len(wanted), 0
    for shift in (MARGIN, -MARGIN) if spec.graph is not Graph.ENCODER else ():
        with _Threshold(shift, MARGIN) as mode:
            twin = _run_eager(model, spec.graph, inputs, frames=runner.contract.sizes.clip_frames)
        near_zero = max(near_zero, mode.near_zero)
        distances = [_error(a.numpy(), b.numpy()) for a, b in zip(twin, wanted, strict=True)]
        largest = [max(pair) for pair in zip(largest, distances, strict=True)]
    return largest, near_zero


def _probe_errors(model: RmpSam, runner: Runner, spec: GraphSpec, inputs: Sequence[Array]) -> list[float] | None:
    """Errors on the probe; None for the encoder, which has no masks, and where there is no probe."""
    if spec.graph is Graph.ENCODER:
        return None
    frames = runner.contract.sizes.clip_frames
    probe = steady_probe(model, spec.graph, inputs, frames=frames)
    if probe is None:
        return None
    wanted = _run_eager(model, spec.graph, probe, frames=frames)
    return [_error(a, b.numpy()) for a, b in zip(runner.run(spec.graph, probe), wanted, strict=True)]


def _error(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Largest absolute difference over the largest magnitude of ``wanted``; NaN where either has one."""
    reference = wanted.astype(np.float64)
    return float(np.abs(got - reference).max()) / (float(np.abs(reference).max()) or 1.0)


def _run_eager(model: RmpSam, graph: Graph, inputs: Sequence[Array], *, frames: int = 0) -> tuple[Tensor, ...]:
    """Eager outputs; decoders may be given mixed features or those before ``loc_conv``."""
    like = model.panoptic_head.kernels.weight
    first, *more = (torch.as_tensor(value, dtype=like.dtype) for value in inputs)
    with torch.no_grad():
        if graph is not Graph.ENCODER and first.shape[1] != model.config.width:
            first = model.neck.mixed(first)
        outputs = build_graph(model, graph, frames)(first, *more)
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _border(model: RmpSam, sizes: GraphSizes, pixel_values: Array) -> Array:
    """What the eager encoder hands on, in the form that files of these sizes hand on."""
    if sizes.channels == model.config.width:
        (features,) = _run_eager(model, Graph.ENCODER, [pixel_values])
    else:
        pixels = torch.as_tensor(pixel_values, dtype=model.panoptic_head.kernels.weight.dtype)
        with torch.no_grad():
            features = model.neck.located(model.backbone(pixels))
    return features.numpy()


def _mask_iou(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Mean IoU over the masks, 1 where both are empty."""
    a, b = ((x > 0).reshape(x.shape[0] * x.shape[1], -1) for x in (got, wanted))
    union = (a | b).sum(-1)
    return float(np.mean(np.where(union > 0, (a & b).sum(-1) / np.maximum(union, 1), 1.0)))
