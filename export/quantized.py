"""A quantized model on disk: the float checkpoint, the recipe, and what calibration observed.

No graph is stored: torch's own format for one is partly a pickle. The graph is captured again, which is
deterministic, and gets the observed ranges back by name.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from rmpsam_mobile.atomic import new_folder
from rmpsam_mobile.bundle import Recipe
from rmpsam_mobile.checkpoint import Checkpoint, build_model, read_checkpoint, save_checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, Size
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.calibration_run import observe
from rmpsam_mobile.export.quantized_graphs import capture_model, converted
from rmpsam_mobile.quantization import (
    Activations,
    Calibration,
    QuantCoverage,
    QuantRecipe,
    coverage_of,
    observers,
    recipe_of,
    require_observed,
    require_quantized,
)
from rmpsam_mobile.runtime.eager import sizes_of

SCHEMA: Final = 3  # 3: the whole recipe; joins and what passes scales on stay in float with their layer
RECORD: Final = "quantization.json"
LAYERS: Final = "layers.json"
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
    with new_folder(output, force=force) as folder:
        progress("capture")
        captured = capture_model(model, sizes)
        prepared = captured.prepared(recipe)
        is_static = recipe.activations is Activations.STATIC
        records = calibration.records if is_static else calibration.records[:1]  # weights want one run
        observe(captured.runner(prepared, "observers"), records, progress)
        for graph, module in prepared.items():
            require_observed(module, graph)
        ranges = {f"{graph}/{key}": value for graph, p in prepared.items() for key, value in observers(p).items()}
        progress("convert")
        coverage = {graph: coverage_of(module) for graph, module in converted(prepared).items()}
        require_quantized(coverage, recipe)
        save_checkpoint(checkpoint, folder / WEIGHTS)
        _save_tensors(ranges, folder / OBSERVERS)
        _write(folder / LAYERS, {graph: [asdict(layer) for layer in c.layers] for graph, c in coverage.items()})
        _write(folder / RECORD, _record(recipe, calibration, sizes_of(model, sizes), folder))
    return coverage


def _record(recipe: QuantRecipe, calibration: Calibration, sizes: GraphSizes, folder: Path) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "recipe": asdict(recipe),
        "calibration_sha256": calibration.sha256,
        "calibration_pictures": len(calibration.records),
        "size": list(sizes.size),
        "num_slots": sizes.num_slots,
        "clip_frames": sizes.clip_frames,
        "sha256": {name: _sha256(folder / name) for name in (WEIGHTS, OBSERVERS)},
    }


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
            name=record["recipe"]["name"],
            calibration_sha256=record["calibration_sha256"],
            calibration_pictures=record["calibration_pictures"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}: {RECORD} cannot be read ({str(error)[:60]}); quantize again") from None
    recipe = recipe_of(record["recipe"], f"{folder / RECORD}: recipe")
    ranges, _ = read_safetensors(folder / OBSERVERS)
    return QuantizedModel(read_checkpoint(folder / WEIGHTS), recipe, about, sizes, ranges)


def _write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    import safetensors.torch

    path.write_bytes(safetensors.torch.save({key: value.contiguous() for key, value in tensors.items()}))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
