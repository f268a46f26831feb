"""Bundles of packages on the command line: what works, and what is planted or broken in them."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load_bundle import WHOLE, said
from rmpsam_mobile.bundle import (
    Artifact,
    Delegation,
    Manifest,
    Recipe,
    open_bundle,
    record_golden,
    write_bundle,
    write_golden,
)
from rmpsam_mobile.contracts import Graph, Target, graph_spec
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime import EagerRunner, MilRunner, open_runner
from rmpsam_mobile.validate import self_test
from tests.bundles import photo_path
from tests.cli.calls import Cli
from tests.cli.calls import cli as cli
from tests.runtime.mil.packages import edit, operations

pytestmark = pytest.mark.xdist_group("packages")
Change = Callable[[Any], None]


@pytest.fixture(scope="module")
def bundle(model: RmpSam, honest: MilRunner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as a bundle with a golden pair that eager made, as export writes them."""
    contract = honest.contract

    def fill(folder: Path) -> Manifest:
        artifacts = {graph: _artifact(honest, graph, folder) for graph in honest.graphs}
        names = {graph: [tensor.name for tensor in made.outputs] for graph, made in artifacts.items()}
        write_golden(record_golden(contract, names, EagerRunner(model, contract).run), folder)
        return Manifest(
            name="small",
            contract=contract,
            checkpoint_sha256="0" * 64,
            graphs={str(graph): made for graph, made in artifacts.items()},
            rewrites={},
            recipe=Recipe(name="fp32"),
            left_out={},
            versions={},
            lowest_runtime={"ios": "17.0"},
            licences={"code": "Apache-2.0", "weights": "MIT", "teacher": "none took part", "data": "CC BY-NC 4.0"},
            golden_source="eager",
        )

    folder = tmp_path_factory.mktemp("bundle") / "small.bundle"
    write_bundle(folder, fill)
    return folder


def _artifact(runner: MilRunner, graph: Graph, folder: Path) -> Artifact:
    path = Path(shutil.copytree(runner._paths[graph], folder / f"{graph}.mlpackage"))
    spec = graph_spec(graph, runner.contract.sizes)
    whole = Delegation(
        delegate="Core ML", subgraphs=1, operators_delegated=1, operators_total=1, macs_delegated=1, macs_total=1
    )
    return Artifact(
        path=path.name,
        graph=graph,
        target=Target.COREML_PACKAGE,
        precision="fp32",
        size_bytes=1,
        inputs=spec.inputs,
        outputs=spec.outputs,
        delegation=whole,
    )


def altered(bundle: Path, folder: Path, alter: Callable[[Path], None], graph: Graph = Graph.ENCODER) -> Path:
    """A copy with ``alter`` applied to one package, and hashes that are right for it."""
    manifest = open_bundle(bundle).manifest

    def fill(inside: Path) -> Manifest:
        shutil.copytree(bundle, inside, dirs_exist_ok=True)
        for name in ("manifest.json", "SHA256SUMS"):
            (inside / name).unlink()
        alter(inside / manifest.graphs[graph].path)
        return manifest

    write_bundle(folder / "altered.bundle", fill)
    return folder / "altered.bundle"


def test_verbs_work_on_a_bundle_of_packages(bundle: Path, cli: Cli) -> None:
    opened = open_bundle(bundle)
    runner = open_runner(opened)
    assert isinstance(runner, MilRunner)
    assert self_test(opened, runner).require().is_repeatable
    done = cli("validate", bundle, "--json")
    assert (done.code, json.loads(done.out)["engine"]) == (0, runner.engine)
    assert "not the Neural Engine" in " ".join(cli("validate", bundle).out.split())
    done = cli("segment", bundle, photo_path(), "--point", "300,200", "--json")
    assert (done.code, json.loads(done.out)["engine"]) == (0, runner.engine)


def test_inspect_shows_the_licence_chain(bundle: Path, cli: Cli) -> None:
    done = cli("inspect", bundle)
    rows = dict(re.findall(r"licence of (\w+)\W+(\w.*?) *$", done.out.replace("│", " "), re.MULTILINE))
    assert rows == open_bundle(bundle).manifest.licences


