"""Running a model: one Runner protocol over every engine, and the Segmenter on top of it."""

from rmpsam_mobile.runtime.base import Array, Runner
from rmpsam_mobile.runtime.eager import EagerRunner
from rmpsam_mobile.runtime.mil import MilRunner
from rmpsam_mobile.runtime.opening import open_runner
from rmpsam_mobile.runtime.prompts import Prompt
from rmpsam_mobile.runtime.pte import PteRunner
from rmpsam_mobile.runtime.segmenter import Panoptic, Segmenter

__all__ = [
    "Array",
    "EagerRunner",
    "MilRunner",
    "Panoptic",
    "Prompt",
    "PteRunner",
    "Runner",
    "Segmenter",
    "open_runner",
]
