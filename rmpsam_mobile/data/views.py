"""A view of a picture: which source position each pixel of the model input shows. One affine map does all geometry.

Positions are in pixels with the origin at the picture's top left corner: the centre of pixel (0, 0) is (0.5, 0.5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class View:
    """An affine map from positions in the view to positions in the source picture.

    ``x_source = a x + b y + c`` and ``y_source = d x + e y + f``.

    Attributes:
        matrix: a, b, c, d, e, f.
        height: of the view in pixels.
        width: of the view in pixels.
    """

    matrix: tuple[float, float, float, float, float, float]
    height: int
    width: int

    def picture(self, pixels: NDArray[np.uint8]) -> Image.Image:
        """What is seen of uint8 RGB [H, W, 3]: bilinear, two taps an axis, unsmoothed as at inference; else black."""
        return self._seen(pixels, Image.Resampling.BILINEAR)

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """What is seen of a mask [H, W]: the value at each pixel's centre; False outside of the source."""
        seen = self._seen(mask.view(np.uint8), Image.Resampling.NEAREST)
        return np.asarray(seen).view(np.bool_)

    def boxes(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes xyxy [G, 4] of the source in the view: the boxes around their four corners, not clipped."""
        a, b, c, d, e, f = self.matrix
        to_view = np.linalg.inv(np.array(((a, b), (d, e))))
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        seen = (corners - (c, f)) @ to_view.T
        return np.concatenate((seen.min(1), seen.max(1)), axis=1)

    def shows(self, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of the source's boxes xyxy [G, 4] may reach into the view."""
        x1, y1, x2, y2 = self.boxes(boxes).T
        shown: NDArray[np.bool_] = (x1 < self.width) & (y1 < self.height) & (x2 > 0) & (y2 > 0)
        return shown

    def _seen(self, values: NDArray[np.uint8], resampling: Image.Resampling) -> Image.Image:
        source = Image.fromarray(np.ascontiguousarray(values))
        return source.transform((self.width, self.height), Image.Transform.AFFINE, self.matrix, resampling)
