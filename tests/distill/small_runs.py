"""Training runs that take seconds: painted pictures, a mobile model of a few channels, and a run in another process.

``python -m tests.distill.small_runs KIND FOLDER DATA`` trains a recipe of ``KINDS`` and prints each update's number.
"""

import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpsam_mobile.checkpoint import layout
from rmpsam_mobile.checkpoint.store import Checkpoint, save_checkpoint
from rmpsam_mobile.data.records import ObjectLabel
from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.data.sources import open_data
from rmpsam_mobile.distill.batch import Batch
from rmpsam_mobile.distill.object_task import ObjectTask
from rmpsam_mobile.distill.prompt_task import PromptTask
from rmpsam_mobile.distill.recipe import Recipe, Terms
from rmpsam_mobile.distill.start import TrainingData, new_student, training_data
from rmpsam_mobile.distill.teacher import Teacher
from rmpsam_mobile.model import presets
from rmpsam_mobile.model.config import AxialStage, MobileBlock, ModelConfig, PromptSetConfig, SeaFormerConfig
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.model.vocabulary import Vocabulary
from tests.conftest import REPOSITORY
from tests.data.painted import add_member, label, png, refuse

SIZE = 64
CLASSES = ("sports ball", "book")  # names of COCO's, for ellipses and rectangles
SMALL_MOBILE = ModelConfig(
    name="small-mobile",
    encoder=SeaFormerConfig(
        stem_width=8,
        mobile=(
            (MobileBlock(3, 1, 8, 1), MobileBlock(3, 2, 8, 2)),
            (MobileBlock(5, 2, 8, 2),),
            (MobileBlock(3, 2, 12, 2),),
            (MobileBlock(3, 2, 16, 2),),
        ),
        axial=(AxialStage(4, 1, 16, 2),),
        num_heads=2,
        outputs=("smb1", "smb2", "smb3", "trans1"),
        relu6=True,
    ),
    aggregation_width=16,
    width=16,
    num_queries=6,
    num_stages=2,
    num_heads=2,
    ffn_width=32,
    text_width=136,  # room for COCO's 133 classes
    stage_temperature=1.0,
    offset_limit=1.0,
    depthwise_output=True,
    stage_reduction=2,
    mean_pooling=True,
    prompt_set=PromptSetConfig(num_points=3, width=8, num_kernels=4),
)
OTHER_MOBILE = replace(SMALL_MOBILE, name="other-mobile", aggregation_width=24, width=24)
ALL_TERMS = Terms(features=1.0, mask_features=1.0, object_logits=0.5, object_masks=0.5, prompt_masks=0.5, iou=0.5)
KNOWN = MappingProxyType({**presets.PRESETS, SMALL_MOBILE.name: SMALL_MOBILE, OTHER_MOBILE.name: OTHER_MOBILE})


def small_recipe(**changes: Any) -> Recipe:
    """Twelve updates of two pictures, clicks and boxes only."""
    usual: dict[str, Any] = {
        "name": "small",
        "steps": 12,
        "batch": 2,
        "sizes": (SIZE,),
        "warmup": 4,
        "prompts": PromptTask(prompts=3),
        "objects": ObjectTask(points=64),
        "held_out": 0.25,
        "held_pictures": 3,
        "validate_every": 4,
        "save_every": 3,
    }
    return Recipe(**usual | changes)


def everything() -> Recipe:
    """All kinds of updates and everything that can be imitated."""
    tasks = {Task.PROMPTS: 1.0, Task.IMAGE: 1.0, Task.IMITATE: 1.0}
    return small_recipe(name="everything", tasks=tasks, terms=ALL_TERMS, object_weight=0.5, copy_paste=0.3)


def name_presets(patch: pytest.MonkeyPatch) -> None:
    """Give the small models names that a checkpoint may have."""
    for module in (presets, layout):
        patch.setattr(module, "PRESETS", KNOWN)


@pytest.fixture
def small_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small models have names."""
    name_presets(monkeypatch)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums in the same order in every process, and two cores left to others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def painted_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of 24 pictures with two or three shapes each."""
    return paint(tmp_path_factory.mktemp("painted") / "shapes.json.gz", 24)


def paint(path: Path, count: int) -> Path:
    """Write a manifest of pictures of 72 x 96 px with coloured ellipses and rectangles."""
    import gzip

    rng, entries = np.random.default_rng(7), []
    with tarfile.open(path.with_name(path.name.removesuffix(".json.gz") + ".tar"), "w") as tar:
        for number in range(count):
            pixels, labels = shapes(rng, 72, 96)
            add_member(tar, f"{number:02}.png", png(pixels))
            objects = [{"mask": item.rle, "category": item.category} for item in labels]
            entry = {"file": f"tar:{number:02}.png", "width": 96, "height": 72, "source": f"painted{number % 2}"}
            entries.append(entry | {"objects": objects})
    path.write_bytes(gzip.compress(json.dumps({"version": 1, "pictures": entries}).encode(), mtime=0))
    return path


