"""Frames of clips: which of a real one, and a still picture's views as if a camera moved. T frames."""

import numpy as np

from rmpsam_mobile.data.views import View

ZOOM = (0.7, 1.0)  # the window's sides over those of the whole view
TURN = 5.0  # degrees to either side


def choose_frames(num_frames: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """Draw ``wanted`` of a clip's frames, in order; a shorter clip is run back and forth.

    Returns:
        frame numbers from 0 to ``num_frames - 1``.
    """
    if num_frames >= wanted:
        return sorted(rng.permutation(num_frames)[:wanted].tolist())
    there_and_back = [*range(num_frames), *range(num_frames - 2, 0, -1)]
    start = int(rng.integers(len(there_and_back)))
    return [there_and_back[(start + t) % len(there_and_back)] for t in range(wanted)]


def draw_track(whole: View, num_frames: int, rng: np.random.Generator) -> tuple[View, ...]:
    """Draw a window that glides, zooms and turns over a still picture (pseudo clips, arXiv 2112.10764, section 3.4).

    Start and end are drawn; between them position, zoom and angle change evenly. Each window lies in the whole view
    but for its corners when it is turned.

    Args:
        whole: the view of the picture that the windows are parts of; each frame has its size.
    """
    ends = [_draw_window(rng) for _ in range(2)]
    shares = np.linspace(0.0, 1.0, num_frames)
    return tuple(_window(whole, ends[0] + share * (ends[1] - ends[0])) for share in shares)


def _draw_window(rng: np.random.Generator) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Centre x, y over the view's sides, zoom, angle in radians."""
    zoom = rng.uniform(*ZOOM)
    centre = zoom / 2 + rng.random(2) * (1 - zoom)
    return np.array((*centre, zoom, np.radians(rng.uniform(-TURN, TURN))))


def _window(whole: View, window: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> View:
    x, y, zoom, angle = window
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    turn = np.array(((cos, -sin), (sin, cos)))
    middle = np.array((whole.width, whole.height)) / 2
    shift = np.array((x * whole.width, y * whole.height)) - turn @ middle
    a, b, c, d, e, f = whole.matrix
    outer = np.array(((a, b), (d, e)))
    inner, moved = outer @ turn, outer @ shift + (c, f)
    matrix = (*inner[0].tolist(), float(moved[0]), *inner[1].tolist(), float(moved[1]))
    return View(matrix, whole.height, whole.width)
