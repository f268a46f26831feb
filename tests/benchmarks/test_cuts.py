"""What a cut buys: real files of a small model, with ratios to the uncut one."""

from pathlib import Path

import pytest

from benchmarks import cuts
from benchmarks.cuts import BASELINE, CUTS, measure
from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.model.presets import preset_config
from tests.distill.small_runs import SMALL_MOBILE, small_presets

__all__ = ["small_presets"]


def test_every_cut_changes_one_thing_of_a_real_preset() -> None:
    config = preset_config("rmpsam-mobile-tiny")
    made = [cut(config) for cut in CUTS.values()]
    assert made[0] == config
    assert all(one != other for i, one in enumerate(made) for other in made[:i])


@pytest.mark.slow
@pytest.mark.usefixtures("small_presets")
def test_a_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # other tests of this process may have graphs loaded, and a pool under loaded graphs cannot change
    monkeypatch.setattr(cuts, "set_threads", lambda _: None)
    rows = measure(SMALL_MOBILE.name, [BASELINE, "one stage"], Size(64, 64), 2, tmp_path)
    whole, shorter = rows
    assert whole[Graph.ENCODER]["over_baseline"] == whole[Graph.OBJECTS]["over_baseline"] == 1
    assert shorter["parameters"] < whole["parameters"]
    assert shorter[Graph.OBJECTS]["macs"] < whole[Graph.OBJECTS]["macs"]
    assert shorter[Graph.ENCODER]["macs"] == whole[Graph.ENCODER]["macs"]
    cuts.show("small", rows)
    assert "one stage" in capsys.readouterr().out
