"""The golden pair: one input and what the files answered, so that any device can check itself at first start.

The picture is made by formula. Outputs are those of the shipped files themselves, thinned out to a few thousand
numbers a tensor. Features go from graph to graph, as in an app.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.contracts import Graph, ModelContract, PointLabel
from rmpsam_mobile.errors import InputError

FILE: Final = "golden.npz"
MAX_VALUES: Final = 4096  # a tensor
# Of the largest stored value. float16 alone makes 0.012 of it at 256 px; wrong deviations of the colours make 0.018 and
# more, and a shift by one pixel 0.25.
ENCODER_ERROR: Final = 0.02

Array = NDArray[np.float32]
Run = Callable[[Graph, Sequence[Array]], Sequence[Array]]


@dataclass(frozen=True, kw_only=True)
class GoldenTensor:
    """How one output compares: largest error relative to the largest stored value, share of equal signs."""

    graph: Graph
    name: str
    relative_error: float
    sign_agreement: float
    is_mask: bool

    @property
    def passes(self) -> bool:
        """Masks by their signs, since one flipped cell moves all later logits; the encoder by its numbers."""
        if not np.isfinite(self.relative_error):
            return False
        if self.graph is Graph.ENCODER:
            return self.relative_error <= ENCODER_ERROR
        return self.sign_agreement >= 0.98 or not self.is_mask


@dataclass(frozen=True)
class Golden:
    """Stored outputs: ``graph/name`` -> values at every ``stride``-th place of the flattened tensor."""

    values: Mapping[str, Array]


def golden_inputs(contract: ModelContract) -> tuple[Array, dict[str, Array]]:
    """Pixel values [1, 3, H, W] of the formula's picture, and the prompt graph's inputs besides the features."""
    height, width = contract.sizes.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = y / height, x / width
    disc = ((x - 0.4) ** 2 + (y - 0.55) ** 2 < 0.06).astype(np.float64)
    channels = [0.5 + 0.4 * np.sin(9 * x + 5 * y), 0.2 + 0.6 * disc, 0.5 + 0.4 * np.cos(14 * x * y)]
    picture = np.round(255 * np.stack(channels, -1)).astype(np.uint8).astype(np.float32)
    pixels = (picture - np.array(contract.mean, np.float32)) / np.array(contract.std, np.float32)
    slots, points = contract.sizes.num_slots, contract.sizes.num_points
    prompts = {
        "points": np.zeros((1, slots, points, 2), np.float32),
        "labels": np.full((1, slots, points + 1), PointLabel.EMPTY, np.float32),
        "boxes": np.zeros((1, slots, 4), np.float32),
        "image_size": np.array([[height, width]], np.float32),
    }
    prompts["points"][0, 0, 0] = (0.4 * width, 0.55 * height)
    prompts["labels"][0, 0, 0] = PointLabel.FOREGROUND
    if slots > 1:
        prompts["boxes"][0, 1] = (0.15 * width, 0.3 * height, 0.65 * width, 0.8 * height)
        prompts["labels"][0, 1, -1] = PointLabel.FOREGROUND
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), prompts


def record_golden(contract: ModelContract, graphs: Mapping[Graph, Sequence[str]], run: Run) -> Golden:
    """Run the formula's input through ``graphs`` (output names of each) and keep thinned outputs."""
    pixels, prompts = golden_inputs(contract)
    (features,) = run(Graph.ENCODER, [pixels])
    values = {f"{Graph.ENCODER}/{graphs[Graph.ENCODER][0]}": _thin(features)}
    for graph, names in graphs.items():
        if graph is Graph.ENCODER:
            continue
        outputs = run(graph, _inputs(graph, features, prompts, contract))
        values |= {f"{graph}/{name}": _thin(output) for name, output in zip(names, outputs, strict=True)}
    return Golden(values)


def judge_golden(stored: Golden, now: Golden) -> list[GoldenTensor]:
    """Compare a device's outputs with the stored ones, tensor by tensor.

    Raises:
        InputError: the two hold other tensors, so they are not of one bundle.
    """
    if stored.values.keys() != now.values.keys():
        wrong = sorted(stored.values.keys() ^ now.values.keys())
        raise InputError(f"the golden pair and the graphs differ in {', '.join(wrong)}; export the bundle again")
    results = []
    for key, wanted in stored.values.items():
        graph, _, name = key.partition("/")
        got = now.values[key]
        scale = float(np.abs(wanted).max()) or 1.0
        error = float(np.abs(got.astype(np.float64) - wanted).max()) / scale if got.shape == wanted.shape else np.inf
        agreement = float(np.mean((got > 0) == (wanted > 0))) if got.shape == wanted.shape else 0.0
        results.append(
            GoldenTensor(
                graph=Graph(graph),
                name=name,
                relative_error=error,
                sign_agreement=agreement,
                is_mask=name == "mask_logits",
            )
        )
    return results


def write_golden(golden: Golden, folder: Path) -> None:
    """Write the pair beside the manifest; equal values give equal bytes."""
    with zipfile.ZipFile(folder / FILE, "w") as archive:
        for key, value in golden.values.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, value, allow_pickle=False)
            # a fixed date: numpy's own writer stamps the time of day
            archive.writestr(zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue())


def read_golden(folder: Path) -> Golden:
    """Read the pair of a verified bundle.

    Raises:
        InputError: missing or not readable.
    """
    try:
        # from memory: numpy leaves its own handle open when the file is broken
        with np.load(io.BytesIO((folder / FILE).read_bytes()), allow_pickle=False) as stored:
            return Golden({key: stored[key] for key in stored.files})
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{folder / FILE} cannot be read ({str(error)[:60]}); export the bundle again") from None


def _inputs(graph: Graph, features: Array, prompts: Mapping[str, Array], contract: ModelContract) -> list[Array]:
    if graph is Graph.PROMPTS:
        return [features, *prompts.values()]
    if graph is Graph.CLIP:
        return [np.concatenate([features] * contract.sizes.clip_frames, axis=2)]
    return [features]


def _thin(value: Array) -> Array:
    """Every n-th number, n odd so that it does not keep step with a power of two."""
    flat = np.asarray(value, np.float32).reshape(-1)
    stride = -(-flat.size // MAX_VALUES)
    return flat[:: stride + (stride % 2 == 0)].copy()
