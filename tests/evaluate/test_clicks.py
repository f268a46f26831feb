"""Simulated corrections against a search over all pixels."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpsam_mobile.evaluate import next_click


def depths(error: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance of each error pixel to the nearest pixel that is none; all around the picture there are such pixels."""
    height, width = error.shape
    clear = [
        (y, x)
        for y in range(-1, height + 1)
        for x in range(-1, width + 1)
        if not (0 <= y < height and 0 <= x < width and error[y, x])
    ]
    depth = np.zeros(error.shape)
    for y, x in np.argwhere(error):
        depth[y, x] = min(((y - v) ** 2 + (x - u) ** 2) ** 0.5 for v, u in clear)
    return depth


@pytest.mark.parametrize("seed", range(12))
def test_the_deepest_pixel_of_the_worse_error(seed: int) -> None:
    generator = np.random.default_rng(seed)
    shape = tuple(generator.integers(5, 12, 2))
    truth, prediction = (generator.random(shape) < share for share in (0.8, 0.25 + 0.1 * (seed % 6)))
    clicked = [(int(x), int(y)) for y, x in np.argwhere(truth ^ prediction)[:: 3 + seed % 4]]
    missed, covered = depths(truth & ~prediction), depths(prediction & ~truth)
    for x, y in clicked:
        missed[y, x] = covered[y, x] = 0
    click = next_click(truth, prediction, clicked)
    assert click is not None
    wanted = missed if missed.max() > covered.max() else covered
    assert click.label == int(wanted is missed)
    assert wanted[click.y, click.x] == pytest.approx(wanted.max())
    first = np.flatnonzero(np.isclose(wanted, wanted.max()).ravel())[0]
    assert (click.y, click.x) == divmod(int(first), shape[1])


def test_both_labels_and_the_edge() -> None:
    everything, nothing = np.ones((7, 9), bool), np.zeros((7, 9), bool)
    assert next_click(everything, nothing) == (3, 3, 1)  # 4 from the edge above, below and on the left
    assert next_click(nothing, everything) == (3, 3, 0)
    half = everything.copy()
    half[:, 4:] = False
    assert next_click(everything, half) == (6, 2, 1)


def test_of_equal_errors_background_is_clicked() -> None:
    truth, prediction = np.zeros((5, 11), bool), np.zeros((5, 11), bool)
    truth[1:4, 1:4] = True
    prediction[1:4, 7:10] = True
    assert next_click(truth, prediction) == (8, 2, 0)


def test_without_an_error_there_is_no_click() -> None:
    truth = np.eye(6, dtype=bool)
    assert next_click(truth, truth) is None
    almost = truth.copy()
    almost[2, 2] = False
    assert next_click(truth, almost) == (2, 2, 1)
    assert next_click(truth, almost, [(2, 2)]) is None
