"""Latency of a bundle on this machine: graph by graph, and from picture to mask."""

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.bench.golden_check import check_graphs
from rmpsam_mobile.bench.machine import host_target, peak_memory_mb
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.report import blank_report
from rmpsam_mobile.bench.timer import time_interleaved
from rmpsam_mobile.bench.verdict import judge
from rmpsam_mobile.bundle import Bundle, Golden, golden_inputs, read_golden, record_golden
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
    strict: bool = False,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Time a bundle, all graphs and the steps around them in turn.

    Args:
        bundle: opened.
        runs: timed rounds.
        warmup: rounds before.
        threads: of ExecuTorch's pool; None leaves it at its default.
        strict: refuse a restless series, which else only warns: a computer has other work to do.
        progress: called with 1 after each round.

    Returns:
        A ``rmpsam.latency/1`` report: milliseconds, UTC stamps, unknown is None.
    """
    report = blank_report("host", bundle, Protocol(rounds=1, runs=runs, warmup=warmup, min_round_s=0.0))
    if threads is not None:
        set_threads(threads)
    report["memory"].update(baseline_mb=peak_memory_mb(), method="maxrss")
    load_ms = _load_times(bundle)
    runner = PteRunner.of(bundle)
    first = _golden(bundle, runner)
    samples = time_interleaved(_actions(runner), runs=runs, warmup=warmup, progress=progress)
    checks = check_graphs(read_golden(bundle.folder), first, _golden(bundle, runner))
    report["warnings"] = [HOST_NOTE]
    report["target"].update(host_target())
    report["runner"].update(_runner_facts(threads))
    report["protocol"].update(clock="perf_counter_ns", clock_step_ns=_clock_step_ns(), order="interleaved")
    report["load"]["cold_ms"] = [sum(times) for times in zip(*load_ms.values(), strict=True)]
    report["graphs"] = [
        {
            "graph": str(graph),
            "rounds": [{"samples_ms": samples[graph], "thermal_status_max": None}],
            "summary": None,
            "check": checks[graph],
            "load_ms": load_ms[graph],
        }
        for graph in runner.graphs
    ]
    report["pipeline"] = _pipeline({name: float(np.median(taken)) for name, taken in samples.items()})
    report["memory"]["peak_mb"] = peak_memory_mb()
    judge(report, bundle.manifest, strict=strict, host=True)
    return report


def _golden(bundle: Bundle, runner: PteRunner) -> Golden:
    names = {graph: [t.name for t in bundle.manifest.graphs[graph].outputs] for graph in runner.graphs}
    return record_golden(runner.contract, names, runner.run)


def _runner_facts(threads: int | None) -> dict[str, Any]:
    from importlib.metadata import version

    package, runtime = version("rmpsam-mobile"), version("executorch")
    facts = {"kind": "python", "id": "rmpsam-mobile", "version": package, "debuggable": False, "runtime": "executorch"}
    return {**facts, "runtime_version": runtime, "delegates": ["XnnpackBackend"], "threads": threads}


def _clock_step_ns() -> int:
    """The smallest difference between two looks at the clock that is not zero."""
    looks = [time.perf_counter_ns() for _ in range(1000)]
    return min(later - earlier for earlier, later in itertools.pairwise(looks) if later > earlier)


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


def _load_times(bundle: Bundle) -> dict[Graph, list[float]]:
    """Milliseconds to read and prepare each graph, several times from anew."""
    times: dict[Graph, list[float]] = {}
    for _ in range(_LOADS):
        runner = PteRunner.of(bundle)
        for graph in runner.graphs:
            runner.load(graph)
            times.setdefault(graph, []).append(runner.load_ms[graph])
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
