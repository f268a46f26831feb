"""Core ML packages as a Runner on any machine: by the reference interpreter, which is not the Neural Engine."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph, ModelContract, Target, TensorSpec, graph_spec
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.runtime.base import Array
from rmpsam_mobile.runtime.mil.dtypes import Arithmetic
from rmpsam_mobile.runtime.mil.package import read_package
from rmpsam_mobile.runtime.mil.program import Program, Step, Value

ENGINE: Final = "reference interpreter, not the Neural Engine"


class MilRunner:
    """Runs .mlpackage folders; each is read when it is first needed, and ``load_ms`` then holds how long that took."""

    def __init__(
        self,
        paths: Mapping[Graph, Path],
        contract: ModelContract,
        *,
        arithmetic: Arithmetic = Arithmetic.PROGRAM,
    ) -> None:
        """Args: paths: one package a graph; contract: of the export; arithmetic: how numbers are kept."""
        self.contract = contract
        self.graphs = tuple(paths)
        self.arithmetic = arithmetic
        self.load_ms: dict[Graph, float] = {}
        self._paths = paths
        self._programs: dict[Graph, Program] = {}

    @classmethod
    def of(cls, bundle: Bundle, *, arithmetic: Arithmetic = Arithmetic.PROGRAM) -> "MilRunner":
        """Run the packages of an opened, and so verified, bundle.

        Raises:
            UnsupportedError: it is made for another engine.
        """
        artifacts = bundle.manifest.graphs.values()
        other = {artifact.target for artifact in artifacts} - {Target.COREML_PACKAGE}
        if other:
            raise UnsupportedError(
                f"{bundle.folder.name} is made for {', '.join(sorted(other))}, whose files are no Core ML packages"
            )
        paths = {artifact.graph: bundle.path(artifact.graph) for artifact in artifacts}
        return cls(paths, bundle.manifest.contract, arithmetic=arithmetic)

    @property
    def engine(self) -> str:
        """What reports call it: that it is no device, and how it keeps numbers."""
        kept = "types of the program" if self.arithmetic is Arithmetic.PROGRAM else "all in float32"
        return f"{ENGINE} ({kept})"

    def load(self, graph: Graph) -> Program:
        """Read a graph's package unless it is read.

        Raises:
            UnsupportedError: there is no such graph, or its package holds what is not known here.
            InputError: its package is damaged.
        """
        if graph not in self._paths:
            raise UnsupportedError(f"{self.contract.label} has no {graph} graph; it has {', '.join(self.graphs)}")
        if graph not in self._programs:
            start = time.perf_counter()
            several = len(set(self._paths.values())) < len(self._paths)  # one package, its functions named as graphs
            function = str(graph) if several else None
            self.use(graph, read_package(self._paths[graph], arithmetic=self.arithmetic, function=function))
            self.load_ms[graph] = 1e3 * (time.perf_counter() - start)
        return self._programs[graph]

    def use(self, graph: Graph, program: Program) -> None:
        """Run ``program`` for ``graph`` from now on: another function of its package, or an edited one.

        Raises:
            InputError: its inputs or outputs are not named as the graph's border.
        """
        spec = graph_spec(graph, self.contract.sizes)
        for wanted, found in ((spec.inputs, program.inputs), (spec.outputs, program.outputs)):
            names, present = ([tensor.name for tensor in side] for side in (wanted, found))
            if set(names) != set(present):
                raise InputError(f"{graph}: the package has {', '.join(present)} where {', '.join(names)} are wanted")
        self._programs[graph] = program

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        return self.watched(graph, inputs)

    def watched(
        self, graph: Graph, inputs: Sequence[Array], watch: Callable[[Step, Sequence[Tensor]], None] = lambda *_: None
    ) -> tuple[Array, ...]:
        """``run``, with ``watch`` called for each step of the program."""
        program = self.load(graph)
        spec = graph_spec(graph, self.contract.sizes)
        taken = {value.name: value for value in program.inputs}
        given = {}
        for tensor, array in zip(spec.inputs, inputs, strict=True):
            if array.shape != tensor.shape:
                raise InputError(f"{graph}: {tensor.name} has shape {array.shape}; the package takes {tensor.shape}")
            given[tensor.name] = self._tensor(tensor, array, taken[tensor.name])
        found = program.run(given, watch)
        return tuple(found[tensor.name].float().numpy().copy() for tensor in spec.outputs)

    def _tensor(self, tensor: TensorSpec, array: Array, value: Value) -> Tensor:
        """An input as the package takes it; a picture is turned back into 8 bits, as the device gets it."""
        numbers = torch.from_numpy(np.ascontiguousarray(array, np.float32))
        if value.image is None:
            return numbers
        if value.image == "GRAYSCALE":
            raise UnsupportedError(f"{tensor.name} is a grey picture; this model reads colour")
        std, mean = (torch.tensor(numbers).reshape(1, 3, 1, 1) for numbers in (self.contract.std, self.contract.mean))
        pixels = (numbers * std + mean).round().clamp(0, 255)
        return pixels.flip(1) if value.image == "BGR" else pixels
