"""Reading packages: honest ones, and each way in which one can be broken."""

import gc
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from rmpsam_mobile.errors import InputError, RmpSamError, UnsupportedError
from rmpsam_mobile.quiet import muted_warnings
from rmpsam_mobile.runtime.mil import read_package
from tests.runtime.mil.packages import convert, edit, layer_part, operations


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return convert(layer_part(), tmp_path_factory.mktemp("package") / "layer.mlpackage")


@pytest.fixture
def package(honest: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(honest, tmp_path / "layer.mlpackage"))


def refused(package: Path, kind: type[RmpSamError]) -> str:
    with pytest.raises(kind) as caught:
        read_package(package)
    assert caught.value.exit_code == {InputError: 2, UnsupportedError: 4}[kind]
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_package_computes_what_its_module_does(honest: Path) -> None:
    part, x = layer_part(), torch.randn(1, 64, generator=torch.Generator().manual_seed(0))
    program = read_package(honest)
    assert [(v.name, v.dtype, v.shape) for v in program.inputs] == [("x", "fp32", (1, 64))]
    assert [step.operator for step in program.steps] == ["linear"]
    with torch.no_grad():
        torch.testing.assert_close(program.run({"x": x})["y"], part.module(x))


def test_a_folder_that_is_no_package(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.mlpackage"):
        assert refused(path, InputError) == f"{path} is no .mlpackage: it has no Manifest.json; copy it whole"


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_program(package: Path, keep: float) -> None:
    (file,) = package.rglob("*.mlmodel")
    raw = file.read_bytes()
    file.write_bytes(raw[: int(keep * len(raw))])
    message = refused(package, InputError)
    assert message.startswith(f"{package}: " if keep else f"{package}: its program is empty; copy it again")


@pytest.mark.parametrize("broken", [b"", b"{", b"{}"])
def test_a_broken_manifest(package: Path, broken: bytes) -> None:
    (package / "Manifest.json").write_bytes(broken)
    assert refused(package, InputError).startswith(f"{package}: not a Core ML package that can be read (")


@pytest.mark.parametrize("missing", [1, 100, 4000])
def test_truncated_weights(package: Path, missing: int) -> None:
    (file,) = package.rglob("weight.bin")
    raw = file.read_bytes()
    file.write_bytes(raw[:-missing])
    assert refused(package, InputError).startswith(f"{package}: ")


def test_empty_weights(package: Path) -> None:
    (file,) = package.rglob("weight.bin")
    file.write_bytes(b"")
    assert "weight.bin ends after 0 bytes, weights lie at" in refused(package, InputError)


def test_missing_weights(package: Path) -> None:
    (file,) = package.rglob("weight.bin")
    file.unlink()
    assert refused(package, InputError) == f"{package}: its weights are missing (weight.bin); copy it again"


def newer(specification: Any) -> None:
    specification.specificationVersion = 99


def unknown(specification: Any) -> None:
    for operation in operations(specification):
        operation.type = operation.type.replace("linear", "lstm")


def network(specification: Any) -> None:
    specification.neuralNetwork.SetInParent()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (newer, "layer.mlpackage has specification version 99; this version reads up to 10; update rmpsam-mobile"),
        (
            unknown,
            "the reference interpreter does not know lstm (1); see what it knows with: rmpsam-mobile doctor",
        ),
        (network, "layer.mlpackage is a neuralNetwork, no ML program; export it for iOS 15 or newer"),
    ],
)
def test_what_is_valid_and_not_known(package: Path, change: Callable[[Any], None], message: str) -> None:
    edit(package, change)
    assert refused(package, UnsupportedError) == message


def test_a_function_that_is_not_there(honest: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_package(honest, function="other")
    assert str(caught.value) == "layer.mlpackage has no function 'other'; it has main"


def test_functions_that_share_weights(honest: Path, tmp_path: Path) -> None:
    import coremltools as ct

    both = ct.utils.MultiFunctionDescriptor()
    for name in ("first", "second"):
        both.add_function(str(honest), src_function_name="main", target_function_name=name)
    both.default_function_name = "first"
    path = tmp_path / "both.mlpackage"
    with muted_warnings():
        ct.utils.save_multifunction(both, str(path))
        gc.collect()  # coremltools leaves temporary folders to it, which then complain
    x = torch.ones(1, 64)
    wanted = read_package(honest).run({"x": x})["y"]
    for function in (None, "first", "second"):
        torch.testing.assert_close(read_package(path, function=function).run({"x": x})["y"], wanted)
