"""The bundle: a folder that holds all an app needs, every byte hashed."""

from rmpsam_mobile.bundle.golden import (
    Golden,
    GoldenTensor,
    golden_inputs,
    judge_golden,
    read_golden,
    record_golden,
    write_golden,
)
from rmpsam_mobile.bundle.manifest import SCHEMA, Artifact, Delegation, FileEntry, Leftover, Manifest, Recipe, to_json
from rmpsam_mobile.bundle.store import Bundle, is_bundle, open_bundle, write_bundle

__all__ = [
    "SCHEMA",
    "Artifact",
    "Bundle",
    "Delegation",
    "FileEntry",
    "Golden",
    "GoldenTensor",
    "Leftover",
    "Manifest",
    "Recipe",
    "golden_inputs",
    "is_bundle",
    "judge_golden",
    "open_bundle",
    "read_golden",
    "record_golden",
    "to_json",
    "write_bundle",
    "write_golden",
]
