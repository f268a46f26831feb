"""The stream: the same everywhere, weighted as asked, silent about nothing."""

import pickle
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpsam_mobile.data import (
    Augmentation,
    ObjectLabel,
    Record,
    SampleStream,
    Skipped,
    StreamSettings,
    Task,
    open_data,
    read_coco_panoptic,
    read_manifest,
)
from rmpsam_mobile.errors import InputError
from tests.conftest import REPOSITORY, shared
from tests.data.painted import atlas, box_mask, digest, label, png, record, refuse, write_manifest

CAT = label(box_mask(48, 64, (4, 4, 30, 30)), "cat")
COW = label(box_mask(48, 64, (34, 10, 60, 40)), "cow")
SKY = label(box_mask(48, 64, (0, 0, 64, 9)), "sky", is_thing=False)
REGION = label(box_mask(48, 64, (10, 20, 50, 47)))


def options(**changed: Any) -> StreamSettings:
    plain = StreamSettings(
        seed=7,
        size=64,
        task_weights={Task.IMAGE: 1, Task.PROMPTS: 1},
        augmentation=Augmentation(size=64),
        class_names=("cat", "sky"),
    )
    return replace(plain, **changed)


def small_set(folder: Path) -> list[Record]:
    return [
        record(folder, "a.png", [CAT, COW], source="one"),
        record(folder, "b.png", [CAT, SKY], source="two", is_exhaustive=True),
        record(folder, "c.png", [REGION], source="regions"),
        record(folder, "d.png", [COW], source="one"),
        record(folder, "e.png", source="bare", is_labelled=False),
    ]


PROGRAM = """
import sys
from rmpsam_mobile.data import Augmentation, SampleStream, StreamSettings, Task, open_data
from tests.data.painted import digest
found = open_data([sys.argv[1]])
settings = StreamSettings(
    seed=7,
    size=64,
    task_weights={Task.PROMPTS: 1, Task.IMAGE: 1},
    augmentation=Augmentation(size=64, copy_paste=0.5),
    class_names=("cat", "sky"),
)
stream = SampleStream(found.records, found.clips, settings, print)
for index in map(int, sys.argv[2:]):
    print(digest(stream.sample(index)))
"""


def test_every_process_sees_the_same_stream(tmp_path: Path) -> None:
    """Two fresh processes, in other orders, with other hash seeds, and this one."""
    entries = [(f"{i}.png", f"source{i % 3}", [CAT, COW] if i % 2 else [COW, CAT, REGION]) for i in range(9)]
    path = write_manifest(tmp_path / "set.json.gz", entries)
    found = open_data([path])
    stream = SampleStream(
        found.records, found.clips, options(augmentation=Augmentation(size=64, copy_paste=0.5)), refuse
    )
    here = {index: digest(stream.sample(index)) for index in range(8)}
    assert len(set(here.values())) == 8
    for order, hash_seed in (([5, 0, 3], "1"), ([3, 7, 5], "2")):
        environment = {"PYTHONHASHSEED": hash_seed, "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", PROGRAM, str(path), *map(str, order)]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [here[index] for index in order]


def test_a_stream_in_a_pickle_goes_on_alike(tmp_path: Path) -> None:
    stream = SampleStream(small_set(tmp_path), [], options(), refuse)
    copy = pickle.loads(pickle.dumps(stream))
    assert [digest(copy.sample(i)) for i in range(6)] == [digest(stream.sample(i)) for i in range(6)]


def test_seed_index_task_and_size_each_count(tmp_path: Path) -> None:
    records = small_set(tmp_path)
    stream, other = (SampleStream(records, [], options(seed=seed), refuse) for seed in (7, 8))
    pictures = {digest(stream.sample(i, task=Task.PROMPTS)) for i in range(5)}
    pictures |= {digest(other.sample(i, task=Task.PROMPTS)) for i in range(5)}
    assert len(pictures) == 10
    assert stream.sample(0, size=96).pixels.shape == (1, 96, 96, 3)
    assert stream.sample(0, task=Task.IMITATE).task is Task.IMITATE


def test_sources_are_drawn_by_weight_and_root_of_their_size(tmp_path: Path) -> None:
    """16, 4 and 1 pictures with weights 1, 3 and 2: shares 4, 6 and 2 of 12."""
    sizes = {"many": 16, "some": 4, "one": 1, "none": 5}
    file = record(tmp_path, "a.png", [CAT])
    records = [
        replace(file, key=f"{source}{i}", source=source) for source, number in sizes.items() for i in range(number)
    ]
    weights = {"some": 3.0, "one": 2.0, "none": 0.0}
    stream = SampleStream(records, [], options(source_weights=weights), refuse)
    assert stream.shares(Task.IMAGE) == pytest.approx({"many": 4 / 12, "some": 6 / 12, "one": 2 / 12})
    drawn = [stream.sample(i, task=Task.IMAGE, size=16).key for i in range(600)]
    counts = Counter(key.rstrip("0123456789") for key in drawn)
    # five standard deviations of a binomial count of 600
    for source, share in (("many", 4 / 12), ("some", 6 / 12), ("one", 2 / 12)):
        assert abs(counts[source] - 600 * share) < 5 * (600 * share * (1 - share)) ** 0.5
    assert counts["none"] == 0
    assert set(drawn) == {record.key for record in records if record.source != "none"}


