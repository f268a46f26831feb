"""Frames of a video: a folder of pictures, an animated picture, or a film."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence, UnidentifiedImageError

from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.picture import read_picture

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
ANIMATIONS = frozenset({".gif", ".webp", ".apng", ".png"})
FILMS = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"})


class Frames(Protocol):
    """Frames in order, as often as they are asked for, one in memory at a time; uint8 RGB [H, W, 3], one size."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[NDArray[np.uint8]]: ...


def open_frames(path: str | Path) -> "Frames":
    """Open a folder of pictures (by name), a GIF, WebP or APNG, or a film (needs PyAV).

    Raises:
        InputError: nothing usable there.
        MissingExtraError: a film, and PyAV is not installed.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith("."))
        if not files:
            raise InputError(f"{path} holds no pictures; wanted {', '.join(sorted(PICTURES))}")
        return FolderFrames(tuple(files))
    if not path.is_file():
        raise InputError(f"{path} does not exist; give a folder of frames, a GIF or a film")
    if path.suffix.lower() in ANIMATIONS:
        return AnimationFrames(path)
    if path.suffix.lower() in FILMS:
        return FilmFrames(path)
    raise InputError(f"{path}: unknown kind of video; known: a folder, {', '.join(sorted(ANIMATIONS | FILMS))}")


class FolderFrames:
    """Pictures of a folder in the order of their names; all of the first one's size."""

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files = files

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self._files)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Read one picture at a time."""
        shape = None
        for file in self._files:
            frame = read_picture(file)
            shape = shape or frame.shape
            if frame.shape != shape:
                raise InputError(f"{file} is {_size(frame.shape)}, the first frame {_size(shape)}; make them one size")
            yield frame


class AnimationFrames:
    """Frames of an animated picture."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with Image.open(path) as picture:
                self._count = int(getattr(picture, "n_frames", 1))
        except (UnidentifiedImageError, OSError) as error:
            raise InputError(f"{path} is no animated picture ({str(error)[:60]}); check the file") from None

    def __len__(self) -> int:
        """Count the frames."""
        return self._count

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Decode one frame at a time."""
        with Image.open(self._path) as picture:
            frames = iter(ImageSequence.Iterator(picture))
            while (found := self._next(frames)) is not None:
                yield found

    def _next(self, frames: Iterator[Image.Image]) -> NDArray[np.uint8] | None:
        try:
            for frame in frames:
                return read_picture(frame.convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise InputError(
                f"{self._path} cannot be decoded ({str(error)[:60]}); it may be cut off: save it again"
            ) from None
        return None


class FilmFrames:
    """Frames of a film, by PyAV; counted by decoding once, since containers do not always tell."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count: int | None = None

    def __len__(self) -> int:
        """Count the frames."""
        if self._count is None:
            self._count = sum(1 for _ in self)
        return self._count

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Decode one frame at a time."""
        try:
            import av
        except ImportError:
            raise MissingExtraError("films need PyAV; install it with: pip install 'rmpsam-mobile[video]'") from None
        try:
            with av.open(str(self._path)) as film:
                for frame in film.decode(video=0):
                    yield read_picture(frame.to_ndarray(format="rgb24"))
        except (av.error.FFmpegError, IndexError) as error:
            raise InputError(f"{self._path} cannot be decoded ({str(error)[:60]}); check that it is a film") from None


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]} px"
