"""Mask logits from the mask grid to pixels: bilinear resampling as one small matrix for each axis.

N masks; h, w the mask grid; H, W height and width of the target in pixels.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import Fit


class MaskStack(Protocol):
    """Masks that can be taken one at a time: an array [N, H, W], a tensor, or ``PictureMasks``."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W)."""
        ...

    def __getitem__(self, index: int, /) -> Any:
        """Return the logits [H, W] of one mask."""
        ...


class PictureMasks:
    """Mask logits in the source-image frame, each resampled when it is asked for.

    A hundred float masks of a 12-megapixel photo would fill 4.8 GB; this keeps the mask grid and two matrices.
    ``panoptic`` and ``instances`` take it wherever they take an array [N, H, W].
    """

    def __init__(self, mask_logits: Any, fit: Fit) -> None:
        """Keep ``mask_logits`` [N, h, w] of the grid that belongs to ``fit.size``; see ``masks_to_picture``."""
        self._logits = _checked(mask_logits)
        if self._logits.shape[1:] != fit.size.grid:
            height, width = self._logits.shape[1:]
            raise InputError(
                f"mask logits have a grid of {height} x {width}, the model input {fit.size} has one of "
                f"{fit.size.grid[0]} x {fit.size.grid[1]}; use the fit the picture went in with"
            )
        self._rows, self._columns = (
            _to_picture(grid, *sides).astype(self._logits.dtype)
            for grid, sides in zip(
                self._logits.shape[1:], zip(fit.size, fit.fitted, fit.picture, strict=True), strict=True
            )
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, H, W) with the source image's height and width."""
        return len(self._logits), len(self._rows), len(self._columns)

    def __len__(self) -> int:
        """Count the masks."""
        return len(self._logits)

    def __iter__(self) -> Iterator[NDArray[np.floating]]:
        """Resample one mask after the other."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> NDArray[np.floating]:
        """Return the logits [H, W] of one mask."""
        return _apply(self._rows, self._logits[index], self._columns)


def upsample(mask_logits: Any, height: int, width: int) -> NDArray[np.floating]:
    """Resample mask logits [N, h, w] to [N, height, width]: bilinear, half-pixel centres, edges repeated.

    The same as torch's ``interpolate(mode="bilinear", align_corners=False)``. float32 and float64 are kept,
    float16 and integers become float32.

    Raises:
        InputError: not three axes, a NaN or an infinity in it, or a target side below one pixel.
    """
    logits = _checked(mask_logits)
    if height < 1 or width < 1:
        raise InputError(f"masks cannot be resampled to {width} x {height} px; each side needs 1 pixel at least")
    rows, columns = (
        _bilinear(source, target).astype(logits.dtype)
        for source, target in zip(logits.shape[1:], (height, width), strict=True)
    )
    return _apply(rows, logits, columns)


def masks_to_picture(mask_logits: Any, fit: Fit) -> NDArray[np.floating]:
    """Bring mask logits [N, h, w] of the mask grid to the source-image frame [N, H, W].

    RMP-SAM's two resamplings in their order (arXiv 2401.10228, official code): to the padded model input, cropped to
    the fitted picture, then to the source image. Both are linear, so one matrix for each axis holds the two. A mask is
    where the result is above 0. For many masks of a large picture use ``PictureMasks``.

    Raises:
        InputError: not three axes, another grid than that of ``fit.size``, or a NaN or an infinity in it.
    """
    masks = PictureMasks(mask_logits, fit)
    return _apply(masks._rows, masks._logits, masks._columns)


def as_array(values: Any) -> NDArray[Any]:
    """Return a numpy array of an array, a nested list or a torch tensor on any device, without importing torch."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def _checked(mask_logits: Any) -> NDArray[np.floating]:
    logits = as_array(mask_logits)
    if logits.ndim != 3 or 0 in logits.shape[1:]:
        raise InputError(f"mask logits have shape {logits.shape}; needed is (N, h, w); take one picture of a batch")
    if logits.dtype != np.float64:
        # half precision has no fast matrix product, and its 11 bits would show as steps along the outline
        logits = logits.astype(np.float32)
    if not np.isfinite(logits).all():
        raise InputError("mask logits hold NaN or infinity; the graph overflowed: run it in float32 to find out where")
    return logits


def _bilinear(source: int, target: int) -> NDArray[np.float64]:
    """Return [target, source]: each row holds the one or two weights of an output sample."""
    position = np.clip((np.arange(target) + 0.5) * (source / target) - 0.5, 0, source - 1)
    first = position.astype(np.intp)
    fraction = position - first
    matrix = np.zeros((target, source))
    matrix[np.arange(target), first] = 1 - fraction
    matrix[np.arange(target), np.minimum(first + 1, source - 1)] += fraction
    return matrix


def _to_picture(grid: int, padded: int, fitted: int, picture: int) -> NDArray[np.float64]:
    """Return [picture, grid]: along one axis to the padded input, crop, then to the source image."""
    return _bilinear(fitted, picture) @ _bilinear(grid, padded)[:fitted]


def _apply(
    rows: NDArray[np.floating], logits: NDArray[np.floating], columns: NDArray[np.floating]
) -> NDArray[np.floating]:
    # The smaller product first: the grid's columns are few, so rows x logits stays small.
    result: NDArray[np.floating] = (rows @ logits) @ columns.T
    return result
