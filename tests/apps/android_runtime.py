"""What answers the app's runs when its compiled classes run on a plain JVM: real files, or a golden pair's numbers.

``python -m tests.apps.android_runtime pte|golden``: requests and answers through the standard streams, big-endian.
"""

import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.bundle import Bundle, open_bundle, read_golden
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.runtime import PteRunner

Array = NDArray[np.float32]
Answer = Callable[[Bundle, Graph, list[Array]], list[Array]]
_STEADY_S: Final = 0.004  # a run that only looks up numbers takes as long


def answer_with_files(bundle: Bundle, graph: Graph, inputs: list[Array]) -> list[Array]:
    """Run the real file."""
    runner = _RUNNERS.setdefault(bundle.folder, PteRunner.of(bundle))
    specs = bundle.manifest.graphs[graph].inputs
    shaped = [values.reshape(spec.shape) for spec, values in zip(specs, inputs, strict=True)]
    return [output.reshape(-1) for output in runner.run(graph, shaped)]


def answer_with_golden_pair(bundle: Bundle, graph: Graph, _: list[Array]) -> list[Array]:
    """Put the golden pair's numbers at their places, zeros between, after a steady time."""
    end = time.perf_counter() + _STEADY_S
    stored = read_golden(bundle.folder).values
    outputs = []
    for spec in bundle.manifest.graphs[graph].outputs:
        values = np.zeros(int(np.prod(spec.shape)), np.float32)
        thin = stored[f"{graph}/{spec.name}"]
        stride = -(-values.size // 4096)
        values[:: stride + (stride % 2 == 0)] = thin
        outputs.append(values)
    while time.perf_counter() < end:
        pass
    return outputs


_RUNNERS: Final[dict[Path, PteRunner]] = {}
_ANSWERS: Final[dict[str, Answer]] = {"pte": answer_with_files, "golden": answer_with_golden_pair}


def serve(source: BinaryIO, target: BinaryIO, answer: Answer) -> None:
    """Answer requests until the stream ends."""
    bundles: dict[Path, Bundle] = {}
    while head := source.read(2):
        path = Path(source.read(struct.unpack(">H", head)[0]).decode())
        source.read(struct.unpack(">H", source.read(2))[0])  # the method's name
        bundle = bundles.get(path.parent) or bundles.setdefault(path.parent, open_bundle(path.parent))
        graph = next(a.graph for a in bundle.manifest.graphs.values() if bundle.folder / a.path == path)
        inputs = [_read_array(source) for _ in range(struct.unpack(">i", source.read(4))[0])]
        outputs = answer(bundle, graph, inputs)
        target.write(struct.pack(">i", len(outputs)))
        for values in outputs:
            target.write(struct.pack(">i", values.size) + values.astype(">f4").tobytes())
        target.flush()


def _read_array(source: BinaryIO) -> Array:
    count = struct.unpack(">i", source.read(4))[0]
    return np.frombuffer(source.read(4 * count), ">f4").astype(np.float32)


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, _ANSWERS[sys.argv[1]])
