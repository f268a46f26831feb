"""What crosses borders: graph names, tensor names, shapes, dtypes and ranges. Standard library only.

Letters: C mask-feature channels, Q object queries, K classes, N prompt slots, P points a slot, T frames,
h = height / 4 and w = width / 4 the mask grid of a model input of height x width pixels.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from rmpsam_mobile.errors import InputError

STRIDE = 4  # the mask grid is a quarter of the model input
MULTIPLE = 32  # the encoder halves five times


class Size(NamedTuple):
    """Height and width of the model input in pixels, each a multiple of 32."""

    height: int
    width: int

    def __str__(self) -> str:
        """Write ``512`` for a square and ``HEIGHTxWIDTH`` else, the form that file names and options use."""
        return str(self.height) if self.height == self.width else f"{self.height}x{self.width}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``512`` or ``HEIGHTxWIDTH``.

        Raises:
            InputError: not of that form, or not multiples of 32 from 32 to 2048.
        """
        match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip())
        if not match:
            raise InputError(f"size {text!r} is neither SIDE nor HEIGHTxWIDTH; write for example 512 or 384x640")
        return cls(int(match[1]), int(match[2] or match[1])).checked()

    def checked(self) -> Self:
        """Return self, or say which side is no multiple of 32 from 32 to 2048."""
        for side in self:
            if side % MULTIPLE or not MULTIPLE <= side <= 2048:
                near = min(max(round(side / MULTIPLE), 1), 64) * MULTIPLE
                raise InputError(
                    f"size {self}: {side} is no multiple of {MULTIPLE} from {MULTIPLE} to 2048; try {near}"
                )
        return self

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the mask grid."""
        return self.height // STRIDE, self.width // STRIDE


class Graph(StrEnum):
    """The separately run parts of the model."""

    ENCODER = "encoder"
    OBJECTS = "objects"
    PROMPTS = "prompts"
    CLIP = "clip"


class Target(StrEnum):
    """What an export can be made for: an ExecuTorch delegate, ExecuTorch's own kernels, or another format."""

    XNNPACK = "xnnpack"
    PORTABLE = "portable"
    COREML = "coreml"  # the delegate, in a .pte file
    COREML_PACKAGE = "coreml-package"  # an .mlpackage, which Core ML itself opens
    VULKAN = "vulkan"
    QNN = "qnn"
    ONNX = "onnx"


class Precision(StrEnum):
    """How the numbers of a file are stored; quantization recipes have precisions of their own."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8_WEIGHTS = "int8-weights"  # of one scale a channel; activations stay float16, as with all that follow but W8A8
    PALETTE8 = "palette-8"  # each weight is one of 256, 64 or 16 numbers
    PALETTE6 = "palette-6"
    PALETTE4 = "palette-4"
    INT4_WEIGHTS = "int4-weights"  # one scale a block of 32
    W8A8 = "w8a8"  # weights and activations in 8 bit, ranges from calibration pictures


class Layout(StrEnum):
    """How an export lays out its files."""

    BUNDLE = "bundle"
    REACT_NATIVE = "react-native-executorch"
    HUGGING_FACE = "hugging-face"


class PointLabel:
    """Values of the prompt graph's ``labels``; the codes that SAM's users know."""

    FOREGROUND = 1
    BACKGROUND = 0
    EMPTY = -1


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """Name, static shape, dtype and meaning of one tensor at a graph's border."""

    name: str
    shape: tuple[int, ...]
    meaning: str
    dtype: str = "float32"


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """The border of one graph: its inputs and outputs in call order."""

    graph: Graph
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, kw_only=True)
class GraphSizes:
    """The numbers that fix every shape of an export.

    ``query_width`` is None where queries are as wide as the mask features, which only a rewrite changes.
    """

    size: Size
    channels: int = 256
    query_width: int | None = None
    num_queries: int = 100
    num_classes: int = 133
    num_slots: int = 16
    num_points: int = 1
    clip_frames: int = 0  # 0: no clip graph

    def __post_init__(self) -> None:
        """Refuse what no graph can have."""
        self.size.checked()
        if not 1 <= self.num_slots <= 64:
            raise InputError(f"{self.num_slots} prompt slots; the limit is 1 to 64; try --slots 16")
        if not 0 <= self.clip_frames <= 5:
            raise InputError(f"clips of {self.clip_frames} frames; the limit is 0 (none) to 5; try --clip-frames 3")


