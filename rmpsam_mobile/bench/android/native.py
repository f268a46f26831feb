"""A runner of the user's own: any program that prints a JSON object a line; its outputs are judged on this computer.

It is called with ``--model FILE --inputs A,B --outputs FOLDER --warmup N --runs N --min-seconds S --max-seconds S`` and
``--threads N``, and prints ``{"event": "loaded", "ms": ...}`` with what it knows of itself, ``{"event": "first", "ms":
...}`` for its very first run, ``{"event": "run", "ms": ...}`` for each timed one, and ``{"event": "done"}``; or
``{"event": "error", "code": ...}``. Tensors are raw little-endian float32: FOLDER/first_0.f32 and last_0.f32 hold the
first output of the first and of the last run, and so on.
"""

import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.bench.android.adb import Adb
from rmpsam_mobile.bench.golden_check import check_graphs
from rmpsam_mobile.bench.runtime_errors import explain
from rmpsam_mobile.bundle import Bundle, golden_inputs, read_golden, record_golden
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import DeviceError, UnsupportedError

INPUT_NAMES: Final = ("boxes.f32", "image_size.f32", "labels.f32", "pixel_values.f32", "points.f32")
_EVENTS: Final = ("loaded", "first", "run", "done", "error")
_FACTS: Final = ("runtime", "runtime_version", "delegates", "load_mode", "version")


class NativeRun(NamedTuple):
    """What one call of a native runner said."""

    facts: dict[str, Any]
    load_ms: float
    first_ms: float | None
    samples_ms: list[float]
    peak_mb: float | None


def write_inputs(bundle: Bundle, folder: Path) -> None:
    """Write the golden inputs, ``INPUT_NAMES``, as raw float32; features come from the encoder's own output."""
    pixels, prompts = golden_inputs(bundle.manifest.contract)
    for name, values in {"pixel_values": pixels, **prompts}.items():
        (folder / f"{name}.f32").write_bytes(np.ascontiguousarray(values, "<f4").tobytes())


def arguments(bundle: Bundle, graph: Graph) -> dict[str, str | int | float]:
    """Which file and which inputs a graph takes, relative to the folder on the phone.

    Raises:
        UnsupportedError: the clip graph, whose input joins features of several frames.
    """
    if graph is Graph.CLIP:
        raise UnsupportedError(
            "the clip graph cannot be timed by a native runner; leave --graph clip away, or use the app"
        )
    artifact = bundle.manifest.graphs[graph]
    names = [f"{tensor.name}.f32" for tensor in artifact.inputs]
    if graph is not Graph.ENCODER:
        names[0] = f"outputs/{Graph.ENCODER}/last_0.f32"
    return {"model": artifact.path, "inputs": ",".join(names), "outputs": f"outputs/{graph}"}


def parse_native(text: str, status: int) -> NativeRun:
    """Read the lines of one call that ended with exit status ``status``.

    Raises:
        DeviceError: garbage, half a line, an error of the runtime, a crash, or an end without ``done``.
    """
    if status > 128:
        raise DeviceError(f"the runner crashed with signal {status - 128} (exit {status}); see: adb logcat -d")
    events = [_event(line) for line in text.splitlines() if line.strip()]
    by_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _EVENTS}
    for event in events:
        if event.get("event") not in by_kind:
            raise DeviceError(f"the runner said event {event.get('event')!r}; known: {', '.join(_EVENTS)}")
        by_kind[event["event"]].append(event)
    if by_kind["error"]:
        raise DeviceError(f"the runner failed: {explain(int(_number(by_kind['error'][0], 'code')))}")
    samples = [_number(event, "ms") for event in by_kind["run"]]
    if status or not by_kind["done"] or not by_kind["loaded"]:
        missing = f"ended with exit {status}" if status else "stopped without saying loaded and done"
        raise DeviceError(f"the runner {missing} after {len(samples)} timed runs; see: adb logcat -d")
    first = _number(by_kind["first"][0], "ms") if by_kind["first"] else None
    loaded = by_kind["loaded"][0]
    return NativeRun(loaded, _number(loaded, "ms"), first, samples, by_kind["done"][0].get("peak_mb"))


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        kind = "half a line" if line.lstrip().startswith("{") else "something else than JSON"
        raise DeviceError(f"the runner printed {kind}: {line[:60]!r}; notes belong on its stderr") from None
    if not isinstance(event, dict):
        raise DeviceError(f"the runner printed {line[:60]!r}; wanted a JSON object a line")
    return event


def _number(event: Mapping[str, Any], key: str) -> float:
    value = event.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DeviceError(f"the runner printed {json.dumps(event)[:60]}; wanted a number in {key!r}")
    return float(value)


def runner_facts(run: NativeRun) -> dict[str, Any]:
    """What the report says of the runner."""
    return {"kind": "native", "id": "runner", **{name: run.facts.get(name) for name in _FACTS}}


def judge_outputs(adb: Adb, bundle: Bundle, graphs: Sequence[Graph], folder: str) -> dict[Graph, dict[str, Any]]:
    """Fetch first and last outputs of every graph, the encoder's among them, and compare them with the golden pair."""
    artifacts = bundle.manifest.graphs
    names = {graph: [tensor.name for tensor in artifacts[graph].outputs] for graph in graphs}
    taken = []
    with tempfile.TemporaryDirectory() as temporary:
        for when in ("first", "last"):

            def fetched(graph: Graph, _: object, when: str = when) -> list[NDArray[np.float32]]:
                tensors = []
                for index, tensor in enumerate(artifacts[graph].outputs):
                    local = Path(temporary) / f"{graph}_{when}_{index}.f32"
                    adb.pull(f"{folder}/outputs/{graph}/{local.name.partition('_')[2]}", local)
                    tensors.append(_tensor(local, tensor.shape))
                return tensors

            taken.append(record_golden(bundle.manifest.contract, names, fetched))
    return check_graphs(read_golden(bundle.folder), *taken)


def _tensor(path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
    values = np.fromfile(path, "<f4")
    if values.size != math.prod(shape):
        raise DeviceError(
            f"the runner wrote {values.size} numbers to {path.stem}; the manifest says {math.prod(shape)}"
        )
    return values.astype(np.float32).reshape(shape)
