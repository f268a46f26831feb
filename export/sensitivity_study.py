"""The whole study: one calibration, every part judged, ranges compared, a mixed recipe searched."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from rmpsam_mobile.checkpoint import Checkpoint, build_model, weights_sha256
from rmpsam_mobile.contracts import GraphSizes
from rmpsam_mobile.data import Record, hold_out, open_data
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.export.calibration_run import observe
from rmpsam_mobile.export.judge import Judge, Score
from rmpsam_mobile.export.quantized_graphs import CapturedModel, capture_model
from rmpsam_mobile.export.sensitivity import (
    Candidates,
    Sensitivity,
    Step,
    compare_ranges,
    measure_sensitivity,
    search_mixed,
    sensitivity_rows,
    step_rows,
)
from rmpsam_mobile.quantization import Activations, Calibration, QuantRecipe, Ranges, in_turn, require_observed
from rmpsam_mobile.quantization.calibrate import HELD_OUT
from rmpsam_mobile.quantization.transfer import states_by_node

SCHEMA: Final = "rmpsam.sensitivity/1"


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was found out.

    Attributes:
        parts: each alone in 8 bit, the largest loss first.
        reference: the float model on the same pictures.
        ranges: the recipe, or the mixed one, with each choice of ranges.
        steps: of the search.
        mixed: what the search ended with.
        heading: what was studied, ready for JSON.
    """

    parts: Sequence[Sensitivity]
    reference: Score
    ranges: Sequence[Step]
    steps: Sequence[Step]
    mixed: QuantRecipe | None
    heading: dict[str, Any]

    def report(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            **self.heading,
            "reference": asdict(self.reference),
            "parts": sensitivity_rows(self.parts),
            "search": step_rows(self.steps),
            "ranges": step_rows(self.ranges),
            "mixed": None if self.mixed is None else asdict(self.mixed),
        }


def held_out_records(data: Path, count: int) -> list[Record]:
    """Labelled pictures that training holds out, one of each source after the other.

    Raises:
        InputError: none.
    """
    _, held = hold_out(open_data([data]).records, *HELD_OUT)
    found = in_turn(record for record in held if record.is_labelled and record.objects)[:count]
    if not found:
        raise InputError(f"{data} holds out no labelled picture; give more training data, with masks")
    return found


def _candidates(
    captured: CapturedModel, recipe: QuantRecipe, calibration: Calibration, say: Callable[[str], None]
) -> Candidates:
    """Calibrate once with everything in 8 bit; all candidates take their ranges from it."""
    prepared = captured.prepared(recipe)
    observe(captured.runner(prepared, "observers"), calibration.records, say)
    for graph, module in prepared.items():
        require_observed(module, graph)
    return Candidates(captured, recipe, {graph: states_by_node(module) for graph, module in prepared.items()})


def _search(
    candidates: Candidates,
    judge: Judge,
    parts: Sequence[Sensitivity],
    limits: tuple[float, int],
    say: Callable[[str], None],
) -> tuple[QuantRecipe, list[Step], list[Step]]:
    """The mixed recipe, the steps to it, and its choices of ranges."""
    found, steps = search_mixed(candidates, judge, parts, max_drop=limits[0], max_bytes=limits[1], progress=say)
    mixed, ranges = compare_ranges(candidates, judge, found, tuple(Ranges), say)
    return mixed, steps, ranges


def study(
    checkpoint: Checkpoint,
    recipe: QuantRecipe,
    calibration: Calibration,
    judges: Sequence[Record],
    *,
    sizes: GraphSizes,
    depth: int,
    limits: tuple[float, int] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Study:
    """Judge every part, and with ``limits`` (points of mIoU, bytes) search a mixed recipe.

    Raises:
        UnsupportedError: a recipe without fixed ranges.
        GateError: calibration left a hole.
    """
    if recipe.activations is not Activations.STATIC:
        raise UnsupportedError(f"recipe {recipe.name} fixes no ranges; study a static one, for example int8-static")
    say("capture")
    captured = capture_model(build_model(checkpoint), sizes)
    candidates = _candidates(captured, replace(recipe, in_float=()), calibration, say)
    say("float answers")
    judge = Judge(captured, judges)
    parts = measure_sensitivity(candidates, judge, depth, say)
    mixed, steps, ranges = _search(candidates, judge, parts, limits, say) if limits else (None, [], [])
    return Study(
        parts=parts,
        reference=judge.reference,
        ranges=ranges,
        steps=steps,
        mixed=mixed,
        heading={
            "schema": SCHEMA,
            "preset": checkpoint.preset,
            "checkpoint_sha256": weights_sha256(checkpoint),
            "recipe": asdict(recipe),
            "size": str(sizes.size),
            "calibration": {"pictures": len(calibration.records), "sha256": calibration.sha256},
            "judged_on": {"pictures": len(judge.records), "objects": judge.objects, "part": "held out of training"},
            "depth": depth,
        },
    )
