"""A stand-in for the sample app and for a native runner: outputs by real ``.pte`` files, times by a seeded series."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.bench.golden_check import check_graphs
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.report import blank_report
from rmpsam_mobile.bundle import Golden, open_bundle, read_golden, record_golden
from rmpsam_mobile.bundle.manifest import manifest_from_json
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.runtime import PteRunner
from tests.bench.scripted_phone import Answer

MEDIANS = {"encoder": 30.0, "objects": 12.0, "prompts": 4.0}  # milliseconds
RUNTIME = {"runtime": "executorch", "runtime_version": "1.4.1", "delegates": ["XnnpackBackend"], "load_mode": "mmap"}
RUNNER = {"kind": "app", "id": "org.rmpsam.demo", "version": "1.0", "debuggable": False} | RUNTIME
Times = Callable[[NDArray[np.float64], int], NDArray[np.float64]]


@dataclass
class ScriptedApp:
    """Both runners; ``times`` may disturb the series of a call, ``outputs`` what the files answered."""

    root: Path
    times: Times = lambda series, _: series
    outputs: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda values: values
    facts: dict[str, Any] = field(default_factory=dict)
    thermal_max: int | None = 0  # what the app itself sees
    calls: int = 0

    def instrument(self, arguments: dict[str, str]) -> str:
        """What ``am instrument -w -r`` prints of the app."""
        report = self._report(arguments)
        encoded = base64.b64encode(json.dumps(report).encode()).decode()
        return (
            "INSTRUMENTATION_STATUS: round=1\nINSTRUMENTATION_STATUS_CODE: 1\n"
            f"INSTRUMENTATION_RESULT: report={encoded}\nINSTRUMENTATION_CODE: -1\n"
        )

    def native(self, arguments: dict[str, str], folder: Path) -> Answer:
        """What a native runner prints; it reads and writes raw tensors, and knows nothing of bundles."""
        graph = Graph(Path(arguments["outputs"]).name)
        bundle = manifest_from_json(json.loads((folder / "manifest.json").read_text(encoding="utf-8")), "manifest.json")
        tensors = [
            np.fromfile(folder / name, "<f4").reshape(spec.shape)
            for name, spec in zip(arguments["inputs"].split(","), bundle.graphs[graph].inputs, strict=True)
        ]
        runner = PteRunner({graph: folder / arguments["model"]}, bundle.contract)
        place = folder / arguments["outputs"]
        place.mkdir(parents=True, exist_ok=True)
        for when in ("first", "last"):
            for index, values in enumerate(runner.run(graph, tensors)):
                self.outputs(values).astype("<f4").tofile(place / f"{when}_{index}.f32")
        lines: list[dict[str, Any]] = [
            {"event": "loaded", "ms": runner.load_ms[graph], "clock": "CLOCK_MONOTONIC", "clock_step_ns": 52}
            | RUNTIME
            | self.facts,
            {"event": "first", "ms": 2 * MEDIANS[graph]},
            *({"event": "run", "ms": ms} for ms in self._samples(graph, int(arguments["runs"]))),
            {"event": "done", "peak_mb": 88.5},
        ]
        return (0, "".join(json.dumps(line) + "\n" for line in lines), "note on stderr\n")

    def _samples(self, graph: str, runs: int) -> list[float]:
        self.calls += 1
        series = MEDIANS[graph] * (1 + 0.02 * np.random.default_rng(self.calls).standard_normal(runs))
        changed: list[float] = np.round(self.times(series, self.calls), 5).tolist()
        return changed

    def _report(self, arguments: dict[str, str]) -> dict[str, Any]:
        bundle, graph = open_bundle(self.root / arguments["bundle"].lstrip("/")), Graph(arguments["graph"])
        runs = int(arguments["runs"])
        report = blank_report("android", bundle, Protocol(rounds=1, runs=runs, warmup=int(arguments["warmup"])))
        runner = PteRunner.of(bundle)
        names = {g: [t.name for t in bundle.manifest.graphs[g].outputs] for g in dict.fromkeys((Graph.ENCODER, graph))}

        def run(which: Graph, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            return [self.outputs(values) if which is graph else values for values in runner.run(which, inputs)]

        goldens = [record_golden(runner.contract, names, run) for _ in range(2)]
        own = [Golden({k: v for k, v in golden.values.items() if k.startswith(graph)}) for golden in goldens]
        check = check_graphs(read_golden(bundle.folder), *own)[graph]
        samples = self._samples(graph, runs)
        report["graphs"] = [
            {
                "graph": graph,
                "rounds": [{"samples_ms": samples, "thermal_status_max": self.thermal_max}],
                "summary": None,
                "check": check,
            }
        ]
        report["load"].update(cold_ms=[runner.load_ms[graph]], first_run_ms=2 * samples[0])
        report["protocol"].update(clock="System.nanoTime", clock_step_ns=52)
        report["memory"].update(baseline_mb=80.0, peak_mb=210.0, retained_mb=88.0, method="pss")
        report["pipeline"].update(preprocess_ms_p50=4.1, postprocess_ms_p50=2.2)
        threads = int(arguments.get("threads", 4))
        report["runner"].update(RUNNER | {"threads": threads} | self.facts)
        return {**report, "status": "ok", "finished": report["started"]}
