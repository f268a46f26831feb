"""The demo from beginning to end, at a size that takes a minute."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rmpsam_mobile.bundle import open_bundle
from tests.bundles import names_below, photo
from tests.cli.calls import Cli

pytestmark = pytest.mark.xdist_group("demo")


def test_the_demo(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("demo", "--size", "64x96", "-o", "out")
    assert done.code == 0
    found = [name for name in names_below(tmp_path / "out") if not name.startswith("model.bundle/")]
    assert found == ["box.png", "click.png", "corrected.png", "model.bundle", "model.safetensors", "panoptic.png"]
    bundle = open_bundle(tmp_path / "out" / "model.bundle")
    assert sorted(bundle.manifest.graphs) == ["encoder", "objects", "prompts"]
    rewrites = bundle.manifest.rewrites  # the shipped student clamps its offsets
    assert (rewrites["bounded_deform"], rewrites["gather_deform"], rewrites["static_deform"]) == (3, 0, 0)
    for name in ("click", "corrected", "box"):
        with Image.open(tmp_path / "out" / f"{name}.png") as picture:
            assert picture.size == (640, 427)
            assert (np.asarray(picture.convert("RGB")) != photo()).any()

    for word in (*bundle.manifest.graphs, "fp32, XNNPACK", "delegated", "host, not a phone", "parity"):
        assert word in done.out
    for artifact in bundle.manifest.graphs.values():
        assert str(artifact.size_bytes) in done.out.replace(",", "")
    assert "untrained" not in done.err
    assert "host, not a phone" in done.err
    assert "4 of 4" in done.err
    assert "next: rmpsam-mobile segment out/model.bundle YOUR.jpg --point X,Y -o overlay.png" in done.err
    again = cli("demo", "--size", "64x96", "-o", "out")
    assert (again.code, again.error) == (2, "out exists already; choose another name, or replace it with --force")


def test_the_demo_without_its_photograph(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = cli("demo", "-o", tmp_path / "out")
    assert (done.code, done.error) == (
        3,
        "the demo's photograph comes with scikit-learn; install it with: pip install scikit-learn",
    )
    assert names_below(tmp_path) == []


def test_the_demo_leaves_nothing_when_it_fails(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rmpsam_mobile.export.pipeline.export_bundle", fail)
    done = cli("demo", "--size", "64", "-o", tmp_path / "out")
    assert done.code == 130
    assert done.err.splitlines()[-1] == "ERROR interrupted; nothing was written"
    assert names_below(tmp_path) == []
    assert done.out == ""
