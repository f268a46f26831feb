"""Parity: the same inputs through the eager model and through files, tensor by tensor.

The decoders threshold their masks, so a mask logit next to zero may fall on the other side by rounding alone and
move everything after it (quirk 7). Such flips are told from errors by two twins of the eager model, which call a
pixel part of a mask from ``+MARGIN`` or from ``-MARGIN`` of the largest logit on. Where no logit lies that near to
zero the twins equal the model and the plain limit holds; else the twins' distance is what flips may explain.
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
from rmpsam_mobile.contracts import Graph, GraphSpec, graph_spec
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime import Array, Runner

FLOAT_LIMIT: Final = 1e-4  # of the largest magnitude: float32 sums in another order
MARGIN: Final = 1e-5  # of the largest mask logit: ten times what rounding moves one
FLIP_SLACK: Final = 2.0  # any mix of flips against the two extremes that were run


@dataclass(frozen=True, kw_only=True)
class TensorParity:
    """One output compared.

    Attributes:
        graph: whose output it is.
        name: of the tensor.
        max_error: largest absolute difference over the reference's largest magnitude.
        allowed: what it may be: the limit, or what flips explain where pixels lie next to zero.
        near_zero: mask logits within the margin of zero, over all stages.
        psnr_db: peak signal over noise; infinite for equal tensors.
        mask_iou: mean IoU of the masks, for mask logits.
    """

    graph: Graph
    name: str
    max_error: float
    allowed: float
    near_zero: int
    psnr_db: float
    mask_iou: float | None

    @property
    def passes(self) -> bool:
        """Within what is allowed; NaN never is."""
        return self.max_error <= self.allowed


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
            worst = max(failed, key=lambda t: t.max_error / t.allowed if t.max_error == t.max_error else np.inf)
            raise GateError(
                f"parity: {worst.graph}/{worst.name} is off by {worst.max_error:.2e} of its largest value; "
                f"the limit is {worst.allowed:.2e}; {len(failed)} of {len(self.tensors)} tensors fail; see validate"
            )
        return self


class _Threshold(TorchFunctionMode):
    """Moves the decoder's ``mask_logits > 0`` by ``margin`` of the largest logit, and counts who is that near."""

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin, self.near_zero = margin, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.__gt__ and args[1] == 0:
            logits: Tensor = args[0]
            reach = logits.abs().max() * MARGIN
            self.near_zero += int((logits.abs() <= reach).sum())
            return torch.gt(logits, self.margin / MARGIN * reach)
        return func(*args, **(kwargs or {}))


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

    Decoders get the eager encoder's features in both, so that each graph answers for itself.

    Args:
        model: the untouched reference.
        runner: the files.
        pixel_values: [1, 3, H, W].
        prompts: points, labels, boxes and image_size, as the prompt graph takes them.
        limit: allowed error of a float graph, relative to the largest magnitude.
    """
    sizes = runner.contract.sizes
    (features,) = _run_eager(model, Graph.ENCODER, [pixel_values])
    rows: list[TensorParity] = []
    for graph in runner.graphs:
        inputs: Sequence[Array] = [features.numpy()]
        if graph is Graph.ENCODER:
            inputs = [pixel_values]
        elif graph is Graph.PROMPTS:
            inputs = [features.numpy(), *prompts.values()]
        elif graph is Graph.CLIP:
            inputs = [np.concatenate([features.numpy()] * sizes.clip_frames, axis=2)]
        rows += _compare_graph(model, runner, graph_spec(graph, sizes), inputs, limit)
    return ParityReport(tuple(rows))


def _compare_graph(
    model: RmpSam, runner: Runner, spec: GraphSpec, inputs: Sequence[Array], limit: float
) -> list[TensorParity]:
    frames = runner.contract.sizes.clip_frames
    wanted = _run_eager(model, spec.graph, inputs, frames=frames)
    twins, near_zero = [], 0
    if spec.graph is not Graph.ENCODER:
        for margin in (MARGIN, -MARGIN):
            with _Threshold(margin) as mode:
                twins.append(_run_eager(model, spec.graph, inputs, frames=frames))
            near_zero = max(near_zero, mode.near_zero)
    rows = []
    for i, (tensor, got) in enumerate(zip(spec.outputs, runner.run(spec.graph, inputs), strict=True)):
        reference = wanted[i].numpy().astype(np.float64)
        scale = float(np.abs(reference).max()) or 1.0
        flips = max((float(np.abs(twin[i].numpy() - reference).max()) / scale for twin in twins), default=0.0)
        difference = got - reference
        rms = float(np.sqrt(np.mean(difference**2)))
        rows.append(
            TensorParity(
                graph=spec.graph,
                name=tensor.name,
                max_error=float(np.abs(difference).max()) / scale,
                allowed=max(limit, FLIP_SLACK * flips),
                near_zero=near_zero,
                psnr_db=float(20 * np.log10(scale / rms)) if rms else float("inf"),
                mask_iou=_mask_iou(got, reference) if tensor.name == "mask_logits" else None,
            )
        )
    return rows


def _run_eager(model: RmpSam, graph: Graph, inputs: Sequence[Array], *, frames: int = 0) -> tuple[Tensor, ...]:
    like = model.panoptic_head.kernels.weight
    with torch.no_grad():
        outputs = build_graph(model, graph, frames)(*(torch.as_tensor(value, dtype=like.dtype) for value in inputs))
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _mask_iou(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Mean IoU over the masks, 1 where both are empty."""
    a, b = ((x > 0).reshape(x.shape[0] * x.shape[1], -1) for x in (got, wanted))
    union = (a | b).sum(-1)
    return float(np.mean(np.where(union > 0, (a & b).sum(-1) / np.maximum(union, 1), 1.0)))