def argument(specification: Any, operator: str, name: str) -> Any:
    """The constant that the last operator of a kind takes by that name; its lists can be written into."""
    constants = {operation.outputs[0].name: operation for operation in operations(specification)}
    *_, last = (operation for operation in operations(specification) if operation.type == operator)
    return constants[last.inputs[name].arguments[0].name].attributes["val"].immediateValue.tensor


def other_corners(specification: Any) -> None:
    flags = argument(specification, "upsample_bilinear", "align_corners").bools.values
    flags[0] = not flags[0]


def swapped_axes(specification: Any) -> None:
    """Attention that is normalised over the other of its two axes."""
    argument(specification, "softmax", "axis").ints.values[0] = -2


def shifted_pad(specification: Any) -> None:
    """One convolution reads one cell too early: the same size, another place."""
    for operation in operations(specification):
        if operation.type == "const" and operation.outputs[0].name.endswith("pad_0"):
            values = operation.attributes["val"].immediateValue.tensor.ints.values
            if list(values) == [1, 1, 1, 1]:
                values[:] = [2, 0, 2, 0]
                return


@pytest.mark.parametrize(
    ("plant", "graph", "tensor"),
    [
        (other_corners, Graph.ENCODER, "encoder/mask_features"),
        (swapped_axes, Graph.OBJECTS, "objects/mask_logits"),
        (shifted_pad, Graph.ENCODER, "encoder/mask_features"),
    ],
)
def test_validate_catches_what_is_planted(
    bundle: Path, tmp_path: Path, cli: Cli, plant: Change, graph: Graph, tensor: str
) -> None:
    done = cli("validate", altered(bundle, tmp_path, lambda package: edit(package, plant), graph))
    assert done.code == 6
    assert tensor in done.err


def test_the_support_matrix_holds_each_file_against_its_golden_pair(bundle: Path, tmp_path: Path) -> None:
    assert said(open_bundle(bundle), Graph.PROMPTS) == WHOLE
    planted = open_bundle(altered(bundle, tmp_path, lambda package: edit(package, other_corners)))
    assert said(planted, Graph.ENCODER).startswith("golden pair: mask_features off by ")


def newer(specification: Any) -> None:
    specification.specificationVersion = 99


def unknown(specification: Any) -> None:
    for operation in operations(specification):
        operation.type = operation.type.replace("upsample_bilinear", "lstm")


def cut(package: Path) -> None:
    (file,) = package.rglob("*.mlmodel")
    file.write_bytes(file.read_bytes()[:5000])


def bare(package: Path) -> None:
    next(package.rglob("weight.bin")).unlink()


@pytest.mark.parametrize(
    ("alter", "code", "message"),
    [
        (cut, 2, "not a Core ML package that can be read ("),
        (bare, 2, "its weights are missing (weight.bin); copy it again"),
        (lambda package: edit(package, unknown), 4, "the reference interpreter does not know lstm ("),
        (lambda package: edit(package, newer), 4, "encoder.mlpackage has specification version 99; this version reads"),
    ],
    ids=["truncated", "without weights", "unknown operator", "newer"],
)
def test_a_broken_package_is_told_in_one_line(
    bundle: Path, tmp_path: Path, cli: Cli, alter: Callable[[Path], None], code: int, message: str
) -> None:
    done = cli("validate", altered(bundle, tmp_path, alter))
    assert done.code == code
    assert message in done.error


def test_doctor_and_list_tell_what_the_interpreter_knows(cli: Cli) -> None:
    groups = json.loads(cli("doctor", "--json").out)["mil_operators"]
    assert {"conv", "upsample_bilinear"} <= {name for names in groups.values() for name in names}
    assert "upsample_bilinear" in cli("doctor").out
    targets = {row["name"]: row["run here by"] for row in json.loads(cli("list", "targets", "--json").out)["targets"]}
    assert targets["coreml-package"] == "the reference interpreter, which is not the Neural Engine"
