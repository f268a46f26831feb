"""Named, frozen choices of quantization, as a table that ``list`` prints, and the wishes that are refused."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError, UnsupportedError


class Activations(StrEnum):
    """When ranges of activations are fixed."""

    STATIC = "static"  # by calibration
    DYNAMIC = "dynamic"  # at each run, from the values at hand
    FLOAT16 = "float16"  # no ranges: weights and activations are cast


class Ranges(StrEnum):
    """How calibration turns what an observer saw into a range."""

    HISTOGRAM = "histogram"  # torchao's search on the histogram, its default
    MINMAX = "minmax"  # all that was seen
    PERCENTILE = "percentile"  # all but the outermost values
    MSE = "mse"  # least squared error of rounding and clipping


@dataclass(frozen=True, kw_only=True)
class QuantRecipe:
    """How weights and activations are stored.

    Attributes:
        name: as ExecuTorch's users know it.
        alias: the short form.
        precision: what file names say.
        activations: see ``Activations``.
        weight_bits: 8, or 16 for casts.
        is_per_channel: weights have a scale for each output channel, else one for each tensor.
        ranges: see ``Ranges``; of static activations.
        percentile: share of the values in percent that ``Ranges.PERCENTILE`` keeps, half of the rest cut at each end.
        in_float: layers that stay in float, ``graph/module.path``; a path stands for all that lies below it,
            with ``=`` in front, ``graph/=module.path``, for the module's own operators alone.
        is_trained: made for weights that were trained with rounding (``distill --qat``).
        schema: version of this record where it is stored.
    """

    name: str
    alias: str
    precision: str
    activations: Activations = Activations.STATIC
    weight_bits: int = 8
    is_per_channel: bool = True
    ranges: Ranges = Ranges.HISTOGRAM
    percentile: float = 99.99
    in_float: tuple[str, ...] = ()
    is_trained: bool = False
    schema: int = 2

    def __post_init__(self) -> None:
        """Refuse contradictions."""
        bits = 16 if self.activations is Activations.FLOAT16 else 8
        if self.weight_bits != bits:
            raise InputError(
                f"recipe {self.name!r}: {self.weight_bits}-bit weights with {self.activations} activations; "
                f"they go with {bits}; set weight_bits to {bits}"
            )
        if self.activations is not Activations.STATIC and self.ranges is not Ranges.HISTOGRAM:
            raise InputError(
                f"recipe {self.name!r}: ranges {self.ranges} with {self.activations} activations, which have none; "
                "leave ranges away, or make activations static"
            )
        if self.activations is not Activations.STATIC and self.is_trained:
            raise InputError(f"recipe {self.name!r}: training with rounding needs static activations; make them so")
        if not 90 <= self.percentile <= 100:
            raise InputError(f"recipe {self.name!r}: percentile {self.percentile:g}; the limit is 90 to 100; try 99.99")
        for layer in self.in_float:
            graph, _, path = layer.partition("/")
            if graph not in tuple(Graph) or not path:
                raise InputError(
                    f"recipe {self.name!r}: {layer!r} names no layer; write GRAPH/MODULE.PATH, "
                    f"with one of the graphs {', '.join(Graph)}"
                )

    @property
    def is_calibrated(self) -> bool:
        """Whether pictures are needed."""
        return self.activations is not Activations.FLOAT16

    def float_paths(self, graph: str) -> tuple[str, ...]:
        """Module paths of one graph that stay in float."""
        return tuple(layer.partition("/")[2] for layer in self.in_float if layer.partition("/")[0] == graph)


RECIPES: Final[Mapping[str, QuantRecipe]] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            QuantRecipe(name="xnnpack_pt2e_int8_static_per_channel", alias="int8-static", precision="int8"),
            QuantRecipe(
                name="xnnpack_pt2e_int8_static_per_tensor",
                alias="int8-static-per-tensor",
                precision="int8",
                is_per_channel=False,
            ),
            QuantRecipe(
                name="xnnpack_pt2e_int8_dynamic_per_channel",
                alias="int8-dynamic",
                precision="int8dyn",
                activations=Activations.DYNAMIC,
            ),
            QuantRecipe(name="xnnpack_pt2e_int8_qat_per_channel", alias="int8-qat", precision="int8", is_trained=True),
            QuantRecipe(
                name="coreml_fp16",
                alias="fp16",
                precision="fp16",
                activations=Activations.FLOAT16,
                weight_bits=16,
                is_per_channel=False,
            ),
        )
    }
)

# What lowers and is wrong, or cannot be had with these engines; measured with executorch 1.4.1 and torchao 0.18.
_WEIGHT_ONLY: Final = (
    "8-bit weights alone measure 45 dB in torch and -135 dB in the XNNPACK file (4-bit: 20 and -87), "
    "which is no smaller either; use int8-static or int8-dynamic"
)
REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "int8_weight_only": _WEIGHT_ONLY,
        "int4_weight_only": _WEIGHT_ONLY,
        "int8-weight-only": _WEIGHT_ONLY,
        "int4-weight-only": _WEIGHT_ONLY,
        "xnnpack_int8_weight_only": _WEIGHT_ONLY,
        "xnnpack_int4_weight_only": _WEIGHT_ONLY,
        "8da4w": "it covers linear layers alone, and most weights of these models are convolutions, which would stay "
        "in float; use int8-dynamic, which covers both",
        "xnnpack_fp16": "float16 halves neither file nor time with XNNPACK (4199 KB both, 0.55 of the speed); "
        "use int8-static, or fp16 for Core ML",
    }
)


def recipe_named(name: str) -> QuantRecipe:
    """Return the recipe of that name or alias.

    Raises:
        UnsupportedError: it is known to give wrong or useless files; the message has the reason.
        InputError: unknown; the known ones are listed, the nearest first.
    """
    for recipe in RECIPES.values():
        if name in (recipe.name, recipe.alias):
            return recipe
    if name in REFUSED:
        raise UnsupportedError(f"recipe {name!r} is refused: {REFUSED[name]}")
    if name == "mixed":
        raise InputError(
            "recipe 'mixed' is found for a model and kept in a file; find one with rmpsam-mobile sensitivity MODEL "
            "--data DATA -o sensitivity.json --mixed mixed.json, and give --recipe mixed.json; the shipped student's "
            "is rmpsam_mobile/weights/rmpsam-mobile-tiny-int8.json"
        )
    known = [name for recipe in RECIPES.values() for name in (recipe.alias, recipe.name)]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near and re.search(r"\w", name) else ";"
    listed = ", ".join(f"{recipe.alias} ({recipe.name})" for recipe in RECIPES.values())
    raise InputError(f"unknown recipe {name!r}{hint} known: {listed}")
