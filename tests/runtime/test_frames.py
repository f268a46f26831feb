"""Frames of folders, animations and films: all of them, in order, one size; or one line that says why not."""

import builtins
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.runtime.frames import open_frames

COUNT, HEIGHT, WIDTH = 5, 48, 64


def make_frames(count: int = COUNT) -> list[NDArray[np.uint8]]:
    """A bright square that moves over grey; flat enough to survive lossy coding."""
    frames = []
    for t in range(count):
        frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        frame[8:32, 8 * t : 8 * t + 24] = (220, 40 * t, 60)
        frames.append(frame)
    return frames


def write_folder(folder: Path) -> Path:
    folder.mkdir()
    for t, frame in enumerate(make_frames()):
        Image.fromarray(frame).save(folder / f"{t:05d}.png")
    return folder


def write_animation(path: Path, **options: Any) -> Path:
    first, *rest = (Image.fromarray(frame) for frame in make_frames())
    first.save(path, save_all=True, append_images=rest, duration=40, **options)
    return path


def write_film(path: Path) -> Path:
    import av

    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 2_000_000
        stream.time_base = Fraction(1, 25)
        for frame in make_frames():
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    return path


def assert_frames(path: Path, tolerance: float) -> None:
    frames = open_frames(path)
    assert len(frames) == COUNT
    for _ in range(2):  # as often as they are asked for
        read = list(frames)
        assert all(frame.shape == (HEIGHT, WIDTH, 3) and frame.dtype == np.uint8 for frame in read)
        assert len(read) == COUNT
        for got, wanted in zip(read, make_frames(), strict=True):
            assert np.abs(got.astype(float) - wanted).mean() <= tolerance


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "frames")
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    (folder / "._00000.png").write_bytes(b"what a Mac leaves behind")
    assert_frames(folder, 0)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_an_animation(tmp_path: Path, name: str) -> None:
    options: dict[str, Any] = {"lossless": True} if name == "a.webp" else {}
    assert_frames(write_animation(tmp_path / name, **options), 2)


def test_a_film(tmp_path: Path) -> None:
    assert_frames(write_film(tmp_path / "a.mp4"), 6)


def test_a_still_picture_is_a_video_of_one_frame(tmp_path: Path) -> None:
    Image.fromarray(make_frames()[0]).save(tmp_path / "a.png")
    assert len(list(open_frames(tmp_path / "a.png"))) == 1


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        list(open_frames(path))
    return str(caught.value).replace(str(path), "V")


def test_frames_of_another_size_are_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "frames")
    Image.fromarray(make_frames()[0][:40]).save(folder / "00003.png")
    assert refusal(folder) == ("V/00003.png is 64 x 40 px, the first frame 64 x 48 px; make them one size")


def test_what_is_no_video(tmp_path: Path) -> None:
    empty, text = tmp_path / "empty", tmp_path / "a.txt"
    empty.mkdir()
    text.write_text("x", encoding="utf-8")
    suffixes = ".bmp, .jpeg, .jpg, .png, .tif, .tiff, .webp"
    assert refusal(empty) == f"V holds no pictures; wanted {suffixes}"
    assert refusal(tmp_path / "gone.mp4") == "V does not exist; give a folder of frames, a GIF or a film"
    assert refusal(text) == (
        "V: unknown kind of video; known: a folder, .apng, .avi, .gif, .m4v, .mkv, .mov, .mp4, .png, .webm, .webp"
    )


def test_a_broken_frame_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "frames")
    (folder / "00002.png").write_bytes(b"no picture")
    assert refusal(folder) == (
        "V/00002.png is no picture in a known format; save it as JPEG, PNG or WebP (HEIC has to be converted)"
    )


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_a_broken_animation(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"GIF89a then nothing of use")
    message = refusal(tmp_path / name)
    assert message.startswith("V ")
    assert "\n" not in message


def test_an_animation_that_is_cut_off(tmp_path: Path) -> None:
    path = write_animation(tmp_path / "a.gif")
    path.write_bytes(path.read_bytes()[:-400])
    message = refusal(path)
    assert message.startswith("V cannot be decoded (")
    assert message.endswith("); it may be cut off: save it again")


def test_a_broken_film(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film" * 100)
    message = refusal(tmp_path / "a.mp4")
    assert message.startswith("V cannot be decoded (")
    assert message.endswith("); check that it is a film")


def test_a_film_without_pyav_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = write_film(tmp_path / "a.mp4"), builtins.__import__

    def without_av(name: str, *arguments: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(MissingExtraError) as caught:
        list(open_frames(path))
    assert caught.value.exit_code == 3
    assert str(caught.value) == "films need PyAV; install it with: pip install 'rmpsam-mobile[video]'"
