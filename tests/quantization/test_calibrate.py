"""Calibration pictures: real ones, in an order that no file system changes, with a hash that says which."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rmpsam_mobile.contracts import GraphSizes, PointLabel, Size
from rmpsam_mobile.data import hold_out, open_data
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.fit import fit_picture
from rmpsam_mobile.quantization import read_calibration
from rmpsam_mobile.quantization.calibrate import HELD_OUT, drawn_prompts
from tests.bundle.manifests import make_contract

CONTRACT = make_contract(GraphSizes(size=Size(64, 96), num_slots=4))


def write_pictures(folder: Path, names: tuple[str, ...]) -> Path:
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(seed).integers(0, 256, (40 + seed, 50, 3), np.uint8)
        Image.fromarray(values).save(path)
    return folder


def test_pictures_are_taken_by_name_up_to_the_limit(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "c", ("b.png", "a.jpg", "deep/c.webp", "d.bmp", "e.jpeg"))
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    (folder / "._a.jpg").write_bytes(b"what a Mac leaves behind")
    found = read_calibration(folder)
    assert [record.key for record in found.records] == [
        "a.jpg",
        "b.png",
        "d.bmp",
        "deep/c.webp",
        "e.jpeg",
    ]
    assert found.skipped == ()
    assert len(read_calibration(folder, limit=2).records) == 2


def test_the_hash_is_that_of_the_pixels_in_order(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "c", ("a.png", "b.png", "c.png"))
    digest = hashlib.sha256()
    for name in ("a.png", "b.png", "c.png"):
        pixels = np.asarray(Image.open(folder / name))
        digest.update(repr(pixels.shape).encode() + pixels.tobytes())
    assert read_calibration(folder).sha256 == digest.hexdigest()
    assert read_calibration(folder, limit=2).sha256 != read_calibration(folder).sha256


def test_the_order_of_the_file_system_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_pictures(tmp_path / "c", ("a.png", "b.png", "sub/c.png"))
    wanted = read_calibration(folder)
    real = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda self, pattern: reversed(list(real(self, pattern))))
    assert read_calibration(folder).records == wanted.records
    assert read_calibration(folder).sha256 == wanted.sha256


def test_what_cannot_be_read_is_counted_with_its_reason(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "c", ("a.png", "c.png"))
    whole = read_calibration(folder)
    (folder / "b.png").write_bytes(b"no picture")
    (folder / "d.jpg").write_bytes(b"")
    Image.new("RGB", (1, 1)).save(folder / "e.png")
    found = read_calibration(folder)
    assert found.records == whole.records
    assert found.sha256 == whole.sha256
    assert [name for name, _ in found.skipped] == ["b.png", "d.jpg", "e.png"]
    reasons = [reason for _, reason in found.skipped]
    assert ["no picture" in reason or "1 x 1 px" in reason or "empty" in reason for reason in reasons] == [True] * 3


def test_folders_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_calibration(tmp_path / "gone")
    assert str(caught.value) == (
        f"{tmp_path / 'gone'} is no folder and no data set; give one with pictures like those of the app"
    )
    suffixes = ".bmp, .jpeg, .jpg, .png, .webp"
    with pytest.raises(InputError) as caught:
        read_calibration(tmp_path)
    assert str(caught.value) == f"{tmp_path} has no picture (0 unreadable); wanted {suffixes}"
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"has no picture \(1 unreadable\)"):
        read_calibration(tmp_path)
    (tmp_path / "a.png").unlink()
    write_pictures(tmp_path, ("b.bmp",))
    (tmp_path / "b.bmp").write_bytes((tmp_path / "b.bmp").read_bytes()[:600])  # its header is whole
    with pytest.raises(InputError, match=r"has no readable picture \(1 tried\); copy them again"):
        read_calibration(tmp_path)


def test_one_picture_is_few_and_is_said_so(tmp_path: Path) -> None:
    found = read_calibration(write_pictures(tmp_path / "c", ("a.png",)))
    assert found.warnings == ("1 of 1 pictures show anything; ranges may be too narrow; use 32 or more",)


def test_pictures_of_one_colour_are_counted_and_alone_refused(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "c", tuple(f"{i}.png" for i in range(8)))
    assert read_calibration(folder).warnings == ()
    Image.new("RGB", (40, 30)).save(folder / "black.png")
    found = read_calibration(folder)
    assert found.blank == ("black.png",)
    assert found.warnings == ("1 of 9 pictures are of one colour and say nothing",)
    black = tmp_path / "black"
    black.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (40, 30)).save(black / name)
    with pytest.raises(InputError) as caught:
        read_calibration(black)
    assert str(caught.value) == (f"{black}: all 2 pictures are of one colour; give pictures like those of the app")


def test_labelled_data_is_taken_source_by_source_without_what_training_holds_out(tmp_path: Path) -> None:
    write_pictures(tmp_path, tuple(f"{source}{i}.png" for source in "xy" for i in range(40)))
    pictures = [
        {"file": f"{source}{i}.png", "width": 50, "height": 40 + place, "source": source, "objects": []}
        for place, (source, i) in enumerate((s, i) for s in "xy" for i in range(40))
    ]
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"version": 1, "pictures": pictures}), encoding="utf-8")
    found = read_calibration(path, limit=80)
    _, held = hold_out(open_data([path]).records, *HELD_OUT)
    assert held
    assert {r.key for r in held}.isdisjoint(r.key for r in found.records)
    assert len(found.records) == 80 - len(held)
    assert [record.source for record in found.records[:6]] == ["x", "y"] * 3
    assert read_calibration(path, limit=80).sha256 == found.sha256


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_takes_nothing(tmp_path: Path, limit: int) -> None:
    folder = write_pictures(tmp_path / "c", ("a.png", "b.png"))
    with pytest.raises(InputError, match=f"{limit} pictures; at least 1; try --limit 64"):
        read_calibration(folder, limit=limit)


def test_inputs_fit_the_graphs_and_are_the_same_again(tmp_path: Path) -> None:
    found = read_calibration(write_pictures(tmp_path / "c", ("a.png", "b.png")))
    once, again = (list(found.inputs(CONTRACT)) for _ in range(2))
    assert len(once) == 2
    for (pixels, prompts), (same_pixels, same_prompts) in zip(once, again, strict=True):
        assert pixels.shape == (1, 3, 64, 96)
        assert [value.shape for value in prompts] == [(1, 4, 1, 2), (1, 4, 2), (1, 4, 4), (1, 2)]
        np.testing.assert_array_equal(pixels, same_pixels)
        for value, same in zip(prompts, same_prompts, strict=True):
            assert value.dtype == np.float32
            np.testing.assert_array_equal(value, same)


def test_drawn_prompts_are_clicks_and_boxes_inside_the_picture() -> None:
    fit = fit_picture(50, 50, Size(64, 96))
    points, labels, boxes, size = drawn_prompts(fit, CONTRACT, seed=3)
    assert size.tolist() == [[64, 64]]
    assert labels[0].tolist() == [[1, -1], [-1, 1]] * 2
    assert PointLabel.EMPTY == -1
    assert ((points >= 0) & (points <= 64)).all()
    assert ((boxes >= 0) & (boxes <= 64)).all()
    assert (boxes[..., 2:] > boxes[..., :2]).all()
    assert not np.array_equal(points, drawn_prompts(fit, CONTRACT, seed=4)[0])
