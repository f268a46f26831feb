"""A quantized model on disk: the float checkpoint, the recipe, and what calibration observed.

No graph is stored: torch's own format for one is partly a pickle. The graph is captured again, which is
deterministic, and gets the observed ranges back by name.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.fx import GraphModule

from rmpsam_mobile.atomic import new_folder
from rmpsam_mobile.bundle import Recipe
from rmpsam_mobile.checkpoint import Checkpoint, build_model, read_checkpoint, save_checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, Size, Target
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites import apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import SplitModel, split
from rmpsam_mobile.quantization import (
    Calibration,
    QuantCoverage,
    QuantRecipe,
    convert,
    coverage_of,
    observers,
    prepare,
    recipe_named,
)
from rmpsam_mobile.runtime.eager import contract_of, sizes_of

SCHEMA: Final = 2  # 2: ranges belong to graphs with the rewrites of this version
RECORD: Final = "quantization.json"
WEIGHTS: Final = "checkpoint.safetensors"
OBSERVERS: Final = "observers.safetensors"


@dataclass(frozen=True)
class QuantizedModel:
    """What ``quantize`` wrote: enough to lower it for these sizes."""

    checkpoint: Checkpoint
    recipe: QuantRecipe
    record: Recipe
    sizes: GraphSizes
    ranges: Mapping[str, Tensor]  # graph/observer.name -> state

    def of(self, graph: Graph) -> dict[str, Tensor]:
        """Observer states of one graph."""
        prefix = f"{graph}/"
        return {key.removeprefix(prefix): value for key, value in self.ranges.items() if key.startswith(prefix)}


def quantize(
    checkpoint: Checkpoint,
    recipe: QuantRecipe,
    calibration: Calibration,
    output: Path,
    *,
    sizes: GraphSizes,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[Graph, QuantCoverage]:
    """Calibrate every graph and write the result as a folder; one encoder pass a picture feeds all graphs.

    Returns:
        What is in 8 bit and what stays in float, graph by graph.

    Raises:
        InputError: ``output`` exists and ``force`` is not set, or the disk is full.
    """
    model = build_model(checkpoint)
    sizes = sizes_of(model, sizes)
    with new_folder(output, force=force) as folder:
        progress("capture")
        parts = split(model, sizes)
        apply_rewrites(parts, rewrite_names(Target.XNNPACK))  # ranges belong to graphs as that engine gets them
        prepared = {graph: prepare(capture(part), recipe) for graph, part in parts.parts.items()}
        _calibrate(parts, prepared, calibration.inputs(contract_of(model, sizes)), progress)
        ranges = {f"{graph}/{key}": value for graph, p in prepared.items() for key, value in observers(p).items()}
        progress("convert")
        coverage = {graph: coverage_of(convert(module)) for graph, module in prepared.items()}
        save_checkpoint(checkpoint, folder / WEIGHTS)
        _save_tensors(ranges, folder / OBSERVERS)
        record = {
            "schema": SCHEMA,
            "recipe": recipe.name,
            "calibration_sha256": calibration.sha256,
            "calibration_pictures": len(calibration.files),
            "size": list(sizes.size),
            "num_slots": sizes.num_slots,
            "clip_frames": sizes.clip_frames,
            "sha256": {name: _sha256(folder / name) for name in (WEIGHTS, OBSERVERS)},
        }
        (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return coverage


def is_quantized(path: Path) -> bool:
    """Tell whether a path looks like what ``quantize`` wrote."""
    return path.is_dir() and (path / RECORD).exists()


def read_quantized(folder: Path) -> QuantizedModel:
    """Read what ``quantize`` wrote.

    Raises:
        InputError: damaged, or of a newer schema.
    """
    from rmpsam_mobile.checkpoint.store import read_safetensors

    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA:
            raise InputError(f"{folder} has schema {record['schema']}; this version reads {SCHEMA}; quantize again")
        for name in (WEIGHTS, OBSERVERS):
            if _sha256(folder / name) != record["sha256"][name]:
                raise InputError(f"{folder / name}: its sha256 is not the recorded one; quantize again")
        size, slots, frames = Size(*record["size"]), record["num_slots"], record["clip_frames"]
        sizes = GraphSizes(size=size, num_slots=slots, clip_frames=frames)
        about = Recipe(
            name=record["recipe"],
            calibration_sha256=record["calibration_sha256"],
            calibration_pictures=record["calibration_pictures"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}: {RECORD} cannot be read ({str(error)[:60]}); quantize again") from None
    ranges, _ = read_safetensors(folder / OBSERVERS)
    checkpoint = read_checkpoint(folder / WEIGHTS)
    return QuantizedModel(checkpoint, recipe_named(about.name), about, sizes, ranges)


def _calibrate(
    parts: SplitModel, prepared: Mapping[Graph, GraphModule], pictures: Any, progress: Callable[[str], None]
) -> None:
    """Run real inputs through the prepared graphs; decoders see the float encoder's features."""
    encoder = parts.parts[Graph.ENCODER].module
    with torch.no_grad():
        for count, (pixels, prompts) in enumerate(pictures, start=1):
            progress(f"calibrate {count}")
            image = torch.from_numpy(pixels)
            features = encoder(image)
            inputs = {
                Graph.ENCODER: (image,),
                Graph.OBJECTS: (features,),
                Graph.PROMPTS: (features, *(torch.from_numpy(np.ascontiguousarray(p)) for p in prompts)),
                Graph.CLIP: (torch.cat([features] * max(parts.sizes.clip_frames, 1), 2),),
            }
            for graph, module in prepared.items():
                module(*inputs[graph])


def _save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    import safetensors.torch

    path.write_bytes(safetensors.torch.save({key: value.contiguous() for key, value in tensors.items()}))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
