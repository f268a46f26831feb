"""The weights that come with the package."""

from pathlib import Path
from typing import Final

from rmpsam_mobile.errors import InputError

FOLDER: Final = Path(__file__).resolve().parent.parent / "weights"


def named_weights(source: str | Path) -> str | Path:
    """``source``, or the shipped weights where it is a preset's name and no file."""
    path = FOLDER / f"{source}.safetensors"
    return path if path.is_file() and path.parent == FOLDER and not Path(source).exists() else source


def shipped_recipe(name: str) -> Path | None:
    """The quantization recipe that belongs to shipped weights of that name; None where there is none."""
    path = FOLDER / f"{name}.json"
    return path if path.parent == FOLDER and path.is_file() else None


def shipped_weights(preset: str) -> Path:
    """Path of a preset's trained weights, a file of ``save_checkpoint``.

    Raises:
        InputError: none ship for this preset.
    """
    path = FOLDER / f"{preset}.safetensors"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.safetensors"))) or "none"
        raise InputError(f"no trained weights ship for {preset!r}; there are: {known}; train some with distill")
    return path
