"""Recipes by name or alias; an unknown one lists the known."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.checkpoint import shipped_weights
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.quantization import (
    RECIPES,
    REFUSED,
    Activations,
    Ranges,
    find_recipe,
    read_recipe,
    recipe_document,
    recipe_named,
)

NAME = "xnnpack_pt2e_int8_static_per_channel"


def test_a_recipe_is_found_by_both_names() -> None:
    assert recipe_named("int8-static") is recipe_named(NAME) is RECIPES[NAME]
    assert RECIPES[NAME].precision == "int8"
    assert RECIPES[NAME].is_per_channel


def test_shipped_weights_name_their_own_recipe() -> None:
    found = find_recipe("rmpsam-mobile-tiny-int8")
    assert found == read_recipe(shipped_weights("rmpsam-mobile-tiny-int8").with_suffix(".json"))
    assert (found.alias, found.ranges, found.is_calibrated) == ("mixed", Ranges.PERCENTILE, True)
    for none in ("rmpsam-mobile-tiny", "../weights/rmpsam-mobile-tiny-int8"):
        with pytest.raises(InputError, match="unknown recipe"):
            find_recipe(none)


def test_names_and_aliases_are_unique() -> None:
    names = [name for recipe in RECIPES.values() for name in (recipe.name, recipe.alias)]
    assert len(set(names)) == len(names)
    assert all(key == recipe.name for key, recipe in RECIPES.items())


@pytest.mark.parametrize("name", ["int4", "", "INT8-STATIC", "int8"])
def test_an_unknown_recipe_lists_the_known_ones(name: str) -> None:
    with pytest.raises(InputError) as caught:
        recipe_named(name)
    assert str(caught.value).startswith(f"unknown recipe {name!r};")
    assert all(f"{recipe.alias} ({recipe.name})" in str(caught.value) for recipe in RECIPES.values())


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(InputError, match=r"^unknown recipe 'int8-statc'; did you mean 'int8-static'\?"):
        recipe_named("int8-statc")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_silently_wrong_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        recipe_named(name)
    assert str(caught.value) == f"recipe {name!r} is refused: {REFUSED[name]}"
    assert "; use " in REFUSED[name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight_bits": 4}, "4-bit weights with static activations; they go with 8"),
        ({"activations": Activations.FLOAT16}, "8-bit weights with float16 activations; they go with 16"),
        ({"activations": Activations.DYNAMIC, "ranges": Ranges.MSE}, "ranges mse with dynamic activations"),
        ({"activations": Activations.DYNAMIC, "is_trained": True}, "needs static activations"),
        ({"percentile": 50.0}, "percentile 50; the limit is 90 to 100"),
        ({"in_float": ("neck",)}, "'neck' names no layer; write GRAPH/MODULE.PATH"),
        ({"in_float": ("encodr/neck",)}, "with one of the graphs encoder, objects, prompts, clip"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        replace(RECIPES[NAME], **changes)


def test_a_recipe_file_comes_back_as_it_was(tmp_path: Path) -> None:
    recipe = replace(
        RECIPES[NAME], name="mine", alias="mine", ranges=Ranges.PERCENTILE, in_float=("encoder/neck", "prompts/=head")
    )
    path = tmp_path / "mine.json"
    path.write_text(recipe_document(recipe), encoding="utf-8")
    assert find_recipe(str(path)) == recipe
    assert recipe.float_paths("encoder") == ("neck",)
    assert recipe.float_paths("prompts") == ("=head",)
    assert recipe.float_paths("objects") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "is no recipe; it needs name, alias, precision and schema"),
        ('{"name": "x", "schema": 1}', "has schema 1; this version reads 2; make it again"),
        ('{"name": "x", "schema": 2}', "has no 'alias'; add it"),
        ('{"name": "x", "schema": 2, "bits": 4}', "unknown field 'bits'; known: name, alias"),
        ('{"name": 7, "alias": "x", "precision": "int8", "schema": 2}', "name is 7; give a str"),
        (
            '{"name": "x", "alias": "x", "precision": "int8", "schema": 2, "weight_bits": true}',
            "weight_bits is True; give a int",
        ),
        (
            '{"name": "x", "alias": "x", "precision": "int8", "schema": 2, "ranges": "best"}',
            "ranges is 'best'; known: histogram, minmax, percentile, mse",
        ),
        (
            '{"name": "x", "alias": "x", "precision": "int8", "schema": 2, "in_float": "neck"}',
            "in_float is 'neck'; give a list",
        ),
    ],
)
def test_recipe_files_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        find_recipe(str(path))
    assert str(caught.value).startswith(f"{path}: ")


def test_a_recipe_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        find_recipe(str(tmp_path / "gone.json"))
