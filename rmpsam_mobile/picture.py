"""Any picture file or array as one thing: a uint8 RGB array [H, W, 3], upright, no transparency.

H, W height and width in pixels. Everything after this module can rely on sides of 8 to 16384 pixels, at most
64 million pixels and no side longer than 32 times the other.
"""

import warnings
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from rmpsam_mobile.errors import InputError

MIN_SIDE: Final = 8
MAX_SIDE: Final = 16384
MAX_PIXELS: Final = 64_000_000
MAX_ASPECT: Final = 32

_PAPER: Final = (255, 255, 255)  # what shows through transparent pixels


def read_picture(source: str | Path | Image.Image | NDArray[Any]) -> NDArray[np.uint8]:
    """Read a picture as uint8 RGB [H, W, 3] in the source-image frame.

    The EXIF orientation is applied, so coordinates are those a person sees. Transparent pixels are laid over white.
    16-bit grey is scaled to 8 bit (65535 becomes 255), never clipped. Of an animation or a multi-page file the first
    picture counts. CMYK is converted without a colour profile. Sizes are checked from the header, before decoding.

    Args:
        source: path of a file, a Pillow picture, or a uint8 array [H, W, 3] in RGB order or [H, W] grey. A
            contiguous RGB array is returned as it is, without a copy.

    Raises:
        InputError: no such file, not a picture, broken, or outside the limits at the top of this module.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _decode("picture", source)
    path = Path(source)
    _check_file(path)
    try:
        # Our own handle: Pillow leaves its one open when the file turns out to be broken.
        with path.open("rb") as file:
            return _decode(str(path), file)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its permissions") from error


def _from_array(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise InputError(
            f"picture array has shape {array.shape}; needed is (height, width, 3) in RGB order or (height, width); "
            "drop alpha and batch axes first"
        )
    if array.dtype != np.uint8:
        raise InputError(
            f"picture array holds {array.dtype}; only uint8 is taken; bring it to 0..255 and add .astype(numpy.uint8)"
        )
    _check_size("picture array", array.shape[0], array.shape[1])
    if array.ndim == 2:
        return np.repeat(array[:, :, None], 3, axis=2)
    return np.ascontiguousarray(array)


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; a picture file is needed; name one of the files in it")
        if not path.exists():
            raise InputError(f"{path} does not exist; check the path to the picture")
        if not path.is_file():
            raise InputError(f"{path} is no regular file; save the picture to a file first")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes); copy or download the picture again")
    except OSError as error:
        raise InputError(f"{path} cannot be reached ({error.strerror}); check the path to the picture") from error


def _decode(name: str, source: Image.Image | BinaryIO) -> NDArray[np.uint8]:
    # Pillow warns about large, truncated and oddly tagged files; the limits below and the errors say it better.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            picture = source if isinstance(source, Image.Image) else Image.open(source)
            _check_size(name, picture.height, picture.width)
            upright = ImageOps.exif_transpose(picture)
            return _to_rgb(name, upright)
        except InputError:
            raise
        except UnidentifiedImageError as error:
            raise InputError(
                f"{name} is no picture in a known format; save it as JPEG, PNG or WebP (HEIC has to be converted)"
            ) from error
        except Image.DecompressionBombError as error:
            raise InputError(
                f"{name} has more than {MAX_PIXELS:,} pixels, the most a picture may have; shrink or crop it first"
            ) from error
        # Pillow's format plug-ins raise a dozen kinds of errors on broken files, SyntaxError and IndexError included.
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(f"{name} cannot be decoded ({reason}); it may be cut off: save it again as PNG") from error


def _check_size(name: str, height: int, width: int) -> None:
    problem = None
    if min(height, width) < MIN_SIDE:
        problem = f"the shortest side needs {MIN_SIDE}; take a larger picture"
    elif max(height, width) > MAX_SIDE:
        problem = f"the longest side may have {MAX_SIDE}; shrink or crop it first"
    elif height * width > MAX_PIXELS:
        problem = f"{height * width:,} pixels, {MAX_PIXELS:,} are the limit; shrink or crop it first"
    elif max(height, width) > MAX_ASPECT * min(height, width):
        problem = f"one side may be {MAX_ASPECT} times the other at most; crop it first"
    if problem:
        raise InputError(f"{name} is {width} x {height} px; {problem}")


def _to_rgb(name: str, picture: Image.Image) -> NDArray[np.uint8]:
    if picture.mode == "F":
        raise InputError(f"{name} holds float pixels, whose range nobody knows; save it as 8-bit PNG or JPEG")
    if picture.mode == "I" or picture.mode.startswith("I;16"):
        return _from_deep_grey(name, np.asarray(picture))
    if picture.has_transparency_data:
        colour = picture.convert("RGBA")
        paper = Image.new("RGBA", colour.size, _PAPER)
        picture = Image.alpha_composite(paper, colour)
    return np.array(picture.convert("RGB"))


def _from_deep_grey(name: str, grey: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = int(grey.min()), int(grey.max())
    if low < 0 or high > 65535:
        raise InputError(f"{name} holds grey values from {low} to {high}; 0 to 65535 are taken; save it as 8-bit PNG")
    # 65535 = 255 * 257, so dividing by 257 maps white to white; adding half of it first rounds.
    eight_bit = ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.repeat(eight_bit[:, :, None], 3, axis=2)
