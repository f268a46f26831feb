"""Write the golden vectors: small cases with answers, which the tests of Python, Kotlin and Swift all read.

Run from the repository's root: ``python -m tests.golden.renew_vectors``. The same code gives the same bytes. Arrays are
objects ``{"shape": [...], "values": [...]}``, row-major; pictures hold 8-bit numbers, RGB.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.bench import series
from rmpsam_mobile.bundle.golden import Golden, golden_inputs, judge_golden
from rmpsam_mobile.bundle.manifest import manifest_from_json, to_json
from rmpsam_mobile.contracts import GraphSizes, ModelContract, Size
from rmpsam_mobile.errors import RmpSamError
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.postprocess import masks_to_picture, panoptic, panoptic_segments
from rmpsam_mobile.preprocess import MEAN, STD, pixel_values, resize_bilinear
from rmpsam_mobile.runtime.prompts import Prompt, check_prompt, fill_slots
from tests.bundle.manifests import make_manifest

VECTORS: Final = Path(__file__).parent / "vectors"
SIZE: Final = Size(64, 96)
PICTURES: Final = ((64, 96), (48, 96), (97, 61), (1080, 1440), (4032, 3024), (1, 1), (31, 2000))


def contract(**changes: Any) -> ModelContract:
    """A contract with small shapes: 4 slots of 3 points, 5 classes of which 3 are things."""
    sizes = GraphSizes(size=SIZE, channels=8, num_queries=6, num_classes=5, num_slots=4, num_points=3)
    return ModelContract(
        preset="rmpsam-mobile-tiny",
        trained=True,
        sizes=replace(sizes, **changes),
        mean=MEAN,
        std=STD,
        click_half_width=3.0,
        class_names=("person", "cat", "bus", "sky", "road"),
        num_things=3,
    )


def array(values: Any) -> dict[str, Any]:
    """An array as shape and flat values; float32 numbers are written so that they come back exactly."""
    given = np.asarray(values)
    return {"shape": list(given.shape), "values": given.reshape(-1).tolist()}


def fits() -> Any:
    """Letterboxing, and points and boxes to the model input and back."""
    cases = []
    for height, width in PICTURES:
        fit = fit_picture(height, width, SIZE)
        points = [[0.0, 0.0], [width / 3, height / 7], [float(width), float(height)]]
        box = [width * 0.25, height * 0.125, width * 0.75, height * 0.875]
        cases.append(
            {
                "picture": [height, width],
                "size": list(SIZE),
                "fitted": list(fit.fitted),
                "points": points,
                "points_in_input": fit.points_to_input(points).tolist(),
                "box": box,
                "box_in_input": fit.boxes_to_input(box).tolist(),
            }
        )
    return cases


def resizes() -> Any:
    """8-bit bilinear resizing, exact; and the normalised canvas."""
    rng = np.random.default_rng(0)
    cases = []
    for source, target in (((7, 5), (13, 9)), ((24, 18), (5, 7)), ((6, 6), (6, 6)), ((1, 3), (4, 4))):
        picture = rng.integers(0, 256, (*source, 3), np.uint8)
        cases.append({"picture": array(picture), "target": list(target), "resized": array(_resized(picture, target))})
    return cases


def _resized(picture: NDArray[np.uint8], target: tuple[int, int]) -> NDArray[np.uint8]:
    return resize_bilinear(picture, *target)


def canvases() -> Any:
    """The encoder's input of small pictures: 1 x 3 x 32 x 32 each."""
    rng, cases = np.random.default_rng(1), []
    for shape in ((10, 14), (40, 20)):
        picture = rng.integers(0, 256, (*shape, 3), np.uint8)
        fit = fit_picture(*shape, Size(32, 32))
        values = np.round(pixel_values(picture, fit).astype(np.float64), 5)
        case = {"picture": array(picture), "size": [32, 32], "mean": MEAN, "std": STD, "tolerance": 2e-5}
        cases.append(case | {"pixel_values": array(values)})
    return cases