def shapes(rng: np.random.Generator, height: int, width: int) -> tuple[NDArray[np.uint8], list[ObjectLabel]]:
    """Two or three shapes on noise; later ones hide earlier ones."""
    pixels = rng.integers(90, 120, (height, width, 3)).astype(np.uint8)
    masks: list[tuple[NDArray[np.bool_], str]] = []
    rows, columns = np.mgrid[:height, :width]
    for _ in range(int(rng.integers(2, 4))):
        y, x = rng.uniform(0.25, 0.75, 2) * (height, width)
        half_height, half_width = rng.uniform(0.12, 0.25, 2) * (height, width)
        across, down = np.abs(columns - x) / half_width, np.abs(rows - y) / half_height
        kind = int(rng.integers(2))
        mask = across**2 + down**2 < 1 if kind == 0 else np.maximum(across, down) < 1
        pixels[mask] = rng.integers(0, 256, 3)
        masks = [(before & ~mask, name) for before, name in masks] + [(mask, CLASSES[kind])]
    return pixels, [label(mask, name) for mask, name in masks if mask.sum() > 60]


def small_data(manifest: Path, recipe: Recipe) -> TrainingData:
    return training_data(open_data([manifest]), recipe, refuse)


def small_student(seed: int = 0) -> RmpSam:
    """A new one at each call; needs ``small_presets``."""
    return new_student(SMALL_MOBILE.name, seed=seed)


def named_student(names: Sequence[str], *, synonyms: int = 1, seed: int = 0) -> RmpSam:
    """A small student with other classes than a new one has."""
    model, generator = small_student(seed), torch.Generator().manual_seed(seed)
    rows = torch.randn(len(names), synonyms, SMALL_MOBILE.text_width, generator=generator)
    model.set_classifier(torch.nn.functional.normalize(rows, dim=-1))
    model.vocabulary = Vocabulary(tuple(names), len(names))
    return model


def store(model: RmpSam, path: Path) -> Path:
    """Write a model with its classes to a checkpoint."""
    assert model.classifier is not None
    checkpoint = Checkpoint(
        preset=model.preset,
        tensors=model.state_dict(),
        classifier=model.classifier.text_embeddings,
        vocabulary=model.vocabulary,
    )
    save_checkpoint(checkpoint, path)
    return path


def small_teacher() -> Teacher:
    """Another width, as many queries and classes."""
    return Teacher(new_student(OTHER_MOBILE.name, seed=5))


def number(value: Tensor) -> float:
    """A loss without its graph."""
    return float(value.detach())


def batch_of(samples: Sequence[Sample], task: Task = Task.PROMPTS, *, step: int = 0, rounds: int = 0) -> Batch:
    return Batch(step, step * len(samples), task, tuple(samples), rounds)


def disc_sample(objects: int, *, task: Task = Task.PROMPTS, frames: int = 1, seed: int = 0) -> Sample:
    """A sample with that many boxes and noise, 48 x 64 px in the square."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((frames, SIZE, SIZE, 3), np.uint8)
    pixels[:, :48] = rng.integers(0, 256, (frames, 48, SIZE, 3))
    masks = np.zeros((objects, frames, SIZE, SIZE), np.bool_)
    for mask in masks:
        y, x = (int(v) for v in rng.integers(0, 28, 2))
        mask[:, y : y + 20, x : x + 30] = True
    return Sample(
        key=f"disc {seed}",
        source="made",
        task=task,
        pixels=pixels,
        image_size=(48, SIZE),
        masks=masks,
        labels=np.arange(objects, dtype=np.int64) % 2,
        is_labelled=True,
        is_exhaustive=True,
    )


def start_run(kind: str, folder: Path, data: Path, **environment: str) -> "subprocess.Popen[str]":
    """Train in another process; see ``main``."""
    strict = ("-W", "error", "-W", "ignore:Grad strides do not match")  # which costs time at worst, says torch
    call = [sys.executable, *strict, "-m", "tests.distill.small_runs", kind, str(folder), str(data)]
    settings = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    return subprocess.Popen(
        call, cwd=REPOSITORY, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def main(kind: str, folder: str, data: str) -> None:
    """Train a recipe of ``KINDS`` and print each update's number; ``everything`` slows down after seven."""
    from rmpsam_mobile.distill.engine import Run, Update

    name_presets(pytest.MonkeyPatch())

    def listener(update: Update) -> None:
        sys.stdout.write(f"{update.step}\n")
        sys.stdout.flush()
        if kind == "everything" and update.step >= 7:
            time.sleep(0.1 if update.step < 11 else 60)  # whoever kills it may be late, not too late

    recipe = KINDS[kind]()
    found = small_data(Path(data), recipe)
    teacher = small_teacher() if recipe.terms.needs_neck else None
    Run(Path(folder), recipe, small_student(), found.stream, found.held, teacher=teacher).train(listener)


def split() -> Recipe:
    """Two pictures an update and process, prompts alone, no statistics of the batch."""
    return small_recipe(
        name="split", steps=5, warmup=1, frozen_norms=True, held_out=0.0, weight_decay=0.0, clip_norm=1e9
    )


KINDS: Mapping[str, Callable[[], Recipe]] = {"everything": everything, "split": split}

if __name__ == "__main__":
    main(*sys.argv[1:])
