"""Latency of a bundle on this machine: graph by graph, and from picture to mask."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.bench.machine import describe_machine, peak_memory_mb
from rmpsam_mobile.bench.timer import summarise, time_interleaved
from rmpsam_mobile.bundle import Bundle, golden_inputs
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.fit import Fit, fit_picture
from rmpsam_mobile.postprocess import PictureMasks
from rmpsam_mobile.preprocess import pixel_values
from rmpsam_mobile.runtime import Array, Prompt, PteRunner
from rmpsam_mobile.runtime.prompts import fill_slots
from rmpsam_mobile.runtime.pte import set_threads

HOST_NOTE: Final = "host, not a phone"
_LOADS: Final = 3
_PICTURE: Final = (1080, 1440)  # height, width of the picture that the pipeline rows start from


def bench_on_host(
    bundle: Bundle,
    *,
    runs: int = 30,
    warmup: int = 5,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Time a bundle, all graphs and the steps around them in turn.

    Args:
        bundle: opened.
        runs: timed rounds.
        warmup: rounds before.
        threads: of ExecuTorch's pool; None leaves it at its default.
        progress: called with 1 after each round.

    Returns:
        A ``rmpsam.latency/1`` report: milliseconds, UTC stamps, unknown is None.
    """
    started = _now()
    if threads is not None:
        set_threads(threads)
    baseline = peak_memory_mb()
    load_ms = _load_times(bundle)
    runner = PteRunner.of(bundle)
    samples = time_interleaved(_actions(runner), runs=runs, warmup=warmup, progress=progress)
    summaries = {name: asdict(summarise(times)) for name, times in samples.items()}
    about = bundle.manifest
    return {
        "schema": "rmpsam.latency/1",
        "status": "ok",
        "reasons": [],
        "warnings": [HOST_NOTE],
        "tool": {"name": "rmpsam-mobile", "version": version("rmpsam-mobile"), "command": sys.argv[1:]},
        "started": started,
        "finished": _now(),
        "bundle": {"name": about.name, "folder": bundle.folder.name, "trained": about.contract.trained},
        "target": describe_machine(),
        "runner": {"runtime": runner.engine, "runtime_version": version("executorch"), "threads": threads},
        "protocol": {"runs": runs, "warmup": warmup, "order": "interleaved", "input": "golden"},
        "load": {"cold_ms": load_ms},
        "graphs": [{"graph": str(g), "samples_ms": samples[g], "summary": summaries[g]} for g in runner.graphs],
        "pipeline": _pipeline({name: summary["p50"] for name, summary in summaries.items()}),
        "memory": {"baseline_mb": baseline, "peak_mb": peak_memory_mb(), "method": "maxrss"},
    }


def _pipeline(p50: Mapping[str, float]) -> dict[str, Any]:
    """Medians of the steps around the graphs, and what they add up to."""
    first = ("preprocess", Graph.ENCODER, Graph.PROMPTS, "postprocess")
    return {
        "picture": f"{_PICTURE[1]} x {_PICTURE[0]} px",
        "preprocess_ms_p50": p50["preprocess"],
        "encoder_ms_p50": p50[Graph.ENCODER],
        "prompt_ms_p50": p50[Graph.PROMPTS],
        "postprocess_ms_p50": p50["postprocess"],
        "tap_to_mask_ms_p50": p50[Graph.PROMPTS] + p50["postprocess"],
        "picture_to_mask_ms_p50": sum(p50[step] for step in first),
    }


def _load_times(bundle: Bundle) -> dict[str, list[float]]:
    """Milliseconds to read and prepare each graph, several times from anew."""
    times: dict[str, list[float]] = {}
    for _ in range(_LOADS):
        runner = PteRunner.of(bundle)
        for graph in runner.graphs:
            runner.load(graph)
            times.setdefault(str(graph), []).append(runner.load_ms[graph])
    return times


def _actions(runner: PteRunner) -> dict[str, Callable[[], object]]:
    """What is timed: every graph on the golden input, and the steps before and after for one click."""
    contract = runner.contract
    pixels, prompts = golden_inputs(contract)
    (features,) = runner.run(Graph.ENCODER, [pixels])
    inputs: dict[Graph, list[Array]] = {
        Graph.ENCODER: [pixels],
        Graph.OBJECTS: [features],
        Graph.PROMPTS: [features, *prompts.values()],
        Graph.CLIP: [np.concatenate([features] * max(contract.sizes.clip_frames, 1), axis=2)],
    }
    fit = fit_picture(*_PICTURE, contract.sizes.size)
    picture = np.random.default_rng(0).integers(0, 256, (*_PICTURE, 3), np.uint8)
    click = fill_slots([Prompt(((_PICTURE[1] / 2, _PICTURE[0] / 2),), (1,))], fit, contract)
    logits, _ = runner.run(Graph.PROMPTS, [features, *click])

    def run(graph: Graph) -> Callable[[], object]:
        return lambda: runner.run(graph, inputs[graph])

    return {
        "preprocess": lambda: pixel_values(picture, fit),
        **{graph: run(graph) for graph in runner.graphs},
        "postprocess": lambda: _one_mask(logits, fit),
    }


def _one_mask(logits: Array, fit: Fit) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = PictureMasks(logits[0, :1], fit)[0] > 0
    return mask


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
