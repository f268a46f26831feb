"""What the coordinates of a prompt alone say about its mask: closed forms on the mask grid, no weights.

All are polynomials of the distance to a click or to a box, clamped: no root of a map, no exponential, no index.
Letters: B pictures, N prompts, P points, h x w the grid. Coordinates are xy pixels of the model input.
"""

import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from rmpsam_mobile.model.prompt import PromptSet

DISC_SHARE = 0.05  # of the fitted picture's area: what one click covers before anything is known
NEAR = 25.0  # squared ratio of that disc's radius to the radius within which a click is sure
FAR = 1000.0  # squared distance, in radii, of a click that is not there
SMALLEST_HALF_SIDE = 4.0  # pixels: a box thinner than the mask grid would have no cell
MARGIN = 1.1  # half sides around a box's centre within which its mask may lie


@dataclass(frozen=True)
class Geometry:
    """Closed forms of one set of prompts, each [B, N, h, w].

    Attributes:
        first_mask: > 0 in the ellipse of the box or in the disc at the clicks, minus what background clicks deny.
        sure: > 0 where pooled features are the object's: next to foreground clicks, or in the ellipse of the box.
        denied: > 0 next to background clicks.
        maps: [B, N, 7, h, w], the forms that the refiner sees.
    """

    first_mask: Tensor
    sure: Tensor
    denied: Tensor
    maps: Tensor


NUM_MAPS = 7


def prompt_geometry(prompts: PromptSet, image_size: Tensor, grid: tuple[int, int], stride: int) -> Geometry:
    """Closed forms on a grid whose cells are ``stride`` pixels.

    Args:
        prompts: points, labels and boxes.
        image_size: [B, 2] height and width of the fitted picture; a click's disc is a share of its area.
        grid: height and width in cells.
        stride: pixels of the model input a cell.
    """
    columns, rows = (_centres(side, stride, prompts.points) for side in (grid[1], grid[0]))
    # 1 / radius of the disc, [B, 1]; in this order every number stays small enough for float16
    inverse = image_size[:, 0:1].rsqrt() * image_size[:, 1:2].rsqrt() * math.sqrt(math.pi / DISC_SHARE)
    wanted = _nearest(prompts, prompts.is_foreground, columns, rows, inverse)
    unwanted = _nearest(prompts, prompts.is_background, columns, rows, inverse)
    has_box = prompts.has_box.unsqueeze(-1)  # [B, N, 1, 1]
    x, y = _box_axes(prompts.boxes, columns, rows)
    ellipse = (1 - (x * x + y * y)).clamp(-1, 1) * has_box
    inside = (1 - torch.maximum(x.abs(), y.abs())).clamp(-1, 1) * has_box
    near, denied = (1 - NEAR * wanted).clamp(-1, 1), (1 - NEAR * unwanted).clamp(0, 1)
    around = (1 - wanted).clamp(-1, 1)
    first = ellipse + (1 - has_box) * around + 2 * (near.clamp(0, 1) - denied)
    has_click = prompts.is_foreground.amax(-1, keepdim=True).unsqueeze(-1)  # [B, N, 1, 1]
    sure = has_click * near + (1 - has_click) * ellipse
    wide, wide_denied = (1 - wanted / 4).clamp(0, 1), (1 - unwanted).clamp(0, 1)
    maps = torch.stack((ellipse, inside, near, around, wide, denied, wide_denied), 2)
    return Geometry(first, sure, denied, maps)


def outside_box(prompts: PromptSet, grid: tuple[int, int], stride: int) -> tuple[Tensor, Tensor]:
    """How far each column and row lies outside of the box and its margin, in half sides; 0 inside or without a box.

    Returns:
        [B, N, 1, w] and [B, N, h, 1], >= 0.
    """
    columns, rows = (_centres(side, stride, prompts.points) for side in (grid[1], grid[0]))
    x, y = _box_axes(prompts.boxes, columns, rows)
    has_box = prompts.has_box.unsqueeze(-1)
    return (x.abs() - MARGIN).clamp(0, 1) * has_box, (y.abs() - MARGIN).clamp(0, 1) * has_box


def _centres(length: int, stride: int, like: Tensor) -> Tensor:
    """[length] pixel coordinates of the cells' centres."""
    return (torch.arange(length, dtype=like.dtype, device=like.device) + 0.5) * stride


def _nearest(prompts: PromptSet, is_kind: Tensor, columns: Tensor, rows: Tensor, inverse: Tensor) -> Tensor:
    """Squared distance to the nearest click of one kind, in squared radii of the disc: [B, N, h, w]."""
    inverse = inverse.reshape(-1, 1, 1, 1, 1)
    absent = ((1 - is_kind) * FAR).unsqueeze(-1).unsqueeze(-1)  # [B, N, P, 1, 1]
    x = (columns - prompts.points[..., 0:1].unsqueeze(-1)) * inverse  # [B, N, P, 1, w]
    y = (rows - prompts.points[..., 1:2]).unsqueeze(-1) * inverse  # [B, N, P, h, 1]
    squared = (x * x + absent) + y * y
    return reduce(torch.minimum, squared.unbind(2))


def _box_axes(boxes: Tensor, columns: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Signed distance to the box's centre in half sides: [B, N, 1, w] and [B, N, h, 1]."""
    x1, y1, x2, y2 = boxes[..., 0:1], boxes[..., 1:2], boxes[..., 2:3], boxes[..., 3:4]
    half_width = ((x2 - x1) / 2).clamp(min=SMALLEST_HALF_SIDE)
    half_height = ((y2 - y1) / 2).clamp(min=SMALLEST_HALF_SIDE)
    x = ((columns - (x1 + x2) / 2) / half_width).unsqueeze(-2)
    y = ((rows - (y1 + y2) / 2) / half_height).unsqueeze(-1)
    return x, y
