"""Recipes: stored and known again, refused where no run can be made of them, and the named ones."""

import json
from dataclasses import replace
from typing import Any

import pytest

from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.distill.prompt_task import PromptTask
from rmpsam_mobile.distill.recipe import RECIPES, Recipe, Schedule, Terms, recipe_named, same_recipe
from rmpsam_mobile.errors import InputError
from tests.distill.small_runs import everything, small_recipe

CHANGES: list[dict[str, Any]] = [
    {"steps": 13},
    {"seed": 1},
    {"schedule": Schedule.STEP},
    {"tasks": {Task.PROMPTS: 0.5, Task.IMAGE: 0.5}},
    {"tasks": {Task.IMAGE: 1.0}},
    {"source_weights": {"a": 1.0}},
    {"prompts": PromptTask(prompts=4)},
    {"terms": Terms(iou=1e-9)},
    {"frozen": ("smb1",)},
]


@pytest.mark.parametrize("recipe", [*RECIPES.values(), everything()], ids=lambda recipe: recipe.name)
def test_a_recipe_is_known_again(recipe: Recipe) -> None:
    stored = recipe.document()
    assert same_recipe(stored, recipe)
    assert same_recipe(json.dumps(json.loads(stored)), recipe)  # however it is laid out


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_another_recipe_is_told_apart(change: dict[str, Any]) -> None:
    recipe = small_recipe()
    assert not same_recipe(replace(recipe, **change).document(), recipe)


def test_a_run_from_before_there_was_rounding_is_known_again() -> None:
    stored = json.loads(small_recipe().document())
    del stored["rounding"]
    assert same_recipe(json.dumps(stored), small_recipe())
    assert not same_recipe(json.dumps(stored), replace(small_recipe(), rounding=True))


def test_a_document_says_everything() -> None:
    document = json.loads(everything().document())
    assert document.keys() == set(Recipe.__dataclass_fields__)
    assert document["tasks"] == {"prompts": 1.0, "image": 1.0, "imitate": 1.0}
    assert document["prompts"]["first"]["box_noise"] == 0.08
    assert document["schedule"] == "cosine"
    assert document["schema"] == 1


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"steps": 0}, "0 steps of 2 pictures; give at least 1 of each"),
    ({"batch": -1}, "12 steps of -1 pictures; give at least 1 of each"),
    ({"sizes": (64, 100)}, "training sizes (64, 100); wanted multiples of 32 from 64 to 1024"),
    ({"sizes": (32,)}, "training sizes (32,); wanted multiples of 32 from 64 to 1024"),
    ({"sizes": (1056,)}, "training sizes (1056,); wanted multiples of 32 from 64 to 1024"),
    ({"sizes": ()}, "training sizes (); wanted multiples of 32 from 64 to 1024"),
    (
        {"prompts": PromptTask(corrections=(0.5, 0.4))},
        "chances of corrections are (0.5, 0.4); give numbers of 0 or more that sum to 1",
    ),
    (
        {"prompts": PromptTask(corrections=(1.5, -0.5))},
        "chances of corrections are (1.5, -0.5); give numbers of 0 or more that sum to 1",
    ),
    ({"save_every": 0}, "validate_every is 4, save_every 0; give at least 1 update each"),
    ({"validate_every": 0}, "validate_every is 0, save_every 3; give at least 1 update each"),
    ({"tasks": {}}, "tasks are: none; give numbers of 0 or more, one of them above 0"),
    (
        {"prompt_weight": 0.0},
        "task prompts has no loss in recipe small; give it no weight, or weigh a loss of it",
    ),
    (
        {"object_weight": 0.0, "tasks": {Task.PROMPTS: 1.0, Task.CLIP: 1.0}},
        "task clip has no loss in recipe small; give it no weight, or weigh a loss of it",
    ),
    (
        {"tasks": {Task.IMITATE: 1.0}, "terms": Terms(iou=1.0)},
        "task imitate has no loss in recipe small; give it no weight, or weigh a loss of it",
    ),
    (
        {"tasks": {Task.IMAGE: 2.0, Task.PROMPTS: -1.0}},
        "tasks are: image 2, prompts -1; give numbers of 0 or more, one of them above 0",
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        small_recipe(**change)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "change",
    [
        {"prompt_weight": 0.0, "tasks": {Task.IMAGE: 1.0}},
        {"object_weight": 0.0, "tasks": {Task.IMAGE: 1.0}},
        {"prompt_weight": 0.0, "tasks": {Task.IMAGE: 1.0, Task.PROMPTS: 0.0}},
        {"tasks": {Task.IMITATE: 1.0}, "terms": Terms(mask_features=1.0)},
        {"prompt_weight": 0.0, "terms": Terms(features=1.0)},
        {"tasks": {Task.PSEUDO_VIDEO: 1.0}},
    ],
    ids=str,
)
def test_one_loss_is_enough(change: dict[str, Any]) -> None:
    assert small_recipe(**change).name == "small"


def test_named_recipes() -> None:
    assert all(name == recipe.name for name, recipe in RECIPES.items())
    assert recipe_named("segment") is RECIPES["segment"]
    with pytest.raises(InputError) as caught:
        recipe_named("segmant")
    assert str(caught.value) == f"unknown recipe 'segmant'; known: {', '.join(RECIPES)}"


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_named_recipes_can_be_run(recipe: Recipe) -> None:
    """Tasks that a stream knows, chances that are chances, and milestones within the run."""
    assert set(recipe.tasks) <= set(Task)
    assert sum(recipe.tasks.values()) == pytest.approx(1)
    assert recipe.warmup < recipe.steps
    assert recipe.save_every <= recipe.validate_every <= recipe.steps
    assert 0 < recipe.held_out < 0.5
    assert 0 < recipe.ema_decay < 1
    assert recipe.object_weight or Task.IMAGE not in recipe.tasks


def test_terms_say_what_they_need() -> None:
    assert not Terms().imitates
    assert Terms(features=1.0).imitates
    assert not Terms(features=1.0).needs_neck
    for name in ("mask_features", "object_logits", "object_masks", "prompt_masks", "iou"):
        terms = Terms(**{name: 0.1})
        assert terms.needs_neck
        assert terms.imitates
        assert terms.needs_objects == name.startswith("object")