def prompts() -> Any:
    """Prompts into slots, and those that are refused."""
    good = [
        [Prompt(((10.0, 20.0),), (1,))],
        [Prompt((), (), (5.0, 6.0, 60.0, 70.0)), Prompt(((3.0, 4.0), (50.0, 60.0)), (1, 0))],
        [Prompt(((9.0, 9.0),), (0,), (-5.0, 2.0, 300.0, 90.0))],
    ]
    bad = [
        Prompt(((10.0, 200.0),), (1,)),
        Prompt(),
        Prompt(((10.0, 20.0),), (0,)),
        Prompt((), (), (50.0, 6.0, 50.0, 70.0)),
        Prompt(((1.0, 1.0),) * 4, (1,) * 4),
        Prompt(((1.0, 1.0),), (2,)),
    ]
    about, picture = contract(), (97, 121)
    fit = fit_picture(*picture, SIZE)
    cases = []
    for given in good:
        checked = [check_prompt(prompt, about, *picture) for prompt in given]
        names = ("points", "labels", "boxes", "image_size")
        filled = {name: array(values) for name, values in zip(names, fill_slots(checked, fit, about), strict=True)}
        cases.append({"prompts": [_prompt(prompt) for prompt in given], "filled": filled})
    refused = []
    for prompt in bad:
        kind = _error(partial(check_prompt, prompt, about, *picture))
        refused.append({"prompt": _prompt(prompt), "error": kind})
    sizes = {"picture": list(picture), "size": list(SIZE), "num_slots": 4, "num_points": 3}
    return {**sizes, "cases": cases, "refused": refused}


def _prompt(prompt: Prompt) -> dict[str, Any]:
    return {"points": prompt.points, "labels": prompt.labels, "box": prompt.box}


def masks() -> Any:
    """Mask logits to the picture. No decoded logit lies within 1e-3 of zero, so that masks are exact."""
    rng, cases = np.random.default_rng(2), []
    for picture in ((40, 60), (100, 30), (33, 47)):
        fit = fit_picture(*picture, SIZE)
        while True:
            logits = (rng.standard_normal((1, *SIZE.grid)) * 4).round(3).astype(np.float32)
            decoded = masks_to_picture(logits, fit)[0]
            if np.abs(decoded).min() > 1e-3:
                break
        cases.append(
            {
                "picture": list(picture),
                "size": list(SIZE),
                "mask_logits": array(np.round(logits[0].astype(np.float64), 3)),
                "mask": {"shape": list(picture), "runs": _runs(decoded > 0)},
                "area": int((decoded > 0).sum()),
            }
        )
    return cases


def _runs(mask: NDArray[np.bool_]) -> list[int]:
    """Row-major run lengths, the first one counts zeros."""
    flat = np.concatenate([[False], mask.reshape(-1)]).astype(np.int8)
    ends = np.flatnonzero(np.diff(flat)).tolist()
    runs: list[int] = np.diff([0, *ends, mask.size]).tolist()
    return runs


def panoptics() -> Any:
    """The panoptic merge at the picture's size, with the released thresholds and looser ones."""
    rng, cases = np.random.default_rng(3), []
    for object_mask, iou in ((0.8, 0.8), (0.5, 0.3)):
        classes = (rng.standard_normal((6, 6)) * 4).round(2)
        y, x = np.mgrid[0:12, 0:16]
        centres = rng.uniform(0, 12, (6, 2))
        logits = np.stack([5 - np.hypot(y - cy, x - cx) + 0.01 * q for q, (cy, cx) in enumerate(centres)]).round(3)
        label_map = panoptic(classes, logits, num_things=3, object_mask_thr=object_mask, iou_thr=iou)
        segments = panoptic_segments(label_map, num_things=3, num_classes=5)
        cases.append(
            {
                "class_logits": array(classes),
                "mask_logits": array(logits),
                "num_things": 3,
                "object_mask": object_mask,
                "iou": iou,
                "map": array(label_map),
                "segments": [
                    {"id": s.id, "label": s.label, "is_thing": s.is_thing, "area": s.area, "box": list(s.box)}
                    for s in segments
                ],
            }
        )
    return cases


def latencies() -> Any:
    """Quantiles, refusals and warnings of series of milliseconds."""
    rng = np.random.default_rng(4)
    steady = (20 + rng.standard_normal((3, 50)) * 0.4).round(4)
    ramp = np.linspace(1, 1.3, 50)
    rounds = {
        "steady": steady,
        "heating up": (steady * ramp).round(4),
        "cold start": (steady * ramp[::-1]).round(4),
        "rounds disagree": (steady * np.array([[1.0], [1.0], [1.2]])).round(4),
        "constant": np.full((3, 50), 20.0),
        "few": steady[:, :19],
        "below the clock": (steady / 1000).round(6),
        "a zero": np.where(np.arange(50) == 7, 0.0, steady),
        "spread": (20 * np.exp(rng.standard_normal((3, 200)) * 0.3)).round(4),
        "long tail": np.where(np.arange(50) % 25 == 24, 100.0, steady),
        "no round": np.zeros((0, 0)),
    }
    series_cases = []
    for name, taken in rounds.items():
        listed = taken.tolist()
        refused = series.refusals(listed, clock_step_ms=0.001)
        series_cases.append(
            {
                "name": name,
                "rounds": listed,
                "clock_step_ms": 0.001,
                "refusals": refused,
                "warnings": [] if "nonpositive-sample" in refused or not listed else series.warnings(listed),
            }
        )
    quantiles = [
        {"values": values, "share": share, "quantile": series.quantile(values, share)}
        for values in ([3.0], [4.0, 1.0], steady[0, :7].tolist(), steady[1].tolist())
        for share in (0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0)
    ]
    return {"quantiles": quantiles, "series": series_cases}


