"""NoC by hand, and the truth that the released evaluation compares with."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.evaluate import number_of_clicks, official_truth
from rmpsam_mobile.fit import fit_picture


@pytest.mark.parametrize(
    ("target", "wanted"), [(0.4, 1), (0.5, 2), (0.8, 2), (0.85, 4), (0.9, 4), (0.95, 20)], ids=lambda v: str(v)
)
def test_by_hand(target: float, wanted: int) -> None:
    assert number_of_clicks([0.4, 0.8, 0.7, 0.9], target, 20) == wanted


def test_the_first_click_that_reaches_it_counts_even_if_it_is_lost_again() -> None:
    assert number_of_clicks([0.9, 0.1], 0.9, 2) == 1
    assert number_of_clicks([], 0.8, 3) == 3


@pytest.mark.parametrize("shape", [(30, 45), (96, 64), (61, 64)])
def test_the_official_truth_is_torchs_two_resizings(shape: tuple[int, int]) -> None:
    truth = np.random.default_rng(0).random(shape) > 0.7
    size = Size(96, 96)
    fitted = tuple(fit_picture(*shape, size).fitted)
    nearest = F.interpolate(torch.from_numpy(truth)[None, None].float(), fitted, mode="nearest")
    back = F.interpolate(nearest, shape, mode="bilinear", align_corners=False)
    np.testing.assert_array_equal(official_truth(truth, size), back[0, 0].numpy() > 0)


def test_a_small_mask_is_dilated_where_it_was_made_smaller() -> None:
    """Reference, quirk 5: the smallest suffer most. 64 px of 128: each sample that comes back lights its neighbours."""
    truth = np.zeros((128, 128), bool)
    truth[40:44, 40:44] = True
    dilated = official_truth(truth, Size(64, 64))
    rows, columns = (np.flatnonzero(dilated.any(axis)) for axis in (1, 0))
    # samples 20 and 21 of the small mask reach pixels 39 to 44
    assert (rows[[0, -1]].tolist(), columns[[0, -1]].tolist()) == ([39, 44], [39, 44])
    assert dilated.sum() == 36
