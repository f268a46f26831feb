"""The report of a host: every key that readers rely on, and what it must not be taken for."""

import json
import statistics

import pytest

from rmpsam_mobile.bench import HOST_NOTE, bench_on_host
from rmpsam_mobile.bench.machine import describe_machine, peak_memory_mb
from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.errors import InputError
from tests.bundles import NEEDS_BUNDLE, Made


def test_the_machine_is_described() -> None:
    machine = describe_machine()
    assert machine.keys() == {"kind", "cpu", "machine", "cores", "flags", "ram_mb", "system", "python"}
    assert machine["kind"] == "host"
    assert machine["cores"] >= 1
    assert machine["ram_mb"] > 100
    assert 10 < peak_memory_mb() < machine["ram_mb"]


@NEEDS_BUNDLE
def test_the_report_of_a_bundle(made: Made) -> None:
    rounds: list[int] = []
    report = bench_on_host(made.opened, runs=4, warmup=1, progress=rounds.append)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert sum(rounds) == 5
    assert (report["schema"], report["status"], report["reasons"]) == ("rmpsam.latency/1", "ok", [])
    assert check_report(report, "report") == report
    assert report["warnings"] == [HOST_NOTE, "too-few-samples"]
    assert (report["bundle"]["name"], report["bundle"]["trained"]) == ("rmpsam-seaformer-tiny_64x96", False)
    assert report["runner"].items() >= {"runtime": "executorch", "threads": None}.items()
    assert report["protocol"].items() >= {"runs": 4, "warmup": 1, "order": "interleaved"}.items()
    assert report["target"]["kind"] == "host"
    assert report["started"] <= report["finished"]
    assert report["started"].endswith("Z")

    graphs = {row["graph"]: row for row in report["graphs"]}
    assert list(graphs) == ["encoder", "objects", "prompts", "clip"]
    for name, row in graphs.items():
        (samples,) = (round_["samples_ms"] for round_ in row["rounds"])
        assert len(samples) == row["summary"]["n"] == 4
        assert row["summary"]["p50"] == pytest.approx(statistics.median(samples))
        assert row["check"]["passes"]
        assert row["check"]["repeatable"]
        assert 0 < row["summary"]["min"] <= row["summary"]["p90"] <= row["summary"]["max"]
        assert len(row["load_ms"]) == 3, name
    assert report["load"]["cold_ms"][1] == pytest.approx(sum(row["load_ms"][1] for row in graphs.values()))


@NEEDS_BUNDLE
def test_the_pipeline_is_the_sum_of_its_steps(made: Made) -> None:
    report = bench_on_host(made.opened, runs=2, warmup=0)
    steps = report["pipeline"]
    medians = {row["graph"]: row["summary"]["p50"] for row in report["graphs"]}
    assert steps["encoder_ms_p50"] == medians["encoder"]
    assert steps["prompt_ms_p50"] == medians["prompts"]
    assert steps["tap_to_mask_ms_p50"] == pytest.approx(medians["prompts"] + steps["postprocess_ms_p50"])
    whole = steps["preprocess_ms_p50"] + medians["encoder"] + steps["tap_to_mask_ms_p50"]
    assert steps["picture_to_mask_ms_p50"] == pytest.approx(whole)
    assert 0 < report["memory"]["baseline_mb"] <= report["memory"]["peak_mb"]


@NEEDS_BUNDLE
def test_nothing_to_measure_is_refused(made: Made) -> None:
    with pytest.raises(InputError, match="0 runs after 5 of warm-up; at least 1 run"):
        bench_on_host(made.opened, runs=0)


@NEEDS_BUNDLE
def test_strict_refuses_what_else_only_warns(made: Made) -> None:
    report = bench_on_host(made.opened, runs=2, warmup=0, strict=True)
    assert report["status"] == "refused"
    assert "too-few-samples" in report["reasons"]
    assert all(row["summary"] is None for row in report["graphs"])
