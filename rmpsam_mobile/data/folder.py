"""A plain folder of pictures: nothing is known of them, which is enough to imitate a teacher on."""

from pathlib import Path

from rmpsam_mobile.data.records import PictureFile, Record, Skipped
from rmpsam_mobile.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


def read_folder(folder: str | Path) -> tuple[list[Record], list[Skipped]]:
    """Every picture below a folder by name, and the files that look like one but are none.

    Raises:
        InputError: no folder, or no picture in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one with pictures")
    records, skipped = [], []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES):
        try:
            height, width = PictureFile(path).size()
        except InputError as error:
            skipped.append(Skipped(path.name, str(error)))
            continue
        key = path.relative_to(folder).as_posix()
        records.append(
            Record(
                key=key,
                picture=PictureFile(path),
                height=height,
                width=width,
                source=folder.name,
                labels=(),
                is_labelled=False,
            )
        )
    if not records:
        raise InputError(f"{folder} has no picture ({len(skipped)} unreadable); wanted {', '.join(sorted(SUFFIXES))}")
    return records, skipped
