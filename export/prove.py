"""What a finished export is held against: the golden pair, parity, ranges of half precision, the delegated share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rmpsam_mobile.bundle import golden_inputs
from rmpsam_mobile.contracts import Graph, ModelContract, Target
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.export.lower import Lowered
from rmpsam_mobile.runtime import Array, PteRunner, Runner
from rmpsam_mobile.runtime.mil import Arithmetic, MilRunner
from rmpsam_mobile.runtime.mil.ranges import LARGEST_FLOAT16, HalfRange, half_ranges
from rmpsam_mobile.runtime.onnx import OnnxRunner


def runner_of_files(target: Target, paths: Mapping[Graph, Path], contract: ModelContract) -> Runner | None:
    """What runs the files on this machine; None where nothing does."""
    if target in (Target.XNNPACK, Target.PORTABLE):
        return PteRunner(paths, contract)
    if target is Target.COREML_PACKAGE:
        return MilRunner(paths, contract)
    return OnnxRunner(paths, contract) if target is Target.ONNX else None


def require_delegated(lowered: Mapping[Graph, Lowered], least: float) -> None:
    """Hold every graph against the share of multiply-adds that its delegate must take.

    Raises:
        GateError: names the graph and what was left.
    """
    for graph, found in lowered.items():
        share = found.delegation.mac_share
        if found.delegation.macs_total and share < least:
            left = sorted(found.delegation.leftovers, key=lambda leftover: -leftover.mac_share)
            names = ", ".join(f"{leftover.operator} x{leftover.count}" for leftover in left[:3])
            raise GateError(
                f"delegation: {found.delegation.delegate} takes {100 * share:.1f} % of the {graph} graph's "
                f"multiply-adds where {100 * least:.1f} % are asked; left: {names}; "
                "rewrite them, or lower --min-delegated"
            )


def require_half_ranges(paths: Mapping[Graph, Path], contract: ModelContract) -> dict[Graph, HalfRange | None]:
    """Scan the float16 values of packages on the golden picture.

    Raises:
        GateError: one leaves float16; names the operator.
    """
    runner = MilRunner(paths, contract, arithmetic=Arithmetic.FLOAT32)
    ranges = half_ranges(runner, _inputs(runner))
    for graph, found in ranges.items():
        if found is not None and not found.fits:
            raise GateError(
                f"float16: {found.operator} {found.name!r} of the {graph} graph reaches {found.largest:.3g} and "
                f"float16 ends at {LARGEST_FLOAT16:,.0f}; export with --precision fp32"
            )
    return ranges


def _inputs(runner: Runner) -> dict[Graph, Sequence[Array]]:
    """The golden picture's inputs of every graph; decoders get the runner's own features."""
    pixels, prompts = golden_inputs(runner.contract)
    (features,) = runner.run(Graph.ENCODER, [pixels])
    frames = max(runner.contract.sizes.clip_frames, 1)
    given: dict[Graph, Sequence[Array]] = {
        Graph.ENCODER: [pixels],
        Graph.OBJECTS: [features],
        Graph.PROMPTS: [features, *prompts.values()],
        Graph.CLIP: [np.concatenate([features] * frames, axis=2)],
    }
    return {graph: given[graph] for graph in runner.graphs}
