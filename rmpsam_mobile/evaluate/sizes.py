"""Object sizes: shares of the picture's area, the same in every report."""

from typing import Final

# From the first number up to the second; about COCO's small, medium and large, but independent of the picture's pixels.
SIZES: Final = {"<1%": (0.0, 0.01), "1-5%": (0.01, 0.05), "5-20%": (0.05, 0.20), ">20%": (0.20, float("inf"))}


def size_of(share: float) -> str:
    """Name of the size that an object with this share of the picture's area has."""
    return next(name for name, (low, high) in SIZES.items() if low <= share < high)