def test_tasks_are_drawn_by_weight(tmp_path: Path) -> None:
    weights = {Task.IMAGE: 3, Task.PROMPTS: 1, Task.CLIP: 0}
    stream = SampleStream(small_set(tmp_path), [], options(task_weights=weights), refuse)
    counts = Counter(stream.sample(i, size=16).task for i in range(400))
    assert set(counts) == {Task.IMAGE, Task.PROMPTS}
    assert abs(counts[Task.IMAGE] - 300) < 5 * (400 * 0.75 * 0.25) ** 0.5


def test_what_each_task_may_draw(tmp_path: Path) -> None:
    records = [*small_set(tmp_path), record(tmp_path, "f.png", [CAT], source="bare", is_labelled=False)]
    stream = SampleStream(records, [], options(), refuse)
    drawn = {task: {stream.sample(i, task=task).key for i in range(60)} for task in Task if task is not Task.CLIP}
    assert drawn[Task.IMAGE] == drawn[Task.PSEUDO_VIDEO] == {"a.png", "b.png"}  # d has no class that is known
    assert drawn[Task.PROMPTS] == {"a.png", "b.png", "c.png", "d.png"}
    assert drawn[Task.IMITATE] == {"a.png", "b.png", "c.png", "d.png", "e.png", "f.png"}


def test_labels_and_flags_go_along(tmp_path: Path) -> None:
    plain = options(augmentation=Augmentation.none(64))
    stream = SampleStream(small_set(tmp_path), [], plain, refuse)
    by_key = {sample.key: sample for sample in (stream.sample(i, task=Task.IMITATE) for i in range(60))}
    wanted: dict[str, tuple[list[ObjectLabel], list[int], bool, bool]] = {
        "a.png": ([CAT, COW], [0, -1], True, False),
        "b.png": ([CAT, SKY], [0, 1], True, True),
        "c.png": ([REGION], [-1], True, False),
        "d.png": ([COW], [-1], True, False),
        "e.png": ([], [], False, False),
    }
    for key, (labels, classes, is_labelled, is_exhaustive) in wanted.items():
        sample = by_key[key]
        assert sample.labels.tolist() == classes
        assert sample.masks.shape == (len(labels), 1, 64, 64)
        for found, item in zip(sample.masks, labels, strict=True):
            assert np.array_equal(found[0, :48], item.mask())
        assert (sample.is_labelled, sample.is_exhaustive) == (is_labelled, is_exhaustive)
        assert sample.image_size == (48, 64)
        assert np.array_equal(sample.pixels[0, :48], atlas(48, 64))


