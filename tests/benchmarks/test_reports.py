"""Reports of benchmarks."""

import json
from pathlib import Path

from benchmarks.reports import store_report
from rmpsam_mobile.bench import HOST_NOTE


def test_a_report_says_what_made_it(tmp_path: Path) -> None:
    report = store_report(tmp_path / "new" / "a.json", "python -m benchmarks.a", rows=[1])
    assert json.loads((tmp_path / "new" / "a.json").read_text(encoding="utf-8")) == report
    assert (report["command"], report["note"], report["rows"]) == ("python -m benchmarks.a", HOST_NOTE, [1])
    assert report["machine"]["kind"] == "host"
