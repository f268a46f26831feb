"""The table of engines: what each has, what it refuses, and what its files do in a fresh process."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rmpsam_mobile.bundle import Delegation, Leftover
from rmpsam_mobile.contracts import Graph, Precision, Target
from rmpsam_mobile.errors import GateError, InputError, MissingExtraError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower import ENGINES, EngineOptions, Lowered
from rmpsam_mobile.export.lower.reasons import UNSAID
from rmpsam_mobile.export.prove import require_delegated
from tests.export.parts import one_module

pytestmark = pytest.mark.xdist_group("export")

PTE = (Target.XNNPACK, Target.PORTABLE, Target.COREML, Target.VULKAN)


class _Ordered(nn.Module):
    """A convolution that every delegate takes, and an order that none does."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(2, 4, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[1, 2, 4, 5] -> [1, 4, 4, 5]."""
        out: Tensor = torch.sort(self.conv(x), dim=-1).values
        return out


def lowered(target: Target, module: nn.Module, **options: object) -> Lowered:
    part = one_module(module, (1, 2, 4, 5)).parts[Graph.ENCODER]
    checked = ENGINES[target].checked(EngineOptions(**options), str(target))  # type: ignore[arg-type]
    return ENGINES[target].lower(capture(part), part.spec, checked)


def test_every_target_has_an_engine() -> None:
    assert set(ENGINES) == set(Target)
    for engine in ENGINES.values():
        assert engine.runs_here or engine.elsewhere


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        (Target.XNNPACK, {"ios": 18}, "--ios is not for xnnpack; leave it away, or choose another --target"),
        (
            Target.VULKAN,
            {"single_file": True},
            "--single-file is not for vulkan; leave it away, or choose another --target",
        ),
        (Target.XNNPACK, {"precision": Precision.FP16}, "--precision fp16 is not for xnnpack; it has fp32"),
        (
            Target.COREML_PACKAGE,
            {"precision": Precision.INT4_WEIGHTS},
            "--precision int4-weights needs iOS 18; add --ios 18, or take palette-4",
        ),
        (
            Target.COREML_PACKAGE,
            {"single_file": True},
            "packages with several functions need iOS 18; add --ios 18, or leave --single-file away",
        ),
    ],
)
def test_an_option_that_an_engine_does_not_have_is_refused(
    target: Target, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        ENGINES[target].checked(EngineOptions(**options), str(target))  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_an_engine_has_a_precision_of_its_own() -> None:
    own = {target: ENGINES[target].checked(EngineOptions(), str(target)).precision for target in Target}
    half = {Target.COREML, Target.COREML_PACKAGE, Target.QNN}
    assert own == {target: Precision.FP16 if target in half else Precision.FP32 for target in Target}


def test_qualcomm_s_sdk_is_asked_for_before_its_package_could_fetch_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("QNN_SDK_ROOT", raising=False)
    for root, said in ((None, "QNN_SDK_ROOT is not set"), (tmp_path, f"QNN_SDK_ROOT={tmp_path} holds no libQnnHtp.so")):
        if root:
            monkeypatch.setenv("QNN_SDK_ROOT", str(root))
        with pytest.raises(MissingExtraError) as caught:
            ENGINES[Target.QNN].requires()
        assert said in str(caught.value)
    assert "executorch.backends.qualcomm" not in sys.modules


@pytest.mark.parametrize("target", PTE)
def test_what_is_left_comes_with_the_partitioner_s_reason(target: Target) -> None:
    found = lowered(target, _Ordered())
    left = {reason.operator: reason.reason for reason in found.reasons}
    kinds = {leftover.operator for leftover in found.delegation.leftovers}
    assert set(left) == (set() if target is Target.PORTABLE else kinds)
    assert (found.delegation.mac_share == 1) == (target is not Target.PORTABLE)
    said = {
        Target.XNNPACK: UNSAID,
        Target.PORTABLE: None,  # no delegate was asked for
        Target.COREML: None,  # it takes all
        Target.VULKAN: "no operator implementation",
    }[target]
    assert left.get("aten.sort.default") == said


def test_xnnpack_says_why_it_left_a_convolution() -> None:
    class Computed(nn.Module):
        """A convolution whose weight comes in."""

        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor, weight: Tensor) -> Tensor:
            return torch.nn.functional.conv2d(x, self.factor * weight)

    part = one_module(Computed(), (1, 2, 4, 5), (3, 2, 1, 1)).parts[Graph.ENCODER]
    found = ENGINES[Target.XNNPACK].lower(capture(part), part.spec, EngineOptions())
    (reason,) = (reason for reason in found.reasons if "convolution" in reason.operator)
    assert reason.reason != UNSAID
    assert found.delegation.mac_share == 0


@pytest.mark.parametrize("target", PTE)
def test_a_file_loads_in_a_fresh_process_or_says_why_not(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "conv.pte"
    lowered(target, nn.Conv2d(2, 4, 3, 1, 1)).write(path)
    load = (
        f"from pathlib import Path; from rmpsam_mobile.runtime.pte import load_method; load_method(Path({str(path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=False)
    runs = ENGINES[target].runs_here is not None
    assert (done.returncode == 0) == runs
    if not runs:
        last = done.stderr.strip().splitlines()[-1]
        assert "ExecuTorch refuses this file (Failed to load method forward, error: 0x:20)" in last


@pytest.mark.parametrize("target", [*PTE, Target.ONNX])
def test_equal_inputs_give_equal_bytes_but_with_core_ml_s_delegate(target: Target, tmp_path: Path) -> None:
    module = _Ordered()
    for seed, name in enumerate("ab"):
        torch.manual_seed(seed)  # nothing may depend on chance
        lowered(target, module).write(tmp_path / name)
    is_same = (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert is_same == (target is not Target.COREML)  # whose parts executorch names by chance


def test_the_gate_names_the_graph_and_what_was_left() -> None:
    left = (Leftover(operator="aten.mm.default", count=2, mac_share=0.5),)
    half = Delegation(
        delegate="XNNPACK",
        subgraphs=1,
        operators_delegated=1,
        operators_total=3,
        macs_delegated=50,
        macs_total=100,
        leftovers=left,
    )
    lowered = {Graph.PROMPTS: Lowered(lambda _: None, half, None)}
    require_delegated(lowered, 0.5)
    with pytest.raises(GateError) as caught:
        require_delegated(lowered, 0.95)
    assert str(caught.value) == (
        "delegation: XNNPACK takes 50.0 % of the prompts graph's multiply-adds where 95.0 % are asked; "
        "left: aten.mm.default x2; rewrite them, or lower --min-delegated"
    )
    nothing = {Graph.PROMPTS: Lowered(lambda _: None, replace(half, macs_delegated=0, macs_total=0), None)}
    require_delegated(nothing, 1.0)