BAD_MANIFESTS: Final[Mapping[str, Callable[[dict[str, Any]], Any]]] = {
    "newer schema": lambda m: m | {"schema": 99},
    "no schema": lambda m: {key: value for key, value in m.items() if key != "schema"},
    "a list": lambda m: [m],
    "unknown key": lambda m: m | {"extra": 1},
    "missing contract": lambda m: {key: value for key, value in m.items() if key != "contract"},
    "text for a number": lambda m: m | {"contract": m["contract"] | {"click_half_width": "3"}},
    "two means": lambda m: m | {"contract": m["contract"] | {"mean": [1.0, 2.0]}},
    "leaves the folder": lambda m: m | {"files": {"../outside": {"sha256": "0" * 64, "size_bytes": 1}}},
    "absolute path": lambda m: m | {"files": {"/etc/passwd": {"sha256": "0" * 64, "size_bytes": 1}}},
}


def manifests() -> Any:
    """A manifest, and how it must not look: ``unsupported`` for newer ones, ``input`` for damaged ones."""
    good = to_json(make_manifest())
    manifest_from_json(good, "manifest.json")
    bad = [
        {"name": name, "manifest": spoil(good), "error": "unsupported" if name == "newer schema" else "input"}
        for name, spoil in BAD_MANIFESTS.items()
    ]
    return {"good": good, "bad": bad}


def goldens() -> Any:
    """The formula's picture and prompts, and judgements of answers."""
    about = contract()
    pixels, given = golden_inputs(about)
    rng = np.random.default_rng(5)
    features, logits = rng.standard_normal(64).astype(np.float32), rng.standard_normal(100).astype(np.float32)
    stored = Golden({"encoder/mask_features": features, "prompts/mask_logits": logits, "prompts/iou": logits[:4]})
    changes: dict[str, dict[str, Any]] = {
        "equal": {},
        "features off by 3 %": {"encoder/mask_features": features + 0.03 * np.abs(features).max()},
        "features off by 1.5 %": {"encoder/mask_features": features + 0.015 * np.abs(features).max()},
        "every tenth sign": {"prompts/mask_logits": np.where(np.arange(100) % 10 == 0, -logits, logits)},
        "one sign": {"prompts/mask_logits": np.where(np.arange(100) == 3, -logits, logits)},
        "another iou": {"prompts/iou": logits[:4] + 1},
    }
    judged = []
    for name, changed in changes.items():
        now = Golden({**stored.values, **{key: np.asarray(value, np.float32) for key, value in changed.items()}})
        passes = {f"{t.graph}/{t.name}": t.passes for t in judge_golden(stored, now)}
        judged.append({"name": name, "now": _lists(now), "passes": passes})
    shapes = {"size": list(SIZE), "num_slots": 4, "num_points": 3, "mean": MEAN, "std": STD}
    thinned = pixels.reshape(-1)[::101]
    return {
        "contract": shapes,
        "pixel_values": {"stride": 101, "tolerance": 0.02, "values": np.round(thinned.astype(float), 5).tolist()},
        "prompts": {name: array(values) for name, values in given.items()},
        "stored": _lists(stored),
        "judged": judged,
    }


def _lists(golden: Golden) -> dict[str, list[float]]:
    return {key: value.astype(np.float64).tolist() for key, value in golden.values.items()}


def _error(action: Callable[[], object]) -> str:
    try:
        action()
    except RmpSamError as error:
        return type(error).__name__.removesuffix("Error").lower()
    raise AssertionError("nothing was refused")


WRITERS: Final[Mapping[str, Callable[[], Any]]] = {
    "fits": fits,
    "resizes": resizes,
    "canvases": canvases,
    "prompts": prompts,
    "masks": masks,
    "panoptics": panoptics,
    "latencies": latencies,
    "manifests": manifests,
    "goldens": goldens,
}


def text_of(name: str) -> str:
    """The file ``name``.json as it must be."""
    return json.dumps(WRITERS[name](), ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    VECTORS.mkdir(exist_ok=True)
    for vector in WRITERS:
        (VECTORS / f"{vector}.json").write_text(text_of(vector), encoding="utf-8")
