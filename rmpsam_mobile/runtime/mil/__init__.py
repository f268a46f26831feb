"""The reference interpreter: Core ML packages in torch on any machine. It is not the Neural Engine."""

from rmpsam_mobile.runtime.mil.dtypes import Arithmetic
from rmpsam_mobile.runtime.mil.operators import GROUPS, OPERATORS
from rmpsam_mobile.runtime.mil.package import read_package
from rmpsam_mobile.runtime.mil.program import Program, Ref, Step, Value, build_program
from rmpsam_mobile.runtime.mil.runner import ENGINE, MilRunner

__all__ = [
    "ENGINE",
    "GROUPS",
    "OPERATORS",
    "Arithmetic",
    "MilRunner",
    "Program",
    "Ref",
    "Step",
    "Value",
    "build_program",
    "read_package",
]
