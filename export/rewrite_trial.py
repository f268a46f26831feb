"""What a rewritten graph is compared on: the golden picture, its features, and prompts on it.

A hard mask may flip a pixel whose logit is next to zero by rounding alone, and move all that follows (ARCHITECTURE.md,
"Parity and flips"). In float64 that does not happen, so decoders get the whole picture's features. In float32 they get
the probe of ``validate.parity``, in which nothing can flip.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from rmpsam_mobile.bundle import golden_inputs
from rmpsam_mobile.contracts import Graph, GraphSizes
from rmpsam_mobile.export.split import Part, exported_graphs
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.validate import steady_probe

PRECISIONS: Final = (torch.float32, torch.float64)

Outputs = tuple[Tensor, ...]


class Trial:
    """Inputs of every graph in both precisions; features are kept as z, of which ``Neck.mixed`` makes F.

    ``flips`` names the decoders whose float32 input is the whole picture after all, since no probe was found.
    """

    def __init__(self, model: RmpSam, sizes: GraphSizes) -> None:
        self._reference = copy.deepcopy(model).double()
        self.flips: list[Graph] = []
        pixels, prompts = golden_inputs(contract_of(model, sizes))
        with torch.no_grad():
            located = self._reference.neck.located(self._reference.backbone(torch.from_numpy(pixels).double()))
        self._inputs: dict[Graph, Mapping[torch.dtype, Sequence[Tensor]]] = {
            Graph.ENCODER: {dtype: [torch.from_numpy(pixels)] for dtype in PRECISIONS}
        }
        for graph in exported_graphs(model, sizes)[1:]:
            frames = sizes.clip_frames if graph is Graph.CLIP else 1
            more = [torch.from_numpy(value) for value in prompts.values()] if graph is Graph.PROMPTS else []
            whole = [torch.cat([located] * frames, 2), *more]
            self._inputs[graph] = {torch.float32: self._probe(model, graph, whole, frames), torch.float64: whole}

    def inputs(self, part: Part, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """What the part takes, its features in the form that its border has."""
        first, *more = self._inputs[part.spec.graph][dtype]
        takes_mixed = part.spec.graph is not Graph.ENCODER and part.spec.inputs[0].shape[1] == self._width
        if takes_mixed:
            first = self._mixed(first)
        return tuple(value.to(dtype) for value in (first, *more))

    def comparable(self, graph: Graph, outputs: Outputs) -> Outputs:
        """The outputs with features as F, whatever form the encoder now hands on."""
        if graph is Graph.ENCODER and outputs[0].shape[1] != self._width:
            return (self._mixed(outputs[0]),)
        return outputs

    @property
    def _width(self) -> int:
        return self._reference.config.width

    def _mixed(self, located: Tensor) -> Tensor:
        with torch.no_grad():
            return self._reference.neck.mixed(located.double())

    def _probe(self, model: RmpSam, graph: Graph, whole: list[Tensor], frames: int) -> Sequence[Tensor]:
        """``whole`` where no mask pixel can flip; where there is no such place, ``whole`` itself."""
        found = steady_probe(model, graph, [value.float().numpy() for value in whole], frames=frames)
        if found is None:
            self.flips.append(graph)
            return whole
        return [torch.from_numpy(value) for value in found]


def largest_error(got: Outputs, wanted: Outputs) -> float | None:
    """Largest absolute difference over the largest magnitude wanted, of all outputs; None where it is not finite."""
    errors = [_error(a.double(), b.double()) for a, b in zip(got, wanted, strict=True)]
    return max(errors) if all(error < float("inf") for error in errors) else None


def _error(got: Tensor, wanted: Tensor) -> float:
    """NaN where either has one; infinite where shapes differ."""
    if got.shape != wanted.shape:
        return float("inf")
    return float((got - wanted).abs().max()) / (float(wanted.abs().max()) or 1.0)
