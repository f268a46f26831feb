"""``compare``: a table, JSON, and exit code 6 where two reports do not go together or one is too slow."""

import json
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bench.pages import json_text
from rmpsam_mobile.bench.verdict import judge
from tests.bench.reports import phone_report, steady
from tests.bundle.manifests import make_manifest
from tests.cli.calls import Cli

pytestmark = pytest.mark.usefixtures("folder")


def store(name: str, *medians: float, **parts: dict[str, Any]) -> str:
    reports = []
    for count, median in enumerate(medians, start=1):
        report = phone_report(steady(median), **({"runner": {"threads": count}} | parts))
        judge(report, make_manifest())
        reports.append(report)
    Path(name).write_text(json_text(reports), encoding="utf-8")
    return name


def test_two_reports_side_by_side(cli: Cli) -> None:
    done = cli("compare", store("a.json", 20.0), store("b.json", 22.0))
    assert (done.code, done.err) == (0, "")
    assert "1.100" in done.out
    said = json.loads(cli("compare", "a.json", "b.json", "--json").out)
    assert (said["comparable"], said["exceeded"]) == (True, [])
    (pair,) = said["pairs"]
    assert pair["figures"][0]["name"] == "encoder p50"
    assert pair["figures"][0]["ratio"] == pytest.approx(1.1)


def test_a_limit_that_is_exceeded_is_6(cli: Cli) -> None:
    files = store("a.json", 20.0), store("b.json", 22.0)
    assert cli("compare", *files, "--max-ratio", "1.11").code == 0
    done = cli("compare", *files, "--max-ratio", "1.05")
    assert done.code == 6
    assert done.err.startswith("ERROR 1 above the limit: encoder p50: ")
    assert done.err.endswith("ratio 1.100, limit 1.05\n")
    assert cli("compare", *files, "--max-p90", "1.05").code == 6
    assert cli("compare", *files, "--max-memory", "0.9").code == 6


def test_what_forbids_a_comparison_is_listed_and_is_6(cli: Cli) -> None:
    store("a.json", 20.0)
    store("b.json", 20.0, target={"model": "Stone 1"}, protocol={"runs": 60})
    done = cli("compare", "a.json", "b.json", "--max-ratio", "9")
    assert done.code == 6
    for word in ("target.model", "Paper 9", "Stone 1", "protocol.runs"):
        assert word in done.out
    assert done.err == (
        "ERROR not comparable: target.model, protocol.runs differ; measure both in the same way on the same phone\n"
    )
    said = json.loads(cli("compare", "a.json", "b.json", "--json").out)
    assert said["comparable"] is False
    assert said["pairs"][0]["figures"] == []


def test_sweeps_are_compared_by_threads(cli: Cli) -> None:
    done = cli("compare", store("a.json", 60.0, 35.0), store("b.json", 60.0, 35.0, 20.0), "--json")
    assert done.code == 0
    assert [pair["threads"] for pair in json.loads(done.out)["pairs"]] == [1, 2]


def test_bad_input_is_2(cli: Cli) -> None:
    store("a.json", 20.0)
    done = cli("compare", "a.json", "gone.json")
    assert (done.code, done.error) == (
        2,
        "gone.json: No such file or directory; give a report that rmpsam-mobile bench -o wrote",
    )
    done = cli("compare", "a.json", "a.json", "--max-ratio", "0")
    assert (done.code, done.error) == (2, "--max-ratio 0; a ratio above 0; for 5 % slower write --max-ratio 1.05")
