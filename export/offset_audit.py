"""What the deformable layers of a model really ask for: offsets over real pictures, and what a bound would cost."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.model.deform import NUM_TAPS, DeformConv
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.neck import DeformUpsample
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.preprocess import pixel_values
from rmpsam_mobile.quantization import read_calibration

RADII: Final = (1, 2, 3, 4)
DEFAULT_PICTURES: Final = 32
NUM_BINS: Final = 40
HISTOGRAM_LIMIT: Final = 5.0  # pixels; what lies beyond is counted in the outermost bins


@dataclass(frozen=True)
class BoundEffect:
    """What clipping one layer's offsets to +-radius would do.

    ``clipped`` is the share of samples with an offset beyond the radius on either axis; ``output_error`` the root of
    the summed squared differences at the layer's output over that of the summed squared outputs.
    """

    radius: int
    clipped: float
    output_error: float


@dataclass(frozen=True)
class LayerOffsets:
    """Offsets of one layer over all pictures, in pixels of the map [in_width, height, width] that it reads.

    ``rows`` and ``columns`` count dy and dx in ``NUM_BINS`` bins from -5 to 5 px. ``mean_offsets`` are 18 means,
    (dy, dx) tap by tap, ``mean_modulation`` 9.
    """

    path: str
    in_width: int
    width: int
    map_size: tuple[int, int]
    offset_limit: float | None
    largest: float
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    mean_offsets: tuple[float, ...]
    mean_modulation: tuple[float, ...]
    bounds: tuple[BoundEffect, ...]


@dataclass(frozen=True)
class OffsetAudit:
    """The audit of one model: how many pictures, which (hash of their bytes), and each layer."""

    preset: str
    size: tuple[int, int]
    pictures: int
    pictures_sha256: str
    layers: tuple[LayerOffsets, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"histogram_limit_px": HISTOGRAM_LIMIT, **asdict(self)}


def audit_offsets(
    model: RmpSam,
    folder: str | Path,
    size: Size,
    *,
    limit: int = DEFAULT_PICTURES,
    progress: Callable[[int], None] = lambda _: None,
) -> OffsetAudit:
    """Run the first ``limit`` pictures of a folder through the encoder as it is and watch its deformable layers.

    Raises:
        InputError: no folder, no readable picture in it, or a limit below 1.
    """
    pictures = read_calibration(folder, limit)
    encoder = build_graph(model, Graph.ENCODER).eval()
    dtype = next(encoder.parameters()).dtype
    watches = {
        f"{Graph.ENCODER}.{name}.dcn": _Watch(step.dcn, step.offset_limit)
        for name, step in encoder.named_modules()
        if isinstance(step, DeformUpsample)
    }
    handles = [watch.conv.register_forward_hook(watch) for watch in watches.values()]
    try:
        with torch.no_grad():
            for record in pictures.records:
                picture = record.read()
                fit = fit_picture(picture.shape[0], picture.shape[1], size)
                encoder(torch.from_numpy(pixel_values(picture, fit)).to(dtype))
                progress(1)
    finally:
        for handle in handles:
            handle.remove()
    layers = tuple(watch.result(path) for path, watch in watches.items())
    return OffsetAudit(model.preset, (size.height, size.width), len(pictures.records), pictures.sha256, layers)


@dataclass
class _Watch:
    """Sums over the calls of one layer; a forward hook."""

    conv: DeformConv
    offset_limit: float | None
    map_size: tuple[int, int] = (0, 0)
    pixels: int = 0
    largest: float = 0.0
    rows: Tensor = field(default_factory=lambda: torch.zeros(NUM_BINS, dtype=torch.float64))
    columns: Tensor = field(default_factory=lambda: torch.zeros(NUM_BINS, dtype=torch.float64))
    offsets: Tensor = field(default_factory=lambda: torch.zeros(2 * NUM_TAPS, dtype=torch.float64))
    modulation: Tensor = field(default_factory=lambda: torch.zeros(NUM_TAPS, dtype=torch.float64))
    energy: float = 0.0
    clipped: dict[int, int] = field(default_factory=lambda: dict.fromkeys(RADII, 0))
    error: dict[int, float] = field(default_factory=lambda: dict.fromkeys(RADII, 0.0))

    def __call__(self, _: object, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        x, offsets, modulation = inputs
        self.map_size = (x.shape[2], x.shape[3])
        self.pixels += x.shape[0] * x.shape[2] * x.shape[3]
        largest = float(offsets.abs().max())
        self.largest = max(self.largest, largest)
        self.rows += _histogram(offsets[:, 0::2])
        self.columns += _histogram(offsets[:, 1::2])
        self.offsets += offsets.double().sum((0, 2, 3))
        self.modulation += modulation.double().sum((0, 2, 3))
        self.energy += float(output.double().square().sum())
        farthest = torch.maximum(offsets[:, 0::2].abs(), offsets[:, 1::2].abs())
        for radius in RADII:
            if largest <= radius:
                continue
            self.clipped[radius] += int((farthest > radius).sum())
            # forward, not a call: a call would come back here
            bounded = self.conv.forward(x, offsets.clamp(-radius, radius), modulation)
            self.error[radius] += float((bounded - output).double().square().sum())

    def result(self, path: str) -> LayerOffsets:
        """What was seen."""
        bounds = tuple(
            BoundEffect(
                radius,
                self.clipped[radius] / (NUM_TAPS * self.pixels),
                (self.error[radius] / self.energy) ** 0.5 if self.energy else 0.0,
            )
            for radius in RADII
        )
        return LayerOffsets(
            path=path,
            in_width=self.conv.weight.shape[1],
            width=self.conv.weight.shape[0],
            map_size=self.map_size,
            offset_limit=self.offset_limit,
            largest=self.largest,
            rows=_counts(self.rows),
            columns=_counts(self.columns),
            mean_offsets=tuple((self.offsets / self.pixels).tolist()),
            mean_modulation=tuple((self.modulation / self.pixels).tolist()),
            bounds=bounds,
        )


def _histogram(offsets: Tensor) -> Tensor:
    inside = offsets.float().clamp(-HISTOGRAM_LIMIT, HISTOGRAM_LIMIT)
    return torch.histc(inside, NUM_BINS, -HISTOGRAM_LIMIT, HISTOGRAM_LIMIT)


def _counts(bins: Tensor) -> tuple[int, ...]:
    return tuple(int(count) for count in bins)
