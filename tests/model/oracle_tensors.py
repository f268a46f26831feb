"""Every tensor of the official numbers, by the name it has there, computed by our network in float64.

Names are those of shared/oracle/README.md. ``FILES`` lists what is compared, ``INPUTS`` what goes in, ``ELSEWHERE``
what belongs to preprocessing and postprocessing, whose tests read it. Together they are the files, which a test holds.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rmpsam_mobile.model.attention import MultiHeadAttention
from rmpsam_mobile.model.decoder import Stage, StageOutput
from rmpsam_mobile.model.prompt import normalise_boxes
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.conftest import golden
from tests.models import oracle_model

MAX_VALUES: Final = 1024  # a thinned tensor holds no more

Numbers = dict[str, Tensor]

_LEVELS: Final = ("backbone.c2", "backbone.c3", "backbone.c4", "backbone.c5")
_NECK: Final = (
    *(f"lateral_conv{i}" for i in range(4)),
    "deform_conv1.dcn_offset",
    *(f"deform_conv{i}.dcn" for i in (1, 2, 3)),
    *(f"deform_conv{i}" for i in (1, 2, 3)),
    *(f"conv_a{i}" for i in (5, 4, 3, 2)),
    "output_conv",
)
_STAGES: Final = ("stage0", "stage1", "stage2")
_STAGE_OUTPUTS: Final = ("queries", "class_logits", "mask_logits", "iou")
_OBJECTS: Final = ("class_logits", "mask_logits", "queries")

FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "r18.image": (
        *_LEVELS,
        *(f"neck.{name}" for name in _NECK),
        "mask_features",
        "queries0",
        "initial.mask_logits",
        *(f"{s}.{name}" for s in _STAGES for name in ("kernel_update", "after_attention", *_STAGE_OUTPUTS)),
        "adaptor.kernel_update",
        "adaptor.class_embedding",
        *_OBJECTS,
    ),
    "r18.prompts": (
        *("box_cxcywh", "box_inverse_sigmoid", "encoding", "position", "queries0", "attention_mask"),
        *(f"{s}.{name}" for s in _STAGES for name in _STAGE_OUTPUTS),
        *("adaptor.attention", "queries", "mask_logits", "iou"),
    ),
    "r18.clip": (*_OBJECTS, "iou", "coco.class_logits"),
    "r18.padded": ("class_logits", "mask_logits"),
}
INPUTS: Final[Mapping[str, tuple[str, ...]]] = {
    "r18.image": ("pixel_values",),
    "r18.prompts": ("pixel_values", "boxes_xyxy", "image_size"),
    "r18.clip": ("frames",),
    "r18.padded": ("pixel_values",),
}
ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "r18.image": ("picture_bgr",),
    "r18.prompts": ("pictures_bgr", "ori_shape", "binary_masks_packed"),
    "r18.clip": ("frames_bgr",),
    "r18.padded": (
        *("raw_bgr", "resize_scale", "resized_bgr", "img_shape", "ori_shape", "upsampled.first4"),
        *(f"panoptic.{name}" for name in ("default", "loose", "loose_nofilter")),
        *(f"instances.{name}" for name in ("scores", "labels", "boxes", "masks_packed")),
    ),
}


def thin(values: NDArray[Any]) -> NDArray[Any]:
    """Every n-th number of the flattened tensor, n odd so that it keeps step with no power of two; float32."""
    flat = values.reshape(-1)
    stride = -(-flat.size // MAX_VALUES)
    flat = flat[:: stride + (stride % 2 == 0)]
    return flat if flat.dtype == np.bool_ else flat.astype(np.float32)


@cache
def small_part() -> dict[str, NDArray[Any]]:
    """What the repository holds of the files: ``file/name`` -> an input as it is, else a thinned tensor."""
    return golden("model")


@cache
def computed(file: str) -> Numbers:
    """All of ``FILES[file]`` by our network, from the inputs that the repository holds."""
    given = {
        name: torch.from_numpy(small_part()[f"{file}/{name}"]).double() for name in INPUTS[file] if name != "image_size"
    }
    with torch.inference_mode():
        return _COMPUTE[file](given)


def _image(given: Numbers) -> Numbers:
    model, found = oracle_model(), Numbers()
    with _recording(found, _image_points(model)):
        encoding = model.encode(given["pixel_values"])
        objects = model.objects(encoding, with_stages=True)
        queries, masks = model.panoptic_head.objects(encoding.mask_features).steps[0]
    return found | {
        "mask_features": encoding.mask_features,
        "queries0": queries,
        "initial.mask_logits": masks,
        **_stage_numbers(objects.stages),
        "class_logits": objects.class_logits,
        "mask_logits": objects.mask_logits,
        "queries": objects.queries,
    }


def _prompts(given: Numbers) -> Numbers:
    model, found = oracle_model(), Numbers()
    head, boxes = model.panoptic_head, given["boxes_xyxy"]
    height, width = (int(side) for side in small_part()["r18.prompts/image_size"])
    stage = head.mask_heads[0]
    assert isinstance(stage, Stage)
    points: dict[str, nn.Module] = {"encoding": head.sine_code, "position": head.pos_linear}
    with (
        _recording(found, points),
        _recording(found, {"adaptor.attention": head.prompt_norm}, inputs=True),
        _mask_recorded(found, stage.s_atten),
    ):
        encoding = model.encode(given["pixel_values"])
        prompted = model.prompts(encoding, boxes, (height, width), with_stages=True)
    normal = normalise_boxes(boxes, torch.tensor([[height, width]], dtype=boxes.dtype))
    return found | {
        "box_cxcywh": normal,
        "box_inverse_sigmoid": normal.logit(),
        "queries0": head.prompt_queries(boxes, torch.tensor([[height, width]], dtype=boxes.dtype)),
        **_stage_numbers(prompted.stages),
        "queries": prompted.queries,
        "mask_logits": prompted.mask_logits,
        "iou": prompted.iou,
    }


def _clip(given: Numbers) -> Numbers:
    model = oracle_model("ytvis2019")
    clip, encoding = model.clip(given["frames"]), model.encode_clip(given["frames"])
    return {
        "class_logits": clip.class_logits,
        "mask_logits": clip.mask_logits,
        "queries": clip.queries,
        # the official adapter repeats the last stage's
        "iou": model.objects(encoding, with_stages=True).stages[-1].iou,
        "coco.class_logits": oracle_model().objects(encoding).class_logits,
    }


def _padded(given: Numbers) -> Numbers:
    model = oracle_model()
    objects = model.objects(model.encode(given["pixel_values"]))
    return {"class_logits": objects.class_logits, "mask_logits": objects.mask_logits}


_COMPUTE: Final[Mapping[str, Callable[[Numbers], Numbers]]] = {
    "r18.image": _image,
    "r18.prompts": _prompts,
    "r18.clip": _clip,
    "r18.padded": _padded,
}


def _image_points(model: RmpSam) -> dict[str, nn.Module]:
    """Modules whose outputs are tensors of the image file; the encoder's tuple is told apart by the recorder."""
    head = model.panoptic_head
    points = {f"neck.{name}": model.neck.deconv.get_submodule(name) for name in _NECK}
    for name, stage in zip(_STAGES, head.mask_heads, strict=True):
        assert isinstance(stage, Stage)
        points |= {f"{name}.kernel_update": stage.kernel_update, f"{name}.after_attention": stage.s_atten_norm}
    more = {"adaptor.kernel_update": head.panoptic_attn, "adaptor.class_embedding": head.panoptic_cls}
    return {"backbone": model.backbone, **points, **more}


