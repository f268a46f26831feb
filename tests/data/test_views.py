"""Views against the affine map written out pixel by pixel."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rmpsam_mobile.data.views import View
from tests.data.painted import box_mask

numbers = st.floats(-1.5, 1.5)
shifts = st.floats(-20, 60)


@settings(max_examples=60, deadline=None)
@given(a=numbers, b=numbers, c=shifts, d=numbers, e=numbers, f=shifts, seed=st.integers(0, 99))
def test_a_mask_is_read_at_the_centre_of_each_pixel(
    a: float, b: float, c: float, d: float, e: float, f: float, seed: int
) -> None:
    mask = np.random.default_rng(seed).random((30, 40)) < 0.5
    rows, columns = np.mgrid[:20, :25] + 0.5
    xs, ys = a * columns + b * rows + c, d * columns + e * rows + f
    inside = (xs >= 0) & (xs < 40) & (ys >= 0) & (ys < 30)
    wanted = np.zeros((20, 25), np.bool_)
    wanted[inside] = mask[ys[inside].astype(int), xs[inside].astype(int)]
    seen = View((a, b, c, d, e, f), 20, 25).mask(mask)
    # Pillow steps in 16-bit fixed point when nothing is turned: on the very border between pixels it may round over.
    near = (np.abs(xs - np.round(xs)) < 1e-2) | (np.abs(ys - np.round(ys)) < 1e-2)
    assert np.array_equal(seen[~near], wanted[~near])


@settings(max_examples=60, deadline=None)
@given(a=numbers, b=numbers, c=shifts, d=numbers, e=numbers, f=shifts, seed=st.integers(0, 99))
def test_boxes_hold_all_that_is_seen(a: float, b: float, c: float, d: float, e: float, f: float, seed: int) -> None:
    assume(abs(a * e - b * d) > 0.05)
    x1, x2 = sorted(np.random.default_rng(seed).integers(0, 40, 2))
    y1, y2 = sorted(np.random.default_rng(seed + 100).integers(0, 30, 2))
    mask = box_mask(30, 40, (x1, y1, x2 + 1, y2 + 1))
    view = View((a, b, c, d, e, f), 20, 25)
    boxes = np.array([(x1, y1, x2 + 1, y2 + 1)], np.float64)
    ys, xs = np.nonzero(view.mask(mask))
    if len(xs):
        left, top, right, bottom = view.boxes(boxes)[0]
        assert view.shows(boxes).all()
        assert left - 0.6 <= xs.min()
        assert xs.max() + 1 <= right + 0.6
        assert top - 0.6 <= ys.min()
        assert ys.max() + 1 <= bottom + 0.6


def test_a_picture_seen_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    seen = View((1, 0, 0, 0, 1, 0), 12, 16).picture(pixels)
    assert np.array_equal(np.asarray(seen), pixels)


def test_what_lies_beside_the_view_is_not_shown() -> None:
    view = View((1, 0, 10, 0, 1, 10), 8, 8)
    boxes = np.array([(0, 0, 10, 10), (18, 12, 30, 14), (12, 12, 13, 13), (0, 0, 40, 11)], np.float64)
    assert view.shows(boxes).tolist() == [False, False, True, True]
