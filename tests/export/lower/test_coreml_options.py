"""Core ML packages in depth: precisions, pictures, functions, what a package says of itself, equal bytes."""

import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Precision, Size, TensorSpec
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower import About, EngineOptions
from rmpsam_mobile.export.lower.base import Lowered
from rmpsam_mobile.export.lower.coreml_package import join_for_coreml_package, lower_to_coreml_package
from rmpsam_mobile.export.lower.coreml_placement import ELSEWHERE, read_plan
from rmpsam_mobile.export.picture_input import with_picture_input
from rmpsam_mobile.export.split import Part
from rmpsam_mobile.preprocess import MEAN, STD
from rmpsam_mobile.quiet import muted_start
from rmpsam_mobile.runtime.eager import contract_of
from rmpsam_mobile.runtime.mil import Arithmetic, read_package
from tests.models import small_model

pytestmark = pytest.mark.xdist_group("export")


class _Block(nn.Module):
    """Two layers whose weights are worth compressing; the second has channels in no multiple of 32."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.linear = nn.Conv2d(3, 96, 3), nn.Linear(96, 90)

    def forward(self, x: Tensor) -> Tensor:
        """[1, 3, 8, 8] -> [1, 90]."""
        out: Tensor = self.linear(self.conv(x).relu().mean((2, 3)))
        return out


def part_of(module: nn.Module, *, graph: Graph = Graph.ENCODER, shape: tuple[int, ...] = (1, 3, 8, 8)) -> Part:
    x = TensorSpec(name="pixel_values", shape=shape, meaning="what comes in")
    y = TensorSpec(name="y", shape=(1, 90), meaning="what goes out")
    return Part(module.eval(), GraphSpec(graph=graph, inputs=(x,), outputs=(y,)))


def made(part: Part, path: Path, **options: Any) -> Lowered:
    chosen: dict[str, Any] = {"precision": Precision.FP16} | options
    lowered = lower_to_coreml_package(capture(part), part.spec, EngineOptions(**chosen))
    lowered.write(path)
    gc.collect()  # coremltools' folder complains when it is cleared away later
    return lowered


def bytes_of(package: Path) -> dict[str, bytes]:
    return {p.relative_to(package).as_posix(): p.read_bytes() for p in sorted(package.rglob("*")) if p.is_file()}


def specification(package: Path) -> Any:
    with muted_start():
        import coremltools as ct
    return ct.utils.load_spec(str(package))


def answer(package: Path, x: Tensor, arithmetic: Arithmetic = Arithmetic.PROGRAM) -> Tensor:
    return read_package(package, arithmetic=arithmetic).run({"pixel_values": x})["y"]


def test_precisions_shrink_weights_and_stay_near(tmp_path: Path) -> None:
    part, x = part_of(_Block()), torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = part.module(x)
    limits = {
        Precision.FP32: 1e-6,
        Precision.FP16: 2e-3,
        Precision.INT8_WEIGHTS: 2e-2,
        Precision.PALETTE6: 5e-2,
        Precision.INT4_WEIGHTS: 0.3,
    }
    sizes = {}
    for precision, limit in limits.items():
        path = tmp_path / f"{precision}.mlpackage"
        lowered = made(part, path, precision=precision, ios=18)
        sizes[precision] = len(next(path.rglob("weight.bin")).read_bytes())
        error = float((answer(path, x) - wanted).abs().max() / wanted.abs().max())
        assert error <= limit, precision
        # int4 wants whole blocks of 32 input channels, which the convolution's 3 are not
        assert bool(lowered.reasons) == (precision is Precision.INT4_WEIGHTS), precision
    halves, bytes8 = sizes[Precision.FP16], sizes[Precision.INT8_WEIGHTS]
    assert sizes[Precision.FP32] > 1.9 * halves
    assert 0.4 * halves < bytes8 < 0.6 * halves
    assert sizes[Precision.PALETTE6] < 0.9 * bytes8


@pytest.mark.parametrize(("ios", "version"), [(17, 8), (18, 9)])
def test_the_lowest_ios_is_the_specification_s_version(ios: int, version: int, tmp_path: Path) -> None:
    made(part_of(_Block()), tmp_path / "x.mlpackage", ios=ios)
    assert specification(tmp_path / "x.mlpackage").specificationVersion == version


def test_a_package_says_what_it_is(tmp_path: Path) -> None:
    about = About(licence="Apache-2.0", version="1.2.3", class_names=("Hündin", "sky"))
    made(part_of(_Block(), graph=Graph.OBJECTS), tmp_path / "x.mlpackage", about=about)
    description = specification(tmp_path / "x.mlpackage").description
    said = description.metadata
    assert (said.author, said.license, said.versionString) == ("rmpsam-mobile", "Apache-2.0", "1.2.3")
    assert json.loads(said.userDefined["classes"]) == ["Hündin", "sky", "no object"]
    assert said.userDefined["com.apple.coreml.model.preview.type"] == "imageSegmenter"
    (given,), (taken,) = description.output, description.input
    assert (taken.shortDescription, given.shortDescription) == ("what comes in", "what goes out")
    float32 = given.type.multiArrayType.ArrayDataType.Value("FLOAT32")
    assert taken.type.multiArrayType.dataType == given.type.multiArrayType.dataType == float32


def test_the_same_module_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made(part_of(_Block()), tmp_path / name / "x.mlpackage")
    assert bytes_of(tmp_path / "a" / "x.mlpackage") == bytes_of(tmp_path / "b" / "x.mlpackage")


def test_a_picture_is_normalised_inside_channel_by_channel(tmp_path: Path) -> None:
    """Against the tensor package on normalised pixels: in half precision both round the same numbers."""

    part, contract = part_of(_Block()), contract_of(small_model(), GraphSizes(size=Size(32, 32)))
    made(part, tmp_path / "tensor.mlpackage")
    program, picture = with_picture_input(capture(part), part.spec, contract)
    assert "colour (124, 116, 104)" in picture.inputs[0].meaning
    lower_to_coreml_package(program, picture, EngineOptions(precision=Precision.FP16)).write(
        tmp_path / "picture.mlpackage"
    )
    (taken,) = specification(tmp_path / "picture.mlpackage").description.input
    assert taken.type.WhichOneof("Type") == "imageType"
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, 3, 8, 8)).astype(np.float32))
    mean, std = (torch.tensor(numbers).reshape(1, 3, 1, 1) for numbers in (MEAN, STD))
    expected = answer(tmp_path / "tensor.mlpackage", (pixels - mean) / std)
    torch.testing.assert_close(answer(tmp_path / "picture.mlpackage", pixels), expected, rtol=0, atol=2e-6)


def test_functions_of_one_package_share_their_weights(tmp_path: Path) -> None:
    shared = _Block()
    programs = {}
    for graph in (Graph.ENCODER, Graph.OBJECTS):
        part = part_of(shared, graph=graph)
        programs[graph] = capture(part), part.spec
    lowered = join_for_coreml_package(programs, EngineOptions(precision=Precision.FP16, ios=18))
    lowered[Graph.ENCODER].write(tmp_path / "both.mlpackage")
    made(part_of(shared), tmp_path / "one.mlpackage", ios=18)
    both, one = (
        len(next((tmp_path / f"{name}.mlpackage").rglob("weight.bin")).read_bytes()) for name in ("both", "one")
    )
    assert one <= both < 1.1 * one
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    for graph in programs:
        program = read_package(tmp_path / "both.mlpackage", function=str(graph))
        torch.testing.assert_close(program.run({"pixel_values": x})["y"], answer(tmp_path / "one.mlpackage", x))


class _Reads(nn.Module):
    """Rows of a table at computed places, and the largest of them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(64, 90))

    def forward(self, x: Tensor) -> Tensor:
        """[1, 3, 8, 8] -> [1, 90]."""
        places = x.mean((2, 3))[:, 0].abs().clamp(0, 63).long()
        return torch.index_select(self.table, 0, places) * 2


