"""All graphs in one file, and weights in a file of their own: the same answers, fewer bytes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.bundle import open_bundle
from rmpsam_mobile.contracts import Graph, GraphSpec, Target, TensorSpec
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower import EngineOptions
from rmpsam_mobile.export.lower.base import Programs
from rmpsam_mobile.export.lower.xnnpack import join_for_xnnpack, lower_to_xnnpack
from rmpsam_mobile.export.split import Part
from rmpsam_mobile.runtime import open_runner
from rmpsam_mobile.runtime.pte import execute, load_method
from rmpsam_mobile.validate import self_test
from tests.export.small_exports import small_export

pytestmark = pytest.mark.xdist_group("export")

GRAPHS = (Graph.OBJECTS, Graph.PROMPTS)
X = np.random.default_rng(0).standard_normal((1, 200)).astype(np.float32)


class _Layers(nn.Module):
    """A large layer that graphs share, a constant that each calls alike, and an operator that no delegate takes."""

    def __init__(self, shared: nn.Module, factor: float) -> None:
        super().__init__()
        self.shared = shared
        self.register_buffer("constant", torch.full((1, 10 if factor > 1 else 20), factor))
        self.register_buffer("order", torch.arange(self.get_buffer("constant").shape[1]).flip(0))

    def forward(self, x: Tensor) -> Tensor:
        """[1, 200] -> [1, 10 or 20], the first ones backwards."""
        chosen: Tensor = self.shared(x).index_select(1, self.get_buffer("order"))
        return chosen * self.get_buffer("constant")


def programs() -> tuple[Programs, dict[Graph, Tensor]]:
    """Two graphs and what they answer to ``X``."""
    torch.manual_seed(0)
    shared, made, wanted = nn.Linear(200, 200), {}, {}
    for graph, factor in zip(GRAPHS, (3.0, 0.5), strict=True):
        x = TensorSpec(name="x", shape=(1, 200), meaning="")
        part = Part(_Layers(shared, factor).eval(), GraphSpec(graph=graph, inputs=(x,), outputs=()))
        made[graph] = capture(part), part.spec
        with torch.no_grad():
            wanted[graph] = part.module(torch.from_numpy(X))
    return made, wanted


@pytest.mark.parametrize("external", [False, True])
def test_graphs_of_one_file_are_its_methods_and_share_weights(tmp_path: Path, external: bool) -> None:
    made, wanted = programs()
    path = tmp_path / "all.pte"
    lowered = join_for_xnnpack(made, EngineOptions(external_weights=external, single_file=True))
    lowered[GRAPHS[0]].write(path)
    one_layer = 4 * 200 * 200
    weights = tmp_path / "all.ptd"
    assert weights.is_file() == external
    total = sum(file.stat().st_size for file in tmp_path.iterdir())
    assert one_layer < total < 1.5 * one_layer
    if external:
        assert path.stat().st_size < 0.2 * one_layer
    for graph in GRAPHS:
        assert lowered[graph].delegation.macs_delegated == 200 * 200
        (got,) = execute(load_method(path, graph), [X])
        torch.testing.assert_close(torch.from_numpy(got), wanted[graph], rtol=1e-5, atol=1e-5)


def test_a_program_without_its_weights_is_refused(tmp_path: Path) -> None:
    made, _ = programs()
    lower_to_xnnpack(*made[Graph.OBJECTS], EngineOptions(external_weights=True)).write(tmp_path / "x.pte")
    (tmp_path / "x.ptd").unlink()
    with pytest.raises(InputError, match=r"ExecuTorch refuses this file \(Failed to load method forward, error: 0x:"):
        load_method(tmp_path / "x.pte")


def test_one_program_lowered_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.pte", "b.pte"):
        made, _ = programs()
        torch.manual_seed(len(name))  # nothing may depend on chance
        lower_to_xnnpack(*made[Graph.OBJECTS]).write(tmp_path / name)
    assert (tmp_path / "a.pte").read_bytes() == (tmp_path / "b.pte").read_bytes()


@pytest.mark.slow
def test_whole_bundles(tmp_path: Path) -> None:
    """The small model as files, as files again, as one, and as one with its weights apart."""
    ways = {"files": {}, "again": {}, "one": {"single_file": True}}
    ways["apart"] = {"single_file": True, "external_weights": True}
    files = {}
    for name, options in ways.items():
        (tmp_path / name).mkdir()
        exported = small_export(tmp_path / name, Target.XNNPACK, **options)
        assert exported.parity is not None
        assert exported.parity.passes
        opened = open_bundle(exported.bundle.folder)
        assert self_test(opened, open_runner(opened)).require().is_repeatable
        files[name] = opened.manifest.files
    assert files["files"] == files["again"]
    assert {Path(name).suffix for name in files["apart"]} == {".pte", ".ptd", ".npz", ".json"}
    sizes = {name: sum(entry.size_bytes for entry in found.values()) for name, found in files.items()}
    assert sizes["one"] < sizes["files"]
