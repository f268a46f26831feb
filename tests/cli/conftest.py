"""Fixtures of the small bundle and of the command line."""

from tests.bundles import copy, made, runner, segmenter, small_disk
from tests.cli.calls import cli, folder, official, quiet_engines

__all__ = ["cli", "copy", "folder", "made", "official", "quiet_engines", "runner", "segmenter", "small_disk"]
