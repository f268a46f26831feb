"""The comparison that is committed: its report, its claim."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import everything
from rmpsam_mobile.checkpoint import save_checkpoint, seeded_checkpoint
from tests.evaluate.measuring_sets import write_objects


@pytest.mark.parametrize(
    ("ratio", "ours", "grid", "holds"),
    [
        (16.0, (0.2, 0.3), (0.2, 0.3), True),
        (15.9, (0.2, 0.3), (0.2, 0.3), False),
        (60.0, (0.19, 0.3), (0.2, 0.3), False),
        (60.0, (0.2, 0.29), (0.2, 0.3), False),
    ],
)
def test_the_claim(ratio: float, ours: tuple[float, float], grid: tuple[float, float], holds: bool) -> None:
    report = {"decoder_time_ratio": ratio}
    ways = {
        name: dict(zip(("ar100", "ar1000"), values, strict=True))
        for name, values in (("object_aware", ours), ("grid", grid))
    }
    assert everything.claim_holds(report | ways) is holds


def test_a_report_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    save_checkpoint(seeded_checkpoint("rmpsam-mobile-tiny"), tmp_path / "seeded.safetensors")
    data = write_objects(tmp_path / "set")
    monkeypatch.setattr("rmpsam_mobile.evaluate.everything.GRID_SIDE", 4)
    arguments = [str(tmp_path / "seeded.safetensors"), "--data", str(data), "--limit", "1"]
    monkeypatch.setattr(sys, "argv", ["everything", *arguments, "--results", str(tmp_path)])
    everything.main()
    report = json.loads((tmp_path / "everything_rmpsam-mobile-tiny_512_eager.json").read_text())
    assert report["tool"]["command"][:3] == ["python", "-m", "benchmarks.everything"]
    assert (report["pictures"], report["threads"]) == (1, 1)
    assert report["grid"]["decoder_calls"] == 1
    assert "the claim holds: False" in capsys.readouterr().out
