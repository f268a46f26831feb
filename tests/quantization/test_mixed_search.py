"""The search for the fewest parts in float, against a judge whose answers are known by construction."""

from collections.abc import Mapping
from typing import Any

import pytest

from rmpsam_mobile.export.judge import Score
from rmpsam_mobile.export.sensitivity import Part, Sensitivity, compare_ranges, search_mixed
from rmpsam_mobile.quantization import QuantRecipe, Ranges, recipe_named

# points of mIoU that each part loses in 8 bit, and its bytes in float
PARTS = {"encoder/a": (0.3, 1000), "encoder/b": (2.0, 200_000), "prompts/=c": (20.0, 0), "objects/d": (0.0, 500_000)}


def score(loss: float) -> Score:
    return Score(1 - loss / 100, 1 - loss / 100, 1.0, 0.7 - loss / 100, 0.5 - loss / 200, None)


class Judge:
    """Losses add up; ranges by percentile halve them."""

    reference = score(0)

    def score(self, recipe: QuantRecipe) -> Score:
        loss = sum(points for name, (points, _) in PARTS.items() if name not in recipe.in_float)
        return score(loss / 2 if recipe.ranges is Ranges.PERCENTILE else loss)


class Candidates:
    """Hands the recipe on to the judge."""

    recipe = recipe_named("int8-static")

    def graphs(self, recipe: QuantRecipe) -> QuantRecipe:
        return recipe

    def forget(self) -> None:
        pass


FOUND = [Sensitivity(Part(name, size), score(points)) for name, (points, size) in PARTS.items()]


def found(**limits: Any) -> tuple[QuantRecipe, Mapping[str, Any]]:
    recipe, steps = search_mixed(Candidates(), Judge(), FOUND, **limits)  # type: ignore[arg-type]
    assert steps[0].in_float == ()
    return recipe, {"tried": len(steps), "drop": next(step.drop for step in steps if step.in_float == recipe.in_float)}


def test_the_fewest_parts_within_the_drop() -> None:
    recipe, tried = found(max_drop=0.5, max_bytes=10**6)
    assert set(recipe.in_float) == {"prompts/=c", "encoder/b"}
    assert recipe.name == recipe.alias == "mixed"
    assert tried["drop"] == pytest.approx(0.3)


def test_nothing_where_nothing_is_needed() -> None:
    recipe, tried = found(max_drop=30.0, max_bytes=10**6)
    assert recipe.in_float == ()
    assert tried["tried"] == 1


def test_what_was_taken_first_and_is_not_needed_goes_back() -> None:
    recipe, _ = found(max_drop=2.1, max_bytes=10**6)  # a is cheap and comes before b, and b alone suffices
    assert set(recipe.in_float) == {"prompts/=c", "encoder/b"} or set(recipe.in_float) == {"prompts/=c", "encoder/a"}
    assert "objects/d" not in recipe.in_float


def test_bytes_are_a_limit() -> None:
    recipe, _ = found(max_drop=0.0, max_bytes=100_000)
    assert set(recipe.in_float) == {"prompts/=c", "encoder/a"}


def test_ranges_are_compared_and_the_best_is_kept() -> None:
    recipe, steps = compare_ranges(
        Candidates(),  # type: ignore[arg-type]
        Judge(),  # type: ignore[arg-type]
        recipe_named("int8-static"),
        tuple(Ranges),
        lambda _: None,
    )
    assert recipe.ranges is Ranges.PERCENTILE
    assert [step.ranges for step in steps] == ["histogram", "minmax", "percentile", "mse"]
