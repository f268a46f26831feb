"""Quantization of captured graphs: recipes, calibration, and what was quantized."""

from rmpsam_mobile.quantization.apply import convert, observers, prepare, restore_observers
from rmpsam_mobile.quantization.calibrate import Calibration, read_calibration
from rmpsam_mobile.quantization.coverage import QuantCoverage, coverage_of
from rmpsam_mobile.quantization.recipes import RECIPES, QuantRecipe, recipe_named

__all__ = [
    "RECIPES",
    "Calibration",
    "QuantCoverage",
    "QuantRecipe",
    "convert",
    "coverage_of",
    "observers",
    "prepare",
    "read_calibration",
    "recipe_named",
    "restore_observers",
]
