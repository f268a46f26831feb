"""The boundary measure by hand, against a plain count over all pairs of pixels, and at its edges."""

import math
from itertools import product

import numpy as np
import pytest

from rmpsam_mobile.evaluate import boundary_measure, boundary_similarity
from tests.evaluate.measuring_sets import SQUARE, Mask, rectangle

NOTHING = np.zeros_like(SQUARE)


def plain(prediction: Mask, truth: Mask) -> float:
    """DAVIS' rules with loops: outlines, then the share of each that lies within a disc around the other."""

    def outline(mask: Mask) -> set[tuple[int, int]]:
        height, width = mask.shape
        found = set()
        for y, x in product(range(height), range(width)):
            others = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
            if y == height - 1:
                others = [(y, x + 1)]
            if x == width - 1:
                others = [(y + 1, x)]
            inside = [(v, u) for v, u in others if v < height and u < width]
            if any(mask[v, u] != mask[y, x] for v, u in inside):
                found.add((y, x))
        return found

    ours, theirs = outline(prediction), outline(truth)
    if not ours or not theirs:
        return float(ours == theirs)
    radius = math.ceil(0.008 * math.hypot(*truth.shape))

    def share(of: set[tuple[int, int]], near: set[tuple[int, int]]) -> float:
        hits = sum(any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in near) for y, x in of)
        return hits / len(of)

    precision, recall = share(ours, theirs), share(theirs, ours)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def test_by_hand() -> None:
    # 40 x 50 px: outlines may lie 1 px apart
    assert boundary_measure(SQUARE, SQUARE) == 1
    assert boundary_measure(rectangle(5, 2, 9, 6), SQUARE) == 1  # moved by a pixel
    assert boundary_measure(rectangle(30, 30, 34, 34), SQUARE) == 0
    # rows 2 to 5 of columns 4 to 7 have the outline of 16 pixels: rows 1 to 5, columns 3 to 7, without the 9 inside
    half = boundary_measure(rectangle(4, 2, 8, 4), SQUARE)
    # the half's outline of 12 pixels: all but (3, 4), (3, 5) and (3, 6) lie within a pixel of the other's;
    # of the other's 16 the row below the half's, and what hangs on it, does not
    assert half == pytest.approx(plain(rectangle(4, 2, 8, 4), SQUARE))
    assert 0 < half < 1


@pytest.mark.parametrize("seed", range(8))
def test_against_plain_loops(seed: int) -> None:
    chance = np.random.default_rng(seed)
    masks = []
    for _ in range(2):
        mask = np.zeros((23, 31), bool)
        for _ in range(3):
            (y1, y2), (x1, x2) = (sorted(chance.integers(0, side + 1, 2)) for side in mask.shape)
            mask[y1:y2, x1:x2] ^= True
        masks.append(mask)
    assert boundary_measure(*masks) == pytest.approx(plain(*masks), abs=1e-12)


def test_a_large_picture_forgives_more() -> None:
    truth = rectangle(100, 100, 400, 300, height=600, width=800)
    assert boundary_measure(rectangle(108, 100, 408, 300, height=600, width=800), truth) == 1  # 8 px of 1000
    assert boundary_measure(rectangle(120, 120, 380, 280, height=600, width=800), truth) == 0


def test_frames_without_an_object() -> None:
    truth = [SQUARE, SQUARE, None, NOTHING, None]
    prediction = [SQUARE, None, None, None, SQUARE]
    assert boundary_similarity(prediction, truth).tolist() == [1, 0, 1, 1, 0]
