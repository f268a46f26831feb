"""ONNX files: the border's names, the same answers by onnxruntime, and broken files."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSizes, Size, graph_spec
from rmpsam_mobile.errors import ExportError, InputError, UnsupportedError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower import EngineOptions
from rmpsam_mobile.export.lower.onnx import lower_to_onnx
from rmpsam_mobile.export.split import Part
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.runtime.onnx import OnnxRunner
from tests.models import small_model

pytestmark = pytest.mark.xdist_group("export")
pytest.importorskip("onnxruntime", reason="ONNX files need the extra [onnx]")
pytest.importorskip("onnxscript", reason="ONNX files need the extra [onnx]")

SIZES = GraphSizes(size=Size(32, 32), channels=32)


class _Encoder(nn.Module):
    """A convolution and a bilinear resize to the border's shape."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 32, 3, 8, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """[1, 3, 32, 32] -> [1, 32, 8, 8]."""
        return nn.functional.interpolate(self.conv(pixels), (8, 8), mode="bilinear", align_corners=False)


def part() -> Part:
    return Part(_Encoder().eval(), graph_spec(Graph.ENCODER, SIZES))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, own = tmp_path_factory.mktemp("onnx") / "encoder.onnx", part()
    lowered = lower_to_onnx(capture(own), own.spec, EngineOptions())
    lowered.write(path)
    assert lowered.delegation.macs_total == 32 * 4 * 4 * 27
    return path


def runner_of(path: Path) -> OnnxRunner:
    return OnnxRunner({Graph.ENCODER: path}, contract_of(small_model(), SIZES), threads=1)


def test_a_file_answers_as_its_module(file: Path) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32)
    (got,) = runner_of(file).run(Graph.ENCODER, [x])
    with torch.no_grad():
        wanted = part().module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)
    assert [path.name for path in file.parent.iterdir()] == [file.name]  # weights are inside


def test_shapes_graphs_and_broken_files_are_told(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        runner_of(file).run(Graph.ENCODER, [np.zeros((1, 3, 32, 64), np.float32)])
    assert str(caught.value) == "encoder: pixel_values has shape (1, 3, 32, 64); the file takes (1, 3, 32, 32)"
    with pytest.raises(UnsupportedError, match="has no objects graph; it has encoder"):
        runner_of(file).run(Graph.OBJECTS, [np.zeros(1)])
    (tmp_path / "cut.onnx").write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError) as other:
        runner_of(tmp_path / "cut.onnx").run(Graph.ENCODER, [np.zeros((1, 3, 32, 32), np.float32)])
    assert str(other.value).startswith(f"{tmp_path / 'cut.onnx'}: onnxruntime refuses this file (")
    assert "\n" not in str(other.value)


def test_a_failed_translation_is_an_export_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("first line\nsecond line")

    own = part()
    program = capture(own)
    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(ExportError) as caught:
        lower_to_onnx(program, own.spec, EngineOptions())
    assert str(caught.value) == "translating the encoder graph to ONNX failed: first line"
