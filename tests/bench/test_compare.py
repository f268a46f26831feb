"""Two reports beside each other, and what forbids it."""

import copy
from typing import Any

import pytest

from rmpsam_mobile.bench.compare import Limits, Row, differences, exceeded, left_out, pairs, rows
from rmpsam_mobile.bench.verdict import judge
from rmpsam_mobile.errors import GateError, InputError
from tests.bench.reports import phone_report, steady
from tests.bundle.manifests import make_manifest


def judged(median: float = 20.0, **parts: Any) -> dict[str, Any]:
    report = phone_report(steady(median), **parts)
    judge(report, make_manifest())
    return report


def test_equal_settings_are_comparable_and_ratios_are_second_over_first() -> None:
    a, b = judged(), judged(24.0)
    assert differences(a, b) == []
    found = {row.name: row.ratio for row in rows(a, b)}
    assert found == pytest.approx(
        {"encoder p50": 1.2, "encoder p90": 1.2, "tap to mask p50": 1.0, "peak memory MB": 1.0}
    )


@pytest.mark.parametrize(
    ("part", "key", "value", "named"),
    [
        ("target", "model", "Stone 1", "target.model"),
        ("target", "kind", "ios", "target.kind"),
        ("target", "os", "14", "target.os (major)"),
        ("runner", "runtime_version", "1.5.0", "runner.runtime_version"),
        ("runner", "threads", 2, "runner.threads"),
        ("runner", "compute_units", "all", "runner.compute_units"),
        ("runner", "task_profile", "MaxPerformance", "runner.task_profile"),
        ("runner", "kind", "native", "runner.kind"),
        ("protocol", "runs", 60, "protocol.runs"),
        ("conditions", "clocks", "governor", "conditions.clocks"),
    ],
)
def test_what_differs_is_named(part: str, key: str, value: Any, named: str) -> None:
    changes: dict[str, Any] = {part: {key: value}}
    other = judged(**changes)
    (difference,) = differences(judged(), other)
    assert difference.key == named
    assert str(difference.b).startswith(str(value))


def test_a_minor_system_version_may_differ() -> None:
    assert differences(judged(target={"os": "15.1"}), judged(target={"os": "15.2"})) == []


def test_a_refused_report_is_not_compared() -> None:
    (difference,) = differences(judged(), judged(conditions={"power_saver": True}))
    assert difference.key == "status of the second"
    assert "battery saver is on" in difference.b


def test_sweeps_are_paired_by_threads() -> None:
    one, two, four = (judged(runner={"threads": count}) for count in (1, 2, 4))
    assert pairs([one, two], [two, four]) == [(two, two)]
    with pytest.raises(GateError, match="threads 1, 2 and 4 have none in common"):
        pairs([one, two], [four])


def test_graphs_of_one_side_only_are_told() -> None:
    a, b = judged(), copy.deepcopy(judged())
    b["graphs"][0]["graph"] = "objects"
    assert left_out(a, b) == ["encoder", "objects"]
    assert [row.name for row in rows(a, b)] == ["tap to mask p50", "peak memory MB"]


def test_limits_are_for_medians_nine_tenths_and_memory() -> None:
    found = [Row("encoder p50", 10, 10.5), Row("encoder p90", 10, 12), Row("peak memory MB", 100, 130)]
    assert exceeded(found, Limits()) == []
    assert exceeded(found, Limits(median=1.05)) == []
    assert exceeded(found, Limits(median=1.04)) == ["encoder p50: 10 to 10.5, ratio 1.050, limit 1.04"]
    assert exceeded(found, Limits(p90=1.1, memory=1.3)) == ["encoder p90: 10 to 12, ratio 1.200, limit 1.1"]
    assert exceeded(found, Limits(memory=1.2)) == ["peak memory MB: 100 to 130, ratio 1.300, limit 1.2"]
    with pytest.raises(InputError, match=r"^--max-ratio 0; a ratio above 0; for 5 % slower write --max-ratio 1.05"):
        Limits(median=0.0)
