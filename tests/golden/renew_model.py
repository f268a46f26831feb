"""Take the small part of the official network's numbers that travels with the repository.

Run from the repository's root, with the shared folder beside it: ``python -m tests.golden.renew_model``.
Writes model.npz (inputs as they are, every other tensor thinned out) and the lists from which weights and class
embeddings are made; the same input gives the same bytes.
"""

import io
import shutil
import zipfile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tests.conftest import GOLDEN, oracle, shared
from tests.model.oracle_tensors import FILES, INPUTS, thin

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LISTS: Final = ("rmpsam-r18.json", "classifier-coco.json", "classifier-ytvis2019.json")


def _kept() -> dict[str, NDArray[Any]]:
    kept: dict[str, NDArray[Any]] = {}
    for file in FILES:
        stored = oracle(file)
        kept |= {f"{file}/{name}": stored[name] for name in INPUTS[file]}
        kept |= {f"{file}/{name}": thin(stored[name]) for name in FILES[file]}
    return kept


def _write(tensors: dict[str, NDArray[Any]]) -> int:
    path = GOLDEN / "model.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for key, tensor in tensors.items():
            buffer = io.BytesIO()
            np.save(buffer, tensor, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy", _EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED)
    return path.stat().st_size


if __name__ == "__main__":
    for name in _LISTS:
        shutil.copyfile(shared("oracle", name), GOLDEN / name)
    print(f"model.npz: {_write(_kept()):,} bytes")  # noqa: T201
