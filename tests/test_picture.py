"""Any picture in, the same kind of array out; and one clear line for what is none."""

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.picture import read_picture

RAMP = np.arange(16 * 24 * 3, dtype=np.uint32).reshape(16, 24, 3).astype(np.uint8)


def _message(source: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_picture(source)
    text = str(caught.value)
    assert "\n" not in text
    assert caught.value.exit_code == 2
    return text


def _png_header(width: int, height: int) -> bytes:
    """Bytes of a PNG that claims a size and holds no pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def test_a_file_its_text_path_and_a_pillow_picture_give_the_same_pixels(tmp_path: Path) -> None:
    path = tmp_path / "ramp.png"
    Image.fromarray(RAMP).save(path)
    for source in (path, str(path), Image.open(path), RAMP):
        result = read_picture(source)
        assert result.dtype == np.uint8
        assert result.flags.c_contiguous
        np.testing.assert_array_equal(result, RAMP)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    turned = {
        1: RAMP,
        2: RAMP[:, ::-1],
        3: RAMP[::-1, ::-1],
        4: RAMP[::-1],
        5: RAMP.transpose(1, 0, 2),
        6: np.rot90(RAMP, -1),
        7: RAMP[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(RAMP, 1),
    }[orientation]
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(RAMP).save(path, exif=exif)
    np.testing.assert_array_equal(read_picture(path), turned)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (0, 128), (127, 127, 127)),
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("RGBA", (200, 100, 0, 51), (244, 224, 204)),  # 255 + (value - 255) * 51 / 255
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("YCbCr", (128, 128, 128), (128, 128, 128)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 257 * 100 + 128, (100, 100, 100)),
        ("I;16", 257 * 100 + 129, (101, 101, 101)),
        ("I;16B", 257 * 9, (9, 9, 9)),
        ("I", 65535, (255, 255, 255)),
        ("I", 257 * 200, (200, 200, 200)),
    ],
)
def test_every_mode_becomes_rgb(mode: str, colour: Any, expected: tuple[int, int, int]) -> None:
    result = read_picture(Image.new(mode, (9, 8), colour))
    assert result.shape == (8, 9, 3)
    assert np.unique(result.reshape(-1, 3), axis=0).tolist() == [list(expected)]


def test_palettes_with_and_without_transparency(tmp_path: Path) -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([10, 20, 30, 40, 50, 60])
    for name, options, expected in (
        ("plain.png", {}, [40, 50, 60]),
        ("clear.png", {"transparency": 1}, [255, 255, 255]),
        ("other.png", {"transparency": 0}, [40, 50, 60]),
        ("shares.png", {"transparency": bytes([255, 0])}, [255, 255, 255]),
        ("clear.gif", {"transparency": 1}, [255, 255, 255]),
    ):
        picture.save(tmp_path / name, **options)
        assert read_picture(tmp_path / name)[4, 4].tolist() == expected, name


def test_sixteen_bit_grey_from_a_png_and_a_tiff_is_scaled(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    for name in ("deep.png", "deep.tif"):
        Image.fromarray(deep).save(tmp_path / name)
        expected = np.floor(deep / 257 + 0.5).astype(np.uint8)
        np.testing.assert_array_equal(read_picture(tmp_path / name)[..., 1], expected)


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    assert read_picture(tmp_path / "two.gif")[0, 0].tolist() == [255, 0, 0]


def test_a_grey_array_is_repeated_and_a_strided_one_made_contiguous() -> None:
    np.testing.assert_array_equal(read_picture(RAMP[..., 0]), np.stack([RAMP[..., 0]] * 3, axis=2))
    assert read_picture(RAMP[:, ::-1]).flags.c_contiguous


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.zeros((8, 8, 3), np.float32),
            "picture array holds float32; only uint8 is taken; bring it to 0..255 and add .astype(numpy.uint8)",
        ),
        (
            np.zeros((8, 8, 4), np.uint8),
            "picture array has shape (8, 8, 4); needed is (height, width, 3) in RGB order or (height, width); "
            "drop alpha and batch axes first",
        ),
        (
            np.zeros((1, 8, 8, 3), np.uint8),
            "picture array has shape (1, 8, 8, 3); needed is (height, width, 3) in RGB order or (height, width); "
            "drop alpha and batch axes first",
        ),
        (
            np.zeros((0, 8, 3), np.uint8),
            "picture array is 8 x 0 px; the shortest side needs 8; take a larger picture",
        ),
        (
            np.zeros((1, 1), np.uint8),
            "picture array is 1 x 1 px; the shortest side needs 8; take a larger picture",
        ),
        (
            np.zeros((8, 257), np.uint8),
            "picture array is 257 x 8 px; one side may be 32 times the other at most; crop it first",
        ),
    ],
)
def test_arrays_that_are_no_picture(array: np.ndarray[Any, Any], message: str) -> None:
    assert _message(array) == message


@pytest.mark.parametrize(
    ("width", "height", "problem"),
    [
        (7, 9, "the shortest side needs 8; take a larger picture"),
        (16385, 9, "the longest side may have 16384; shrink or crop it first"),
        (8001, 8000, "64,008,000 pixels, 64,000,000 are the limit; shrink or crop it first"),
        (13000, 13000, "169,000,000 pixels, 64,000,000 are the limit; shrink or crop it first"),
        (16384, 511, "one side may be 32 times the other at most; crop it first"),
    ],
)
def test_sizes_are_refused_from_the_header_alone(tmp_path: Path, width: int, height: int, problem: str) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(_png_header(width, height))
    assert _message(path) == f"{path} is {width} x {height} px; {problem}"


def test_the_limits_themselves_are_accepted() -> None:
    for shape in ((8, 8), (8, 256), (512, 16384)):
        assert read_picture(np.zeros(shape, np.uint8)).shape == (*shape, 3)


def test_a_decompression_bomb_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(60000, 60000))
    assert _message(path) == (
        f"{path} has more than 64,000,000 pixels, the most a picture may have; shrink or crop it first"
    )


def test_missing_folder_empty_and_foreign_files(tmp_path: Path) -> None:
    missing, empty, text = tmp_path / "missing.png", tmp_path / "empty.png", tmp_path / "text.png"
    empty.touch()
    text.write_text("no picture at all")
    assert _message(missing) == f"{missing} does not exist; check the path to the picture"
    assert _message(tmp_path) == f"{tmp_path} is a folder; a picture file is needed; name one of the files in it"
    assert _message(empty) == f"{empty} is empty (0 bytes); copy or download the picture again"
    assert _message(text) == (
        f"{text} is no picture in a known format; save it as JPEG, PNG or WebP (HEIC has to be converted)"
    )
    long = tmp_path / ("x" * 300)
    assert _message(long) == f"{long} cannot be reached (File name too long); check the path to the picture"
    assert _message(Path("/dev/null")) == "/dev/null is no regular file; save the picture to a file first"


def test_a_file_cut_off_names_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    text = _message(path)
    assert text.startswith(f"{path} cannot be decoded (image file is truncated")
    assert text.endswith("); it may be cut off: save it again as PNG")


def test_pixels_without_a_known_range_are_refused() -> None:
    assert _message(Image.new("F", (8, 8))) == (
        "picture holds float pixels, whose range nobody knows; save it as 8-bit PNG or JPEG"
    )
    assert _message(Image.new("I", (8, 8), 70000)) == (
        "picture holds grey values from 70000 to 70000; 0 to 65535 are taken; save it as 8-bit PNG"
    )


def test_a_closed_pillow_picture_is_refused() -> None:
    picture = Image.new("RGB", (8, 8))
    picture.close()
    assert _message(picture) == (
        "picture cannot be decoded (Operation on closed image); it may be cut off: save it again as PNG"
    )


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.png"
    path.write_bytes(b"x")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert _message(path) == f"{path} cannot be read (Permission denied); check its permissions"


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]),
    cut=st.integers(0, 3000),
    changes=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=4),
)
def test_broken_files_never_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, cut: int, changes: list[tuple[int, int]]
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(RAMP).save(buffer, kind)
    data = bytearray(buffer.getvalue())
    for place, value in changes:
        data[place % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "broken"
    path.write_bytes(bytes(data[: max(cut % (len(data) + 1), 1)]))
    try:
        result = read_picture(path)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert result.dtype == np.uint8
        assert result.shape[2] == 3
