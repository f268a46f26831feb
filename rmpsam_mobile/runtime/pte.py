"""ExecuTorch files as a Runner."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph, ModelContract, Target
from rmpsam_mobile.errors import InputError, RmpSamError, UnsupportedError
from rmpsam_mobile.runtime.base import Array


class PteRunner:
    """Runs the .pte files of a bundle; each is loaded when it is first needed."""

    engine = "executorch"

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Args: bundle: opened and so verified; threads: of the process's pool, all cores by default."""
        other = {a.target for a in bundle.manifest.graphs.values()} - {Target.XNNPACK}
        if other:
            raise UnsupportedError(
                f"{bundle.folder.name} is made for {', '.join(other)}, which does not run on this machine; "
                "run it on a Mac or phone, or export with --target xnnpack"
            )
        self._bundle = bundle
        self._methods: dict[Graph, Any] = {}
        self.load_ms: dict[Graph, float] = {}
        self.graphs = tuple(Graph(name) for name in bundle.manifest.graphs)
        if threads is not None:
            set_threads(threads)

    @property
    def contract(self) -> ModelContract:
        """See ``Runner.contract``."""
        return self._bundle.manifest.contract

    def load(self, graph: Graph) -> Any:
        """Load a graph's file unless it is loaded; ``load_ms`` then holds how long it took."""
        if graph not in self._methods:
            path = self._bundle.path(graph)
            start = time.perf_counter()
            self._methods[graph] = load_method(path.read_bytes(), str(path))
            self.load_ms[graph] = 1e3 * (time.perf_counter() - start)
        return self._methods[graph]

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        method = self.load(graph)
        for spec, value in zip(self._bundle.manifest.graphs[graph].inputs, inputs, strict=True):
            if value.shape != spec.shape:
                raise InputError(f"{graph}: {spec.name} has shape {value.shape}; the file takes {spec.shape}")
        return execute(method, inputs)


def load_method(program: bytes, where: str) -> Any:
    """Load the only method of a .pte file.

    Raises:
        InputError: the runtime refuses the file.
    """
    from executorch.runtime import Runtime

    try:
        return Runtime.get().load_program(program).load_method("forward")
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{where}: ExecuTorch refuses this file ({reason}); export it with this version") from None


def execute(method: Any, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """Run a loaded method; outputs are copied out of the method's own memory."""
    # The runtime reads memory as it lies: anything but contiguous float32 would be read wrong without a word.
    tensors = [torch.from_numpy(np.ascontiguousarray(value, np.float32)) for value in inputs]
    outputs = method.execute(tensors)
    if outputs is None:
        raise RmpSamError("ExecuTorch returned nothing; please report it with the bundle's manifest")
    return tuple(output.numpy().copy() for output in outputs)


def set_threads(threads: int) -> None:
    """Set the size of ExecuTorch's thread pool, for the whole process.

    Raises:
        InputError: fewer than one.
    """
    if threads < 1:
        raise InputError(f"{threads} threads; at least 1; leave --threads away for all cores")
    from executorch.extension.pybindings import _portable_lib

    _portable_lib._unsafe_reset_threadpool(threads)
