"""JSON files of data sets, plain or gzipped."""

import gzip
import json
from pathlib import Path
from typing import Any

from rmpsam_mobile.errors import InputError


def read_document(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Read a JSON object that has ``keys``.

    Raises:
        InputError: missing, not JSON, or without one of the keys.
    """
    try:
        raw = path.read_bytes()
        document = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except (ValueError, EOFError) as error:
        raise InputError(f"{path}: is no JSON ({str(error)[:60]}); copy it again") from None
    missing = [key for key in keys if not isinstance(document, dict) or key not in document]
    if missing:
        raise InputError(f"{path}: has no {', '.join(missing)}; it is not of this layout")
    assert isinstance(document, dict)
    return document


def inside(folder: Path, name: str) -> Path:
    """The file ``name`` of a data set below its folder.

    Raises:
        InputError: the name leads out of the folder.
    """
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InputError(f"{folder}: names {name!r}, which lies outside of it; do not use this data set")
    return path
