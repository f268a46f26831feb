"""The sweep of both thresholds: a sure and an unsure class, all pictures and by source."""

from pathlib import Path

import pytest

from benchmarks import panoptic_thresholds
from benchmarks.panoptic_thresholds import SCORES, SHARES, sweep
from rmpsam_mobile.evaluate import open_panoptic
from rmpsam_mobile.runtime import Panoptic
from tests.evaluate.measuring_sets import write_panoptic
from tests.evaluate.test_panoptic import SEGMENTS, STREET, Drawn, drawn_street

SURE = 0.5


class _Unsure(Drawn):
    """Draws the street, of which it is as sure as ``SURE``."""

    def panoptic(self, *, object_mask_thr: float = 0, iou_thr: float = 0) -> Panoptic:
        assert iou_thr in SHARES
        found = super().panoptic()
        return found if object_mask_thr < SURE else Panoptic(found.map, ())


def test_every_pair_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = open_panoptic(write_panoptic(tmp_path / "set", {"coco": (STREET, SEGMENTS)}), "val").content
    rows = sweep(_Unsure(drawn_street()), truth)  # type: ignore[arg-type]
    assert len(rows) == len(SCORES) * len(SHARES)
    for row in rows:
        assert row["all"] == row["coco"] == (0.75 if row["object_mask"] < SURE else 0)
    panoptic_thresholds.show("PQ", rows)
    assert "75.00" in capsys.readouterr().out