@pytest.mark.parametrize("copy_paste", [0.0, 1.0])
def test_masks_and_labels_stay_in_step_through_everything(tmp_path: Path, copy_paste: float) -> None:
    """Object i has its own colour in the picture, whatever is cropped, mirrored or pasted over it."""
    boxes = [(2 + 20 * (i % 3), 2 + 15 * (i // 3), 18 + 20 * (i % 3), 14 + 15 * (i // 3)) for i in range(9)]
    masks = [box_mask(48, 64, box) for box in boxes]
    pixels = np.zeros((48, 64, 3), np.uint8)
    for i, mask in enumerate(masks):
        pixels[mask] = 20 * (i + 1)
    labels = [label(mask, f"class{i}") for i, mask in enumerate(masks)]
    records = [record(tmp_path, f"{name}.png", labels, pixels=pixels) for name in "ab"]
    jitter = Augmentation(size=64, brightness=0, contrast=0, saturation=0, greyscale=0, copy_paste=copy_paste)
    settings = options(
        augmentation=jitter, class_names=tuple(f"class{i}" for i in range(9)), max_objects=6, seed=int(copy_paste)
    )
    stream = SampleStream(records, [], settings, refuse)
    for index in range(25):
        sample = stream.sample(index)
        assert len(sample.masks) == len(sample.labels) <= 6
        for mask, number in zip(sample.masks[:, 0], sample.labels, strict=True):
            assert mask.sum() >= 48
            assert np.median(sample.pixels[0][mask]) == 20 * (number + 1)


def test_a_limit_on_objects_ends_a_panoptic_truth(tmp_path: Path) -> None:
    records = [record(tmp_path, "b.png", [CAT, SKY, COW], is_exhaustive=True)]
    for limit, is_exhaustive in ((3, True), (2, False)):
        settings = options(augmentation=Augmentation.none(64), max_objects=limit)
        sample = SampleStream(records, [], settings, refuse).sample(0, task=Task.IMAGE)
        assert (len(sample.masks), sample.is_exhaustive) == (limit, is_exhaustive)


def test_only_named_things_are_pasted(tmp_path: Path) -> None:
    """From a second picture full of regions, stuff and one cow; into classes, which has no cow, nothing is."""
    records = [
        record(tmp_path, "a.png", [CAT], source="one", pixels=np.zeros((48, 64, 3), np.uint8)),
        record(tmp_path, "b.png", [REGION, SKY, COW], source="two", pixels=np.full((48, 64, 3), 250, np.uint8)),
    ]
    settings = options(augmentation=replace(Augmentation.none(64), copy_paste=1.0))
    stream = SampleStream(records, [], settings, refuse)
    pasted = set()
    for index in range(40):
        sample = stream.sample(index, task=Task.PROMPTS)
        if sample.key == "a.png":
            pasted.add(int((sample.pixels == 250).all(-1).sum()))
    assert pasted == {0, int(COW.mask().sum())}
    for index in range(40):
        sample = stream.sample(index, task=Task.IMAGE)
        assert sample.key == "b.png" or not (sample.pixels == 250).any()


def test_broken_pictures_are_named_once_and_counted(tmp_path: Path) -> None:
    records = [
        record(tmp_path, "good.png", [CAT]),
        record(tmp_path, "cut.png", [CAT]),
        record(tmp_path, "gone.png", [CAT]),
        record(tmp_path, "other.png", [CAT], pixels=atlas(40, 64), height=48),
        record(tmp_path, "mask.png", [label(box_mask(40, 64, (0, 0, 20, 20)), "cat")]),
    ]
    (tmp_path / "cut.png").write_bytes(png(atlas(48, 64))[:90])
    (tmp_path / "gone.png").unlink()
    named: list[Skipped] = []
    stream = SampleStream(records, [], options(), named.append)
    assert {stream.sample(i).key for i in range(40)} == {"good.png"}
    reasons = {skip.key: skip.reason for skip in named}
    assert len(named) == len(reasons) == 4
    assert "cannot be decoded" in reasons["cut.png"]
    assert "does not exist" in reasons["gone.png"]
    assert reasons["other.png"].endswith("the picture is 64 x 40 px, its masks 64 x 48 px; leave it out")
    assert reasons["mask.png"] == "a mask is 64 x 40 px, its picture 64 x 48 px; leave it out"
    assert sum(stream.skipped.values()) > 40
    assert digest(stream.sample(3)) == digest(SampleStream(records, [], options(), lambda _: None).sample(3))


def test_a_set_of_broken_pictures_ends_in_an_error(tmp_path: Path) -> None:
    broken = record(tmp_path, "a.png", [CAT])
    (tmp_path / "a.png").unlink()
    stream = SampleStream([broken], [], options(), lambda _: None)
    with pytest.raises(InputError, match=r"^50 pictures in a row cannot be read, the last: .*; check the data set$"):
        stream.sample(0)


def test_a_weight_without_a_source_is_told(tmp_path: Path) -> None:
    named: list[Skipped] = []
    SampleStream(small_set(tmp_path), [], options(source_weights={"one": 2.0, "onne": 2.0}), named.append)
    assert named == [Skipped("weight of source 'onne'", "no picture or clip is of this source")]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"task_weights": {Task.CLIP: 1}},
            "none of 5 pictures and 0 clips can be drawn for the task clip; give it no weight, or add data",
        ),
        ({"task_weights": {}}, "task_weights are {}; give numbers of 0 or more, one of them above 0"),
        ({"source_weights": {"one": -1.0}}, "the weight of 'one' is -1.0; give 0 or more"),
        ({"class_names": ("cat", "cat")}, "2 class names hold 1 words; name each class once"),
        ({"max_objects": 0}, "max_objects is 0, num_frames 4; give 1 or more"),
        ({"seed": -1}, "seed is -1; give 0 or more"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        SampleStream(small_set(tmp_path), [], options(**changed), refuse)
    assert str(caught.value) == message


def test_the_shared_data() -> None:
    folder = shared("data", "panoptic")
    panoptic = read_coco_panoptic(
        folder / "annotations" / "panoptic_train.json", folder / "train", folder / "panoptic_train"
    )
    records = [*read_manifest(shared("data", "train.json.gz")), *panoptic]
    names = tuple(sorted({item.category for r in records for item in r.objects if item.category}))
    settings = options(size=128, class_names=names, augmentation=Augmentation(size=128, copy_paste=0.3))
    stream = SampleStream(records, [], settings, refuse)
    samples = [stream.sample(i) for i in range(40)]
    assert sum(len(sample.masks) for sample in samples) > 40
    assert any(sample.is_exhaustive for sample in samples)
    for sample in samples:
        rows, columns = sample.image_size
        assert not sample.masks[:, :, rows:].any()
        assert not sample.masks[:, :, :, columns:].any()
        assert (sample.masks.sum((1, 2, 3)) >= 48).all()