def _stage_numbers(stages: tuple[StageOutput, ...]) -> Numbers:
    numbers = Numbers()
    for name, stage in zip(_STAGES, stages, strict=True):
        assert stage.class_logits is not None
        numbers |= {
            f"{name}.queries": stage.queries,
            f"{name}.class_logits": stage.class_logits,
            f"{name}.mask_logits": stage.mask_logits,
            f"{name}.iou": stage.iou,
        }
    return numbers


@contextmanager
def _recording(found: Numbers, points: Mapping[str, nn.Module], *, inputs: bool = False) -> Iterator[None]:
    """Keep what the modules return, or their first input, under the given names; of a tuple each map."""

    def record(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_: nn.Module, given: Any, output: Any) -> None:
            value = given[0] if inputs else output
            found.update(zip(_LEVELS, value, strict=True) if isinstance(value, tuple) else [(name, value)])

        return hook

    handles = [module.register_forward_hook(record(name)) for name, module in points.items()]
    yield
    for handle in handles:
        handle.remove()


@contextmanager
def _mask_recorded(found: Numbers, attention: MultiHeadAttention) -> Iterator[None]:
    """Keep the mask with which prompts attend to one another."""

    def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
        found["attention_mask"] = given[3]

    handle = attention.register_forward_pre_hook(hook)
    yield
    handle.remove()
