"""Recipes by name or alias; an unknown one lists the known."""

import pytest

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.quantization import RECIPES, recipe_named

NAME = "xnnpack_pt2e_int8_static_per_channel"


def test_a_recipe_is_found_by_both_names() -> None:
    assert recipe_named("int8-static") is recipe_named(NAME) is RECIPES[NAME]
    assert RECIPES[NAME].precision == "int8"
    assert RECIPES[NAME].is_per_channel


def test_names_and_aliases_are_unique() -> None:
    names = [name for recipe in RECIPES.values() for name in (recipe.name, recipe.alias)]
    assert len(set(names)) == len(names)
    assert all(key == recipe.name for key, recipe in RECIPES.items())


@pytest.mark.parametrize("name", ["int4", "", "INT8-STATIC", "int8"])
def test_an_unknown_recipe_lists_the_known_ones(name: str) -> None:
    with pytest.raises(InputError) as caught:
        recipe_named(name)
    assert str(caught.value) == f"unknown recipe {name!r}; known: int8-static ({NAME})"
