"""The gate of lowered quantized files: run in a fresh process, they are the graphs that they were lowered from.

A file may lower, load, run and be wrong (8-bit weights alone: 45 dB in torch, -135 dB in XNNPACK's file). So the files
are compared with the quantized graphs, by signal to noise and by masks, and must answer the same bits every time.
"""

import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.fx import GraphModule

from rmpsam_mobile.bundle import golden_inputs
from rmpsam_mobile.contracts import Graph, ModelContract, graph_spec
from rmpsam_mobile.errors import GateError
from rmpsam_mobile.quantization import coverage_of, require_bytes
from rmpsam_mobile.runtime import Array, PteRunner

Inputs = Mapping[Graph, Sequence[Array]]
Outputs = dict[Graph, tuple[Array, ...]]

LEAST_SNR: Final = 12.0  # dB, of features: int8 kernels round products where the graph rounds their float imitation
FARTHER: Final = 3.0  # dB that a file may be farther from its graph than the float model is: as much noise again
LEAST_MASKS: Final = 0.85  # overlap of masks: one rounding moves a hard mask, and what follows from it
HIGHEST: Final = 40.0  # dB; above, nothing more is asked
RUNS: Final = 3


@dataclass(frozen=True)
class FileCheck:
    """One output of a file against the graph that it was lowered from.

    Attributes:
        graph: whose output it is.
        name: of the tensor.
        snr: signal to noise in dB; infinite for equal tensors.
        float_snr: the same of the float model against that graph: what rounding itself costs.
        masks: overlap of all masks together, for mask logits.
    """

    graph: Graph
    name: str
    snr: float
    float_snr: float
    masks: float | None

    @property
    def least(self) -> float:
        """Signal to noise that is asked for."""
        return max(LEAST_SNR, min(self.float_snr, HIGHEST) - FARTHER)

    @property
    def passes(self) -> bool:
        """Features by their numbers, masks by their pixels; names and scores follow from masks and are only told."""
        if self.masks is not None:
            return self.masks >= LEAST_MASKS
        return self.graph is not Graph.ENCODER or self.snr >= self.least


def check_files(
    modules: Mapping[Graph, GraphModule],
    floats: Mapping[Graph, nn.Module],
    paths: Mapping[Graph, Path],
    contract: ModelContract,
) -> tuple[FileCheck, ...]:
    """Bytes, answers and repeatability of quantized files.

    Args:
        modules: what each file was lowered from.
        floats: the same graphs before they were quantized.
        paths: the files.
        contract: of their sizes.

    Raises:
        GateError: a file is too large for its recipe, answers otherwise than its graph, or otherwise each time.
    """
    for graph, module in modules.items():
        require_bytes(paths[graph].stat().st_size, coverage_of(module), str(graph))
    inputs = gate_inputs(modules[Graph.ENCODER], contract, tuple(modules))
    answers = fresh_answers(paths, contract, inputs)
    require_repeatable(answers)
    checks = compare(modules, floats, inputs, answers[0], contract)
    return require_same(checks)


def gate_inputs(encoder: nn.Module, contract: ModelContract, graphs: Sequence[Graph]) -> dict[Graph, list[Array]]:
    """The golden picture for the encoder, and its features for all decoders."""
    pixels, prompts = golden_inputs(contract)
    (features,) = _run_torch(encoder, [pixels])
    given = {
        Graph.ENCODER: [pixels],
        Graph.OBJECTS: [features],
        Graph.PROMPTS: [features, *prompts.values()],
        Graph.CLIP: [np.concatenate([features] * max(contract.sizes.clip_frames, 1), 2)],
    }
    return {graph: given[graph] for graph in graphs}


def fresh_answers(paths: Mapping[Graph, Path], contract: ModelContract, inputs: Inputs) -> list[Outputs]:
    """What the files answer in a process that has seen nothing of the model, ``RUNS`` times."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, dict(paths), contract, dict(inputs)).result()


def compare(
    modules: Mapping[Graph, nn.Module],
    floats: Mapping[Graph, nn.Module],
    inputs: Inputs,
    answers: Outputs,
    contract: ModelContract,
) -> tuple[FileCheck, ...]:
    """Each output of the files against its graph's, and what rounding costs beside it."""
    checks = []
    for graph, module in modules.items():
        names = [tensor.name for tensor in graph_spec(graph, contract.sizes).outputs]
        wanted, exact = _run_torch(module, inputs[graph]), _run_torch(floats[graph], inputs[graph])
        for name, reference, unrounded, got in zip(names, wanted, exact, answers[graph], strict=True):
            masks = _masks(got, reference) if name == "mask_logits" else None
            noise = signal_to_noise(got, reference), signal_to_noise(unrounded, reference)
            checks.append(FileCheck(graph, name, *noise, masks))
    return tuple(checks)


def require_same(checks: Sequence[FileCheck]) -> tuple[FileCheck, ...]:
    """Return them.

    Raises:
        GateError: names the first output that differs.
    """
    for check in checks:
        if not check.passes:
            masks = "" if check.masks is None else f", masks overlap by {check.masks:.2f} where {LEAST_MASKS} is asked"
            raise GateError(
                f"{check.graph}/{check.name}: the file answers with {check.snr:.1f} dB against its own graph"
                f"{masks or f' where {check.least:.1f} are asked'}; it is not this model; do not ship it"
            )
    return tuple(checks)


def require_repeatable(answers: Sequence[Outputs]) -> None:
    """Refuse files that answer otherwise each time.

    Raises:
        GateError: names the graph.
    """
    for graph, first in answers[0].items():
        for other in answers[1:]:
            if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, other[graph], strict=True)):
                raise GateError(f"{graph}: {len(answers)} runs on one input differ; this file cannot be trusted here")


def signal_to_noise(got: Array, wanted: Array) -> float:
    """Power of the reference over power of the difference, in dB; minus infinity for what is no number."""
    signal = float(np.square(wanted, dtype=np.float64).sum())
    noise = float(np.square(got.astype(np.float64) - wanted).sum())
    if not np.isfinite(noise):
        return float("-inf")
    return float("inf") if not noise else 10 * float(np.log10(max(signal, 1e-300) / noise))


def _run(paths: dict[Graph, Path], contract: ModelContract, inputs: dict[Graph, Sequence[Array]]) -> list[Outputs]:
    runner = PteRunner(paths, contract)
    return [{graph: runner.run(graph, values) for graph, values in inputs.items()} for _ in range(RUNS)]


def _run_torch(module: nn.Module, inputs: Sequence[Array]) -> list[Array]:
    with torch.no_grad():
        found = module(*(torch.from_numpy(np.ascontiguousarray(value)) for value in inputs))
    return [tensor.numpy() for tensor in (found if isinstance(found, tuple | list) else (found,))]


def _masks(got: Array, wanted: Array) -> float:
    """Overlap of all masks together, 1 where all are empty; 0 where a logit is no number."""
    if not np.isfinite(got).all():
        return 0.0
    union = ((got > 0) | (wanted > 0)).sum()
    return float(((got > 0) & (wanted > 0)).sum() / union) if union else 1.0
