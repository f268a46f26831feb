"""ExecuTorch files as a Runner."""

import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph, ModelContract, Target, graph_spec
from rmpsam_mobile.errors import InputError, RmpSamError, UnsupportedError
from rmpsam_mobile.quiet import muted_start
from rmpsam_mobile.runtime.base import Array

FORWARD: Final = "forward"  # the method of a file of one graph

# Graphs that are alive: XNNPACK keeps a pointer to the thread pool, and a new pool would leave it dangling.
_loaded: weakref.WeakSet[Any] = weakref.WeakSet()


class PteRunner:
    """Runs .pte files; each is loaded when it is first needed, and ``load_ms`` then holds how long that took."""

    engine = "executorch"

    def __init__(self, paths: Mapping[Graph, Path], contract: ModelContract) -> None:
        """Args: paths: one file a graph; contract: what they were exported with."""
        self.contract = contract
        self.graphs = tuple(paths)
        self.load_ms: dict[Graph, float] = {}
        self._paths = paths
        self._methods: dict[Graph, Any] = {}

    @classmethod
    def of(cls, bundle: Bundle) -> "PteRunner":
        """Run the files of an opened, and so verified, bundle.

        Raises:
            UnsupportedError: it is made for another engine.
        """
        artifacts = bundle.manifest.graphs.values()
        other = {artifact.target for artifact in artifacts} - {Target.XNNPACK, Target.PORTABLE}
        if other:
            raise UnsupportedError(
                f"{bundle.folder.name} is made for {', '.join(other)}, which does not run on this machine; "
                "run it on a Mac or phone, or export with --target xnnpack"
            )
        return cls({a.graph: bundle.path(a.graph) for a in artifacts}, bundle.manifest.contract)

    def load(self, graph: Graph) -> Any:
        """Load a graph's file unless it is loaded.

        Raises:
            UnsupportedError: there is no such graph.
        """
        if graph not in self._paths:
            raise UnsupportedError(f"{self.contract.label} has no {graph} graph; it has {', '.join(self.graphs)}")
        if graph not in self._methods:
            path = self._paths[graph]
            several = len(set(self._paths.values())) < len(self._paths)  # one file, its methods named as graphs
            start = time.perf_counter()
            self._methods[graph] = load_method(path, str(graph) if several else FORWARD)
            self.load_ms[graph] = 1e3 * (time.perf_counter() - start)
        return self._methods[graph]

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        method = self.load(graph)
        for spec, value in zip(graph_spec(graph, self.contract.sizes).inputs, inputs, strict=True):
            if value.shape != spec.shape:
                raise InputError(f"{graph}: {spec.name} has shape {value.shape}; the file takes {spec.shape}")
        return execute(method, inputs)


def load_method(path: Path, name: str = FORWARD) -> Any:
    """Load a method of a .pte file; weights in a .ptd file of the same name beside it are found.

    From the file and not from bytes: the runtime does not keep those alive.

    Raises:
        InputError: the runtime refuses the file.
    """
    with muted_start():
        from executorch.runtime import Runtime, Verification
    try:
        with muted_start():  # the first load starts the thread pool, which tells of the processor
            # hashes were checked already
            weights = path.with_suffix(".ptd")
            if weights.is_file():
                method: Any = _WithWeights(path, weights, name)
            else:
                method = Runtime.get().load_program(path, verification=Verification.Minimal).load_method(name)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: ExecuTorch refuses this file ({reason}); export it with this version") from None
    _loaded.add(method)
    return method


class _WithWeights:
    """A method whose weights lie in a file of their own; only the older binding takes two files."""

    def __init__(self, path: Path, weights: Path, name: str) -> None:
        from executorch.extension.pybindings import _portable_lib

        self._module = _portable_lib._load_for_executorch(str(path), str(weights))
        self._name = name

    def execute(self, inputs: Sequence[Any]) -> Any:
        """Run the method that the loader was asked for."""
        return self._module.run_method(self._name, tuple(inputs))


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
        UnsupportedError: another size, and graphs are loaded; they hold on to the pool they were loaded with.
    """
    if threads < 1:
        raise InputError(f"{threads} threads; at least 1; leave --threads away for all cores")
    with muted_start():
        from executorch.extension.pybindings import _portable_lib
    present = _portable_lib._threadpool_get_thread_count()
    if threads == present:
        return
    if _loaded:
        raise UnsupportedError(
            f"{threads} threads: {len(_loaded)} graphs of this process are loaded with {present}; "
            "set threads before the first picture, or in a process of its own"
        )
    with muted_start():
        _portable_lib._unsafe_reset_threadpool(threads)
