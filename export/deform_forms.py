"""Which form each deformable convolution takes in a file, and the reason."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Final

# The largest radius whose bounded form costs less than gathers. In units of the same convolution as slices and a matrix
# product (128 channels, 40 px), radius 1 takes 1.3 to 1.4, radius 2 took 2.2 and gathers took 1.7 on one host, 2.4 on
# another; python -m benchmarks.deform_layers measures all three.
LARGEST_BOUNDED_RADIUS: Final = 1


class DeformForm(StrEnum):
    """What ``--deform`` takes; ``auto`` becomes one of the others, layer by layer."""

    AUTO = "auto"
    GATHER = "gather"
    BOUNDED = "bounded"
    STATIC = "static"


@dataclass(frozen=True, kw_only=True)
class DeformChoice:
    """The form of one layer.

    Attributes:
        form: never ``auto``.
        because: one sentence.
        exact: the form keeps the layer's function on every picture.
        radius: of ``bounded``, in pixels of the map that the layer reads.
        mean_offsets: of ``static``, 18 numbers in pixels, (dy, dx) tap by tap.
        mean_modulation: of ``static``, 9 factors.
    """

    form: DeformForm
    because: str
    exact: bool = True
    radius: int = 0
    mean_offsets: tuple[float, ...] = ()
    mean_modulation: tuple[float, ...] = ()


def exact_choice(offset_limit: float | None) -> DeformChoice:
    """The cheapest form that keeps the function, from what the model itself promises.

    Args:
        offset_limit: the clamp that the layer was trained with, in pixels; None for none.
    """
    if offset_limit is None:
        return DeformChoice(form=DeformForm.GATHER, because="the offsets have no limit")
    radius = max(ceil(offset_limit), 1)
    if radius > LARGEST_BOUNDED_RADIUS:
        return DeformChoice(form=DeformForm.GATHER, because=f"gathers are cheaper than a radius of {radius}")
    return DeformChoice(
        form=DeformForm.BOUNDED, radius=radius, because=f"the model clamps its offsets to {offset_limit:g} px"
    )
