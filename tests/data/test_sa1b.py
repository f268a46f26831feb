"""SA-1B as a folder and as tar shards, split over ranks and workers."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rmpsam_mobile.data import Skipped, read_sa1b, stream_sa1b
from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.rle import encode_mask
from tests.data.painted import add_member, box_mask, refuse


def jpeg(number: int) -> bytes:
    """A grey picture of 32 x 24 px whose brightness is its number."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (number,) * 3).save(buffer, "JPEG", quality=100)
    return buffer.getvalue()


def document(number: int, sides: tuple[int, int] = (24, 32)) -> bytes:
    """One mask of ``number`` mod 20 + 1 columns, and one in the corner."""
    masks = [box_mask(*sides, (0, 0, number % 20 + 1, 24)), box_mask(*sides, (30, 20, 32, 24))]
    annotations = [
        {
            "segmentation": encode_mask(mask),
            "bbox": [0, 0, 1, 1],
            "area": int(mask.sum()),
            "predicted_iou": 0.9,
            "stability_score": 0.95,
            "crop_box": [0, 0, 32, 24],
            "id": 7,
            "point_coords": [[1, 1]],
        }
        for mask in masks
    ]
    image = {"image_id": number, "width": sides[1], "height": sides[0], "file_name": f"sa_{number}.jpg"}
    return json.dumps({"image": image, "annotations": annotations}).encode()


def write_folder(folder: Path, numbers: Iterable[int]) -> None:
    for number in numbers:
        (folder / f"sa_{number}.jpg").write_bytes(jpeg(number))
        (folder / f"sa_{number}.json").write_bytes(document(number))


def write_shard(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, raw in members:
            add_member(tar, name, raw)
    return path


def whole(number: int) -> list[tuple[str, bytes]]:
    return [(f"./sa_{number}.jpg", jpeg(number)), (f"./sa_{number}.json", document(number))]


def test_a_folder(tmp_path: Path) -> None:
    write_folder(tmp_path, (3, 12))
    records, skipped = read_sa1b(tmp_path)
    assert (len(records), skipped) == (2, [])
    for record, number in zip(records, (12, 3), strict=True):
        assert (record.key, record.source, record.is_exhaustive) == (f"sa_{number}.jpg", "sa-1b", False)
        assert (record.read() == number).all()
        first, second = record.objects
        assert (first.category, first.mask().sum(), second.mask().sum()) == (None, 24 * (number + 1), 8)


def test_a_folder_says_what_has_no_partner(tmp_path: Path) -> None:
    write_folder(tmp_path, (1, 2, 3, 4))
    (tmp_path / "sa_1.json").unlink()
    (tmp_path / "sa_2.jpg").unlink()
    (tmp_path / "sa_3.jpg").write_bytes(b"no picture")
    (record,), skipped = read_sa1b(tmp_path)
    assert record.key == "sa_4.jpg"
    assert [skip.key for skip in skipped] == ["sa_1.jpg", "sa_2.json", "sa_3.jpg"]
    assert [skip.reason for skip in skipped[:2]] == ["has no JSON file beside it", "has no picture beside it"]
    (tmp_path / "sa_4.json").write_text("{}")
    with pytest.raises(InputError, match=r"sa_4\.json: has no image, annotations; it is not of this layout$"):
        _ = record.objects
    (tmp_path / "sa_4.json").write_text('{"image": {"height": 24}, "annotations": []}')
    with pytest.raises(InputError, match=r"is not of SA-1B's layout \(no 'width'\); leave it out$"):
        _ = record.objects


def test_a_folder_without_any(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no pair of"):
        read_sa1b(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        read_sa1b(tmp_path / "none")


def test_shards_are_split_over_ranks_and_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two ranks of two workers: nobody sees what another sees, and together they see everything."""
    shards = [
        write_shard(tmp_path / f"sa_{i:06}.tar", [member for j in range(3) for member in whole(10 * i + j)])
        for i in range(6)
    ]
    seen: list[list[int]] = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("NUM_WORKERS", "2")
    for rank in range(2):
        for worker in range(2):
            monkeypatch.setenv("RANK", str(rank))
            monkeypatch.setenv("WORKER", str(worker))
            numbers = []
            for pixels, labels in stream_sa1b(shards, refuse):
                number = int(pixels[0, 0, 0])
                assert (pixels == number).all()
                assert pixels.shape == (24, 32, 3)
                assert labels[0].mask().sum() == 24 * (number % 20 + 1)
                numbers.append(number)
            seen.append(numbers)
    assert all(seen)
    together = [number for numbers in seen for number in numbers]
    assert sorted(together) == sorted(10 * i + j for i in range(6) for j in range(3))


def test_a_data_loader_with_workers(tmp_path: Path) -> None:
    from torch.utils.data import DataLoader

    shards = [write_shard(tmp_path / f"{i}.tar", [*whole(10 * i), *whole(10 * i + 1)]) for i in range(4)]
    source: Any = stream_sa1b(shards, refuse)
    numbers = [int(pixels[0, 0, 0]) for pixels, _ in DataLoader(source, batch_size=None, num_workers=2)]
    assert sorted(numbers) == [0, 1, 10, 11, 20, 21, 30, 31]


def test_what_a_shard_lacks_is_named(tmp_path: Path) -> None:
    members = [
        *whole(1),
        ("./sa_2.jpg", jpeg(2)),
        ("./sa_3.json", document(3)),
        ("./sa_4.jpg", b"no picture"),
        ("./sa_4.json", document(4)),
        ("./sa_5.jpg", jpeg(5)),
        ("./sa_5.json", b"{"),
        ("./sa_6.jpg", jpeg(6)),
        ("./sa_6.json", document(6, (30, 40))),
        *whole(7),
    ]
    good = write_shard(tmp_path / "good.tar", members)
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"no tar file" * 100)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(write_shard(tmp_path / "whole.tar", [*whole(8), *whole(9)]).read_bytes()[:2600])
    named: list[Skipped] = []
    found = [int(pixels[0, 0, 0]) for pixels, _ in stream_sa1b([broken, good, cut], named.append)]
    assert found[:2] == [1, 7]
    reasons = {skip.key.replace("./", ""): skip.reason for skip in named}
    assert reasons.keys() >= {"broken.tar", *(f"good.tar:sa_{i}" for i in (2, 3, 4, 5, 6)), "cut.tar"}
    assert reasons["good.tar:sa_2"] == "has no .json next to it in the tar file"
    assert reasons["good.tar:sa_3"] == "has no .jpg next to it in the tar file"
    assert "no picture" in reasons["good.tar:sa_4"]
    assert reasons["good.tar:sa_5"].startswith("is no JSON")
    assert reasons["good.tar:sa_6"] == "the picture is [24, 32], a mask [30, 40] (height, width)"


def test_shards_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is no file; give the paths of SA-1B's tar files$"):
        stream_sa1b([tmp_path / "x.tar"], refuse)
    with pytest.raises(InputError, match=r"^pipe:rm x is no file"):
        stream_sa1b(["pipe:rm x"], refuse)
    with pytest.raises(InputError, match="no shard was given"):
        stream_sa1b([], refuse)


def test_without_webdataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "webdataset", None)
    with pytest.raises(MissingExtraError, match=r"install it with: pip install 'rmpsam-mobile\[train\]'$"):
        stream_sa1b([tmp_path], refuse)


def test_the_picture_is_a_jpeg_of_one_grey() -> None:
    """The tests above tell pictures apart by it."""
    for number in range(64):
        assert (np.asarray(Image.open(io.BytesIO(jpeg(number)))) == number).all()
