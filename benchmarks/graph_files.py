"""Files of single graphs for the benchmarks: models by name, parts lowered without a bundle, inputs as in use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmpsam_mobile.checkpoint import build_model, import_checkpoint, seeded_checkpoint
from rmpsam_mobile.checkpoint.shipped import named_weights
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.rewrites import apply_program_rewrites
from rmpsam_mobile.export.split import Part, SplitModel
from rmpsam_mobile.model.rmpsam import RmpSam


@dataclass(frozen=True)
class File:
    """One .pte file: where it is, what it takes, and what is known of it before it runs."""

    path: Path
    inputs: Sequence[Any]
    macs: int
    planned_memory_bytes: int
    leftovers: Mapping[str, int]


def load_model(name: str) -> RmpSam:
    """The shipped weights of that name, else seeded ones: time does not depend on them."""
    source = named_weights(name)
    return build_model(import_checkpoint(source) if isinstance(source, Path) else seeded_checkpoint(name))


def lower_part(part: Part, names: Sequence[str], path: Path, inputs: Sequence[Any]) -> File:
    """Capture a part, apply the rewrites of captured programs, lower it for XNNPACK and write it."""
    program, _ = apply_program_rewrites(capture(part), names)
    lowered = lower_to_xnnpack(program, part.spec)
    lowered.write(path)
    return File(
        path,
        inputs,
        lowered.delegation.macs_total,
        lowered.planned_memory_bytes or 0,
        {leftover.operator: leftover.count for leftover in lowered.delegation.leftovers},
    )


def part_inputs(parts: SplitModel, part: Part) -> list[Any]:
    """Normal features, and prompts that are used: half of them clicks, half boxes."""
    generator = np.random.default_rng(0)
    height, width = parts.sizes.size
    arrays = []
    for spec in part.spec.inputs:
        value = generator.standard_normal(spec.shape).astype(np.float32)
        if spec.name == "points":
            value = generator.uniform(0, min(height, width), spec.shape).astype(np.float32)
        elif spec.name == "boxes":
            corners = generator.uniform(0, min(height, width), (*spec.shape[:2], 2, 2))
            value = np.sort(corners, axis=2).reshape(spec.shape).astype(np.float32)
        elif spec.name == "labels":
            value = -np.ones(spec.shape, np.float32)
            value[:, 0::2, 0] = 1
            value[:, 1::2, -1] = 1
        elif spec.name == "image_size":
            value = np.array([[height, width]], np.float32)
        arrays.append(value)
    return arrays
