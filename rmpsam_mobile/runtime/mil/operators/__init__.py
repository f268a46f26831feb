"""The operators that the reference interpreter knows: MIL name -> function, whose parameters are named as in MIL."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from rmpsam_mobile.runtime.mil.operators.activation import ACTIVATION
from rmpsam_mobile.runtime.mil.operators.compression import COMPRESSION
from rmpsam_mobile.runtime.mil.operators.convolution import CONVOLUTION
from rmpsam_mobile.runtime.mil.operators.elementwise import ELEMENTWISE
from rmpsam_mobile.runtime.mil.operators.gathering import GATHERING
from rmpsam_mobile.runtime.mil.operators.linear import LINEAR
from rmpsam_mobile.runtime.mil.operators.reduction import REDUCTION
from rmpsam_mobile.runtime.mil.operators.resizing import RESIZING
from rmpsam_mobile.runtime.mil.operators.shape import SHAPE

# group -> its table, as `doctor` prints them
GROUPS: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = MappingProxyType(
    {
        "each number by itself": ELEMENTWISE,
        "activations": ACTIVATION,
        "convolutions, pools": CONVOLUTION,
        "products, norms": LINEAR,
        "along axes": REDUCTION,
        "shapes": SHAPE,
        "reading at places": GATHERING,
        "resizing": RESIZING,
        "compressed weights": COMPRESSION,
    }
)
OPERATORS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {name: function for group in GROUPS.values() for name, function in group.items()}
)

__all__ = ["GROUPS", "OPERATORS"]