def graph_spec(graph: Graph, sizes: GraphSizes) -> GraphSpec:
    """Return the border of ``graph``: the one place where tensor names and shapes are written."""
    build = {
        Graph.ENCODER: _encoder_spec,
        Graph.OBJECTS: _objects_spec,
        Graph.PROMPTS: _prompts_spec,
        Graph.CLIP: _clip_spec,
    }[graph]
    inputs, outputs = build(sizes)
    return GraphSpec(graph=graph, inputs=inputs, outputs=outputs)


_Border = tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]


def _features(s: GraphSizes, frames: int = 1) -> TensorSpec:
    height, width = s.size.grid
    return TensorSpec(
        name="mask_features",
        shape=(1, s.channels, frames * height, width),
        meaning="the encoder's output, handed on as it is"
        + ("; frames under one another, rows of missing frames zero" if frames > 1 else ""),
    )


def _encoder_spec(s: GraphSizes) -> _Border:
    pixels = TensorSpec(
        name="pixel_values",
        shape=(1, 3, *s.size),
        meaning="RGB picture fitted into the top left corner, normalised, zero right of it and below",
    )
    return (pixels,), (_features(s),)


def _object_outputs(s: GraphSizes, mask_shape: tuple[int, ...]) -> tuple[TensorSpec, ...]:
    return (
        TensorSpec(
            name="class_logits",
            shape=(1, s.num_queries, s.num_classes + 1),
            meaning="before softmax, the last one is no object",
        ),
        TensorSpec(
            name="mask_logits",
            shape=(1, s.num_queries, *mask_shape),
            meaning="before sigmoid, a mask is where it is > 0; upsample bilinearly first",
        ),
        TensorSpec(
            name="queries",
            shape=(1, s.num_queries, s.query_width or s.channels),
            meaning="what links an object from clip to clip by cosine similarity",
        ),
    )


def _objects_spec(s: GraphSizes) -> _Border:
    return (_features(s),), _object_outputs(s, s.size.grid)


def _clip_spec(s: GraphSizes) -> _Border:
    height, width = s.size.grid
    return (_features(s, s.clip_frames),), _object_outputs(s, (s.clip_frames, height, width))


def _prompts_spec(s: GraphSizes) -> _Border:
    slots, points = s.num_slots, s.num_points
    inputs = (
        _features(s),
        TensorSpec(name="points", shape=(1, slots, points, 2), meaning="xy in pixels of the model input"),
        TensorSpec(
            name="labels",
            shape=(1, slots, points + 1),
            meaning="one for each point, then one for the box: 1 foreground or present, 0 background, -1 empty",
        ),
        TensorSpec(name="boxes", shape=(1, slots, 4), meaning="x1, y1, x2, y2 in pixels of the model input"),
        TensorSpec(
            name="image_size", shape=(1, 2), meaning="height and width of the fitted picture inside the model input"
        ),
    )
    outputs = (
        TensorSpec(
            name="mask_logits",
            shape=(1, slots, *s.size.grid),
            meaning="before sigmoid, a mask is where it is > 0; all zero for an empty slot",
        ),
        TensorSpec(name="iou", shape=(1, slots), meaning="predicted overlap with the truth, not bounded to 0..1"),
    )
    return inputs, outputs


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Where logits become answers; by default arXiv 2401.10228's released settings.

    Raises:
        InputError: a share outside of 0 to 1.
    """

    mask: float = 0.0  # a pixel belongs to a mask where its logit is above
    object_mask: float = 0.8  # a query needs this class score to enter a panoptic map
    iou: float = 0.8  # and must keep this share of its own mask there
    max_instances: int = 100

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for name, share in (("object_mask", self.object_mask), ("iou", self.iou)):
            if not 0 <= share <= 1:
                raise InputError(f"threshold {name} is {share:g}; give a share from 0 to 1, as 0.8")


@dataclass(frozen=True, kw_only=True)
class ModelContract:
    """What whoever runs a model must know besides its graphs; apps hold none of these numbers themselves.

    Coordinates outside are xy pixels of the source image, origin top left, boxes xyxy. They scale by fitted / source
    side, without a half-pixel shift. ``mean`` and ``std`` are for 8-bit RGB.
    """

    preset: str
    trained: bool
    sizes: GraphSizes
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    click_half_width: float
    class_names: tuple[str, ...]
    num_things: int
    thresholds: Thresholds = Thresholds()

    @property
    def label(self) -> str:
        """Preset and size, as file names begin."""
        return f"{self.preset}_{self.sizes.size}"
