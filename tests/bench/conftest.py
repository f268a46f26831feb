"""Fixtures of the small bundle."""

from tests.bundles import copy, made, runner, segmenter, small_disk

__all__ = ["copy", "made", "runner", "segmenter", "small_disk"]
