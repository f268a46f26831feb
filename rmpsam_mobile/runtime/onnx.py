"""ONNX files as a Runner, by onnxruntime: to compare and debug with, not for phones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph, ModelContract, Target, graph_spec
from rmpsam_mobile.errors import InputError, MissingExtraError, UnsupportedError
from rmpsam_mobile.runtime.base import Array


class OnnxRunner:
    """Runs .onnx files on the CPU; each is loaded when it is first needed."""

    engine = "onnxruntime"

    def __init__(self, paths: Mapping[Graph, Path], contract: ModelContract, *, threads: int | None = None) -> None:
        """Args: paths: one file a graph; contract: what they were exported with; threads: None for all cores."""
        self.contract = contract
        self.graphs = tuple(paths)
        self._paths = paths
        self._threads = threads
        self._sessions: dict[Graph, Any] = {}

    @classmethod
    def of(cls, bundle: Bundle, *, threads: int | None = None) -> "OnnxRunner":
        """Run the files of an opened, and so verified, bundle of ONNX files.

        Raises:
            UnsupportedError: it is made for another engine.
        """
        artifacts = bundle.manifest.graphs.values()
        other = {artifact.target for artifact in artifacts} - {Target.ONNX}
        if other:
            raise UnsupportedError(f"{bundle.folder.name} is made for {', '.join(sorted(other))}, not for onnxruntime")
        paths = {artifact.graph: bundle.path(artifact.graph) for artifact in artifacts}
        return cls(paths, bundle.manifest.contract, threads=threads)

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        session = self._session(graph)
        spec = graph_spec(graph, self.contract.sizes)
        given = {}
        for tensor, value in zip(spec.inputs, inputs, strict=True):
            if value.shape != tensor.shape:
                raise InputError(f"{graph}: {tensor.name} has shape {value.shape}; the file takes {tensor.shape}")
            given[tensor.name] = np.ascontiguousarray(value, np.float32)
        return tuple(session.run([tensor.name for tensor in spec.outputs], given))

    def _session(self, graph: Graph) -> Any:
        if graph not in self._paths:
            raise UnsupportedError(f"{self.contract.label} has no {graph} graph; it has {', '.join(self.graphs)}")
        if graph not in self._sessions:
            self._sessions[graph] = _open(self._paths[graph], self._threads)
        return self._sessions[graph]


def _open(path: Path, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError(
            "running ONNX files needs its extra; install it with: pip install 'rmpsam-mobile[onnx]'"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes, one for each cause
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: onnxruntime refuses this file ({reason:.150}); export it again") from None
