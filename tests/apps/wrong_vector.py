"""Wrong golden vectors, planted in a copy: the answer is changed, the question and the form stay."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from tests.golden.renew_vectors import VECTORS

# Where an answer stands in each file.
ANSWERS: Final[Mapping[str, tuple[int | str, ...]]] = {
    "fits": (0, "fitted"),
    "resizes": (0, "resized", "values"),
    "canvases": (0, "pixel_values", "values"),
    "prompts": ("cases", 0, "filled", "points", "values"),
    "masks": (0, "mask", "runs"),
    "panoptics": (0, "map", "values"),
    "latencies": ("quantiles", 0, "quantile"),
    "manifests": ("bad", 0, "error"),
    "goldens": ("judged", 0, "passes", "encoder/mask_features"),
}


def copy_with_wrong(names: Iterable[str], folder: Path) -> Path:
    """A copy of the vectors in ``folder``, which must not exist, with one wrong answer in each of these files."""
    shutil.copytree(VECTORS, folder)
    for name in names:
        path = folder / f"{name}.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        place = document
        *way, last = ANSWERS[name]
        for key in way:
            place = place[key]
        place[last] = "input" if name == "manifests" else _changed(place[last])
        path.write_text(json.dumps(document), encoding="utf-8")
    return folder


def _changed(value: Any) -> Any:
    """The first number of an answer, changed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    return [_changed(value[0]), *value[1:]]
