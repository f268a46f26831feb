"""Named, frozen choices of quantization, as a table that ``list`` prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from rmpsam_mobile.errors import InputError


@dataclass(frozen=True, kw_only=True)
class QuantRecipe:
    """How weights and activations are stored.

    Attributes:
        name: as ExecuTorch's users know it.
        alias: the short form.
        precision: what file names say.
        is_per_channel: weights have a scale for each output channel, else one for each tensor.
        schema: version of this record where it is stored.
    """

    name: str
    alias: str
    precision: str
    is_per_channel: bool
    schema: int = 1


RECIPES: Final[Mapping[str, QuantRecipe]] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            QuantRecipe(
                name="xnnpack_pt2e_int8_static_per_channel",
                alias="int8-static",
                precision="int8",
                is_per_channel=True,
            ),
        )
    }
)


def recipe_named(name: str) -> QuantRecipe:
    """Return the recipe of that name or alias.

    Raises:
        InputError: unknown; the known ones are listed.
    """
    for recipe in RECIPES.values():
        if name in (recipe.name, recipe.alias):
            return recipe
    known = ", ".join(f"{recipe.alias} ({recipe.name})" for recipe in RECIPES.values())
    raise InputError(f"unknown recipe {name!r}; known: {known}")