def test_the_forecast_names_what_leaves_the_neural_engine(tmp_path: Path) -> None:
    lowered = made(part_of(_Reads()), tmp_path / "x.mlpackage")
    rows = {place.operator: place for place in lowered.placement}
    (gather,) = (place for name, place in rows.items() if name.startswith("gather"))
    assert (gather.count, gather.unit, gather.because) == (1, ELSEWHERE, "it reads at computed places")
    assert "bounded_deform" in gather.instead
    assert made(part_of(_Block()), tmp_path / "y.mlpackage").placement == ()
    (whole,) = made(part_of(_Block()), tmp_path / "z.mlpackage", precision=Precision.FP32).placement
    assert (whole.operator, whole.instead) == ("all", "--precision fp16")


def test_a_mac_s_own_plan_has_the_same_form() -> None:
    """With the names of coremltools' MLComputePlan, which only a Mac can load."""

    class MLNeuralEngineComputeDevice: ...

    class MLCPUComputeDevice: ...

    def thing(**fields: Any) -> Any:
        return type("Thing", (), fields)()

    names = ["ios17.conv", "ios17.gather", "ios17.gather", "const"]
    operations = [thing(operator_name=name) for name in names]
    devices: dict[str, Callable[[], Any] | None] = {
        "ios17.conv": MLNeuralEngineComputeDevice,
        "ios17.gather": MLCPUComputeDevice,
        "const": None,
    }

    def usage(operation: Any) -> Any:
        device = devices[operation.operator_name]
        return device and thing(preferred_compute_device=device())

    function = thing(block=thing(operations=operations))
    structure = thing(program=thing(functions={"main": function}))
    plan = thing(model_structure=structure, get_compute_device_usage_for_mlprogram_operation=staticmethod(usage))
    (row,) = read_plan(plan)
    assert (row.operator, row.count, row.unit) == ("gather", 2, "CPU")
