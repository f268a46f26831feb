"""What a report must hold before any of it is believed."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bench.pages import json_text
from rmpsam_mobile.bench.schema import check_report, read_reports
from rmpsam_mobile.errors import InputError, UnsupportedError
from tests.bench.reports import phone_report


def without(path: str) -> dict[str, Any]:
    return changed(path, None, remove=True)


def changed(path: str, value: Any, *, remove: bool = False) -> dict[str, Any]:
    report = copy.deepcopy(phone_report())
    *parents, last = path.split(".")
    place: Any = report
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    if remove:
        del place[last]
    else:
        place[last] = value
    return report


@pytest.mark.parametrize(
    ("report", "message"),
    [
        (without("memory"), "x: memory is missing; the report is damaged"),
        (without("runner.threads"), "x: runner: threads is missing; the report is damaged"),
        (without("graphs.0.rounds"), "x: graphs[0]: rounds is missing; the report is damaged"),
        (changed("reasons", "hot"), "x: reasons is 'hot'; wanted texts; the report is damaged"),
        (changed("target.api", "35"), "x: target: api is '35'; wanted number or null; the report is damaged"),
        (changed("target.emulated", 1), "x: target: emulated is 1; wanted flag or null; the report is damaged"),
        (changed("runner.threads", True), "x: runner: threads is True; wanted number or null; the report is damaged"),
        (changed("graphs", {}), "x: graphs is {}; wanted a list; the report is damaged"),
        (changed("load", [1]), "x: load is [1]; wanted an object; the report is damaged"),
        (changed("status", "fine"), "x: status 'fine'; known: ok, refused, failed, planned"),
        (
            changed("schema", "other/1"),
            "x has schema 'other/1'; wanted rmpsam.latency/1; give what rmpsam-mobile bench -o wrote",
        ),
        ([], "x has schema None; wanted rmpsam.latency/1; give what rmpsam-mobile bench -o wrote"),
    ],
)
def test_damaged_reports_are_named_by_key(report: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_report(report, "x")
    assert str(caught.value) == message


def test_a_newer_schema_is_not_guessed() -> None:
    with pytest.raises(UnsupportedError, match=r"^x has schema rmpsam.latency/2; this version reads rmpsam.latency/1;"):
        check_report({"schema": "rmpsam.latency/2"}, "x")


def test_one_report_and_a_sweep_are_read(tmp_path: Path) -> None:
    one, two = phone_report(), phone_report(runner={"threads": 2})
    for reports in ([one], [one, two]):
        file = tmp_path / "report.json"
        file.write_text(json_text(reports))
        assert read_reports(file) == reports


def test_what_is_no_report_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    with pytest.raises(InputError, match=r"a.json: No such file or directory; give a report that rmpsam-mobile bench"):
        read_reports(file)
    file.write_text("{")
    with pytest.raises(InputError, match=r"a.json is no JSON \(Expecting property name"):
        read_reports(file)
    file.write_text(json.dumps({"schema": "rmpsam.latency-sweep/1", "reports": [phone_report(), {}]}))
    with pytest.raises(InputError, match=r"a.json, report 2 has schema None"):
        read_reports(file)
