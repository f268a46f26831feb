"""Mask logits to pixels: the official numbers, torch's interpolation, and two resamplings in one matrix."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Extent, Fit, fit_picture
from rmpsam_mobile.postprocess import PictureMasks, masks_to_picture, upsample
from tests.conftest import golden, oracle

Numbers = dict[str, NDArray[Any]]
# Logits up to 20 with float32's 6e-8, two products and a sum an axis; the stored numbers are rounded likewise.
ROUNDING = 5e-6


def _by_torch(logits: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    resized = F.interpolate(torch.from_numpy(logits)[None], size=(height, width), mode="bilinear")
    return np.asarray(resized[0].numpy())


def _two_steps(logits: NDArray[Any], fit: Fit) -> NDArray[Any]:
    padded = _by_torch(logits, *fit.size)
    return _by_torch(np.ascontiguousarray(padded[:, : fit.fitted.height, : fit.fitted.width]), *fit.picture)


def test_upsampling_gives_the_official_masks() -> None:
    numbers: Numbers = golden("postprocess")
    result = upsample(numbers["padded.mask_logits.first"], 96, 128)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, numbers["padded.upsampled.first"], atol=ROUNDING, rtol=0)


def test_all_stored_official_masks() -> None:
    numbers: Numbers = oracle("r18.padded")
    result = upsample(numbers["mask_logits"][0, :4], 96, 128)
    np.testing.assert_allclose(result, numbers["upsampled.first4"][0], atol=ROUNDING, rtol=0)


@settings(max_examples=60, deadline=None)
@given(sides=st.tuples(*[st.integers(1, 30)] * 4), masks=st.integers(1, 3), seed=st.integers(0, 1000))
def test_upsampling_equals_torch(sides: tuple[int, int, int, int], masks: int, seed: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(masks, *sides[:2]))
    result = upsample(logits, *sides[2:])
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, _by_torch(logits, *sides[2:]), atol=1e-13, rtol=0)


@settings(max_examples=60, deadline=None)
@given(picture=st.tuples(st.integers(8, 150), st.integers(8, 150)), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_one_matrix_equals_the_two_official_resamplings(picture: tuple[int, int], rows: int, columns: int) -> None:
    fit = fit_picture(*picture, Size(32 * rows, 32 * columns))
    logits = np.random.default_rng(0).normal(size=(2, *fit.size.grid))
    np.testing.assert_allclose(masks_to_picture(logits, fit), _two_steps(logits, fit), atol=1e-13, rtol=0)


def test_padding_plays_a_part_up_to_the_crop_and_none_beyond() -> None:
    fit = Fit(Extent(16, 16), Extent(16, 16), Size(32, 32))
    logits = np.zeros((1, 8, 8))
    logits[:, 5:, 5:] = 1e9
    assert not masks_to_picture(logits, fit).any()
    logits[:, 4, 4] = 1
    assert masks_to_picture(logits, fit)[0, 15, 15] > 0


def test_masks_taken_one_at_a_time_are_the_same() -> None:
    fit = fit_picture(75, 101, Size(96, 128))
    logits = np.random.default_rng(0).normal(size=(3, 24, 32))
    lazy = PictureMasks(logits, fit)
    assert lazy.shape == (3, 75, 101)
    assert len(lazy) == 3
    np.testing.assert_allclose(np.stack([lazy[index] for index in range(3)]), masks_to_picture(logits, fit), rtol=1e-13)


def test_tensors_and_half_precision_are_accepted() -> None:
    logits = np.random.default_rng(0).normal(size=(1, 4, 4))
    tensor = torch.from_numpy(logits).requires_grad_()
    np.testing.assert_array_equal(upsample(tensor, 9, 9), upsample(logits, 9, 9))
    assert upsample(tensor.half(), 9, 9).dtype == np.float32


def test_no_masks_stay_no_masks() -> None:
    assert upsample(np.zeros((0, 4, 4)), 8, 9).shape == (0, 8, 9)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (np.zeros((4, 4)), "mask logits have shape (4, 4); needed is (N, h, w); take one picture of a batch"),
        (
            np.zeros((1, 2, 4, 4)),
            "mask logits have shape (1, 2, 4, 4); needed is (N, h, w); take one picture of a batch",
        ),
        (np.zeros((1, 0, 4)), "mask logits have shape (1, 0, 4); needed is (N, h, w); take one picture of a batch"),
        (
            np.full((1, 4, 4), np.nan),
            "mask logits hold NaN or infinity; the graph overflowed: run it in float32 to find out where",
        ),
        (
            np.full((1, 4, 4), np.inf, np.float16),
            "mask logits hold NaN or infinity; the graph overflowed: run it in float32 to find out where",
        ),
    ],
)
def test_logits_that_are_no_masks(logits: NDArray[Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        upsample(logits, 8, 8)
    assert str(caught.value) == message
    with pytest.raises(InputError) as caught:
        masks_to_picture(logits, fit_picture(8, 8, Size(32, 32)))
    assert str(caught.value) == message


def test_a_target_without_pixels() -> None:
    with pytest.raises(InputError) as caught:
        upsample(np.zeros((1, 4, 4)), 0, 8)
    assert str(caught.value) == "masks cannot be resampled to 8 x 0 px; each side needs 1 pixel at least"


def test_masks_of_another_grid_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        masks_to_picture(np.zeros((2, 24, 32)), fit_picture(75, 101, Size(128, 128)))
    assert str(caught.value) == (
        "mask logits have a grid of 24 x 32, the model input 128 has one of 32 x 32; "
        "use the fit the picture went in with"
    )
