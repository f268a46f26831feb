"""Quantization of captured graphs: recipes, calibration, what was quantized, and the gate that trusts nothing."""

from rmpsam_mobile.quantization.apply import convert, observers, prepare, restore_observers
from rmpsam_mobile.quantization.calibrate import Calibration, in_turn, read_calibration
from rmpsam_mobile.quantization.coverage import LayerCoverage, QuantCoverage, coverage_of
from rmpsam_mobile.quantization.integrity import require_bytes, require_observed, require_quantized
from rmpsam_mobile.quantization.recipe_file import find_recipe, read_recipe, recipe_document, recipe_of
from rmpsam_mobile.quantization.recipes import RECIPES, REFUSED, Activations, QuantRecipe, Ranges, recipe_named

__all__ = [
    "RECIPES",
    "REFUSED",
    "Activations",
    "Calibration",
    "LayerCoverage",
    "QuantCoverage",
    "QuantRecipe",
    "Ranges",
    "convert",
    "coverage_of",
    "find_recipe",
    "in_turn",
    "observers",
    "prepare",
    "read_calibration",
    "read_recipe",
    "recipe_document",
    "recipe_named",
    "recipe_of",
    "require_bytes",
    "require_observed",
    "require_quantized",
    "restore_observers",
]
