"""The audit of offsets: counts, clipping and its error, against the same by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.offset_audit import OffsetAudit, audit_offsets
from rmpsam_mobile.model.neck import DeformUpsample
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.distill.small_runs import paint
from tests.models import SMALL, small_model


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of noise."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for i in range(3):
        Image.fromarray(random.integers(0, 256, (40, 50, 3), np.uint8)).save(folder / f"{i}.png")
    return folder


def pushed(dy: float, dx: float) -> RmpSam:
    """The small model with the same offset and full modulation everywhere."""
    model = RmpSam(SMALL).double()
    model.load_state_dict(small_model().state_dict(), strict=False)
    for step in model.modules():
        if isinstance(step, DeformUpsample):
            nn.init.zeros_(step.dcn_offset.weight)
            assert step.dcn_offset.bias is not None
            step.dcn_offset.bias.data = torch.tensor([dy, dx] * 9 + [0.0] * 9, dtype=torch.float64)
    return model.eval().requires_grad_(requires_grad=False)


def audit(dy: float, dx: float, pictures: Path, limit: int = 2) -> OffsetAudit:
    return audit_offsets(pushed(dy, dx), pictures, Size(64, 64), limit=limit)


def test_known_offsets_are_counted_and_averaged(pictures: Path) -> None:
    found = audit(-0.6, 2.3, pictures)
    assert (found.preset, found.size, found.pictures) == ("small", (64, 64), 2)
    assert [layer.path for layer in found.layers] == [f"encoder.neck.deconv.deform_conv{i}.dcn" for i in (1, 2, 3)]
    for layer, side in zip(found.layers, (2, 4, 8), strict=True):
        assert layer.map_size == (side, side)
        samples = 2 * 9 * side * side
        assert {i: n for i, n in enumerate(layer.rows) if n} == {17: samples}  # 0.25 px a bin from -5 on
        assert {i: n for i, n in enumerate(layer.columns) if n} == {29: samples}
        assert layer.largest == pytest.approx(2.3)
        assert layer.mean_offsets == pytest.approx([-0.6, 2.3] * 9)
        assert layer.mean_modulation == pytest.approx([0.5] * 9)
        assert [bound.clipped for bound in layer.bounds] == [1.0, 1.0, 0.0, 0.0]
        assert layer.bounds[2].output_error == layer.bounds[3].output_error == 0.0
        assert layer.bounds[0].output_error > 0.0


def test_the_error_is_that_of_the_layer_with_clipped_offsets(pictures: Path) -> None:
    model = pushed(0.0, 1.5)
    step = next(module for module in model.modules() if isinstance(module, DeformUpsample))
    seen: list[tuple[Tensor, ...]] = []
    handle = step.dcn.register_forward_hook(lambda _, inputs, out: seen.append((*inputs, out)))
    found = audit_offsets(model, pictures, Size(64, 64), limit=1)
    handle.remove()
    x, offsets, modulation, out = seen[0]
    clipped = step.dcn(x, offsets.clamp(-1, 1), modulation)
    assert found.layers[0].bounds[0].output_error == pytest.approx(float((clipped - out).norm() / out.norm()))


def test_far_offsets_fall_into_the_last_bin(pictures: Path) -> None:
    layer = audit(-40.0, 40.0, pictures, limit=1).layers[0]
    assert layer.rows[0] == layer.columns[-1] == 9 * 2 * 2


def test_the_audit_is_json_and_leaves_no_hook(pictures: Path) -> None:
    model = pushed(0.0, 0.0)
    found = audit_offsets(model, pictures, Size(64, 64), limit=1)
    assert json.loads(json.dumps(found.to_json()))["layers"][0]["largest"] == 0.0
    assert not any(module._forward_hooks for module in model.modules())


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no picture"):
        audit_offsets(pushed(0.0, 0.0), tmp_path, Size(64, 64))


def test_a_data_set_is_read_where_its_pictures_lie(tmp_path: Path) -> None:
    found = audit(0.0, 0.0, paint(tmp_path / "shapes.json.gz", 4), limit=2)  # pictures in a tar file
    assert found.pictures == 2
