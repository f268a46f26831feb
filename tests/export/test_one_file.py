"""All graphs in one file, and weights in a file of their own: the same answers, fewer bytes."""

from pathlib import Path

import pytest
import torch

from rmpsam_mobile.bundle import open_bundle
from rmpsam_mobile.contracts import Graph, Target
from rmpsam_mobile.export.pipeline import Exported
from rmpsam_mobile.runtime import open_runner
from rmpsam_mobile.runtime.pte import load_method
from rmpsam_mobile.validate import self_test
from tests.export.small_exports import small_export

pytestmark = pytest.mark.xdist_group("export")

Small = dict[str, Exported]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The small model for XNNPACK: as files, as one, and as one with its weights apart."""
    ways = {"files": {}, "one": {"single_file": True}, "apart": {"single_file": True, "external_weights": True}}
    folder = tmp_path_factory.mktemp("ways")
    found = {}
    for name, options in ways.items():
        (folder / name).mkdir()
        found[name] = small_export(folder / name, Target.XNNPACK, **options)
    return found


def bytes_of(exported: Exported, suffix: str) -> int:
    return sum(path.stat().st_size for path in exported.bundle.folder.glob(f"*{suffix}"))


def test_graphs_of_one_file_are_its_methods_and_share_weights(exports: Small) -> None:
    folder = exports["one"].bundle.folder
    (path,) = folder.glob("*.pte")
    assert path.name == "small_32x64_all_xnnpack_fp32.pte"
    assert {artifact.path for artifact in exports["one"].bundle.manifest.graphs.values()} == {path.name}
    for graph in exports["one"].bundle.manifest.graphs:
        assert load_method(path, graph)
    # the stages that objects and prompts have in common are the most of both
    assert bytes_of(exports["one"], ".pte") < 0.85 * bytes_of(exports["files"], ".pte")


def test_weights_apart_leave_a_small_program(exports: Small) -> None:
    program, weights = (bytes_of(exports["apart"], suffix) for suffix in (".pte", ".ptd"))
    assert program < 0.8 * bytes_of(exports["one"], ".pte")
    assert weights > 0
    assert program + weights < 1.1 * bytes_of(exports["one"], ".pte")
    files = open_bundle(exports["apart"].bundle.folder).manifest.files
    assert {Path(name).suffix for name in files} == {".pte", ".ptd", ".npz", ".json"}


@pytest.mark.parametrize("way", ["one", "apart"])
def test_they_answer_as_separate_files_do(exports: Small, way: str) -> None:
    parity = exports[way].parity
    assert parity is not None
    assert parity.passes
    opened = open_bundle(exports[way].bundle.folder)
    assert self_test(opened, open_runner(opened)).require().is_repeatable


def test_a_program_without_its_weights_is_refused(exports: Small, tmp_path: Path) -> None:
    (path,) = exports["apart"].bundle.folder.glob("*.pte")
    lone = tmp_path / path.name
    lone.write_bytes(path.read_bytes())
    with pytest.raises(Exception, match="ExecuTorch refuses this file"):
        load_method(lone, Graph.ENCODER)


def test_two_exports_of_one_plan_are_the_same_bytes(exports: Small, tmp_path: Path) -> None:
    torch.manual_seed(99)  # nothing may depend on chance
    again = small_export(tmp_path, Target.XNNPACK)
    first, second = (export.bundle.manifest.files for export in (exports["files"], again))
    assert first == second
