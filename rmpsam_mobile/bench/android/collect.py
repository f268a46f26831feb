"""The answers of a runner's calls, one for each graph and round, gathered into one report."""

from collections import defaultdict
from collections.abc import Mapping
from statistics import median
from typing import Any

from rmpsam_mobile.bench.android.native import NativeRun, runner_facts
from rmpsam_mobile.bench.verdict import passes
from rmpsam_mobile.contracts import Graph


class Collector:
    """Fills ``graphs``, ``load``, ``runner``, ``memory`` and the clock of a report as answers come in."""

    def __init__(self, report: dict[str, Any]) -> None:
        """Args: report: a blank one, filled in place."""
        self.report = report
        self._steps: dict[str, list[float]] = defaultdict(list)
        self._loads: dict[int, float] = defaultdict(float)

    def add_app(self, graph: Graph, round_: int, answer: Mapping[str, Any], thermal_max: int | None) -> None:
        """Take what the app's own report says of one graph."""
        report = self.report
        known = {key: value for key, value in answer["runner"].items() if value is not None}
        known["debuggable"] = bool(report["runner"]["debuggable"] or answer["runner"]["debuggable"])
        report["runner"] = {**report["runner"], **known}
        if answer["bundle"]["manifest_sha256"] != report["bundle"]["manifest_sha256"]:
            report["reasons"].append("wrong-file")
        report["reasons"] += [code for code in answer["reasons"] if code not in report["reasons"]]
        for timed in answer["graphs"]:
            if timed["graph"] == graph:
                statuses = [*(r["thermal_status_max"] for r in timed["rounds"]), thermal_max]
                worst = max((status for status in statuses if status is not None), default=None)
                samples = [sample for r in timed["rounds"] for sample in r["samples_ms"]]
                self._add_round(graph, samples, worst, timed["check"])
        load = answer["load"]
        self._add_load(round_, sum(load["cold_ms"][:1]), load["first_run_ms"], graph)
        for key, value in answer["pipeline"].items():
            if value is not None:
                self._steps[key].append(value)
        self._add_memory(answer["memory"])
        clock = {key: answer["protocol"][key] for key in ("clock", "clock_step_ns")}
        report["protocol"].update(clock)

    def add_native(self, graph: Graph, round_: int, run: NativeRun, thermal_max: int | None) -> None:
        """Take one call of a native runner; its outputs are judged later."""
        self.report["runner"].update(runner_facts(run))
        self._add_round(graph, run.samples_ms, thermal_max, None)
        self._add_load(round_, run.load_ms, run.first_ms, graph)
        self._add_memory({"baseline_mb": None, "peak_mb": run.peak_mb, "retained_mb": None, "method": "runner"})
        facts = run.facts
        self.report["protocol"].update(clock=facts.get("clock"), clock_step_ns=facts.get("clock_step_ns"))
        if facts.get("emulated"):
            self.report["reasons"].append("emulated")

    def set_checks(self, checks: Mapping[Graph, dict[str, Any]]) -> None:
        """Put in what the outputs of a native runner came to."""
        for entry in self.report["graphs"]:
            entry["check"] = checks[Graph(entry["graph"])]

    def finish(self) -> None:
        """Set the medians of the pipeline; the graphs' own come from all of their samples."""
        pipeline = self.report["pipeline"]
        pipeline.update({key: median(values) for key, values in self._steps.items() if key in pipeline})
        for entry in self.report["graphs"]:
            key = {"encoder": "encoder_ms_p50", "prompts": "prompt_ms_p50"}.get(entry["graph"])
            samples = [sample for r in entry["rounds"] for sample in r["samples_ms"]]
            if key and samples:
                pipeline[key] = median(samples)
        parts = (pipeline["prompt_ms_p50"], pipeline["postprocess_ms_p50"])
        pipeline["tap_to_mask_ms_p50"] = None if None in parts else sum(parts)

    def _add_round(self, graph: Graph, samples: list[float], worst: int | None, check: Any) -> None:
        entry = self._entry(graph)
        entry["rounds"].append({"samples_ms": samples, "thermal_status_max": worst})
        if check is not None and (entry["check"] is None or passes(entry["check"])):
            entry["check"] = dict(check)  # the first that fails stays

    def _add_load(self, round_: int, load_ms: float, first_ms: float | None, graph: Graph) -> None:
        """Each call is a process of its own: a round's loads together are one cold start."""
        load = self.report["load"]
        self._entry(graph)["load_ms"].append(load_ms)
        self._loads[round_] += load_ms
        load["cold_ms"] = list(self._loads.values())
        if graph is Graph.ENCODER and load["first_run_ms"] is None:
            load["first_run_ms"] = first_ms

    def _entry(self, graph: Graph) -> dict[str, Any]:
        entries: list[dict[str, Any]] = self.report["graphs"]
        for entry in entries:
            if entry["graph"] == graph:
                return entry
        entries.append({"graph": str(graph), "rounds": [], "summary": None, "check": None, "load_ms": []})
        return entries[-1]

    def _add_memory(self, memory: Mapping[str, Any]) -> None:
        own = self.report["memory"]
        own["method"] = memory["method"]
        for key, choose in (("baseline_mb", min), ("peak_mb", max), ("retained_mb", max)):
            values = [value for value in (own[key], memory[key]) if value is not None]
            own[key] = choose(values, default=None)
