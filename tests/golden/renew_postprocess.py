"""Take the small part of the official code's numbers that travels with the repository.

Run from the repository's root, with the shared folder beside it: ``python -m tests.golden.renew_postprocess``.
Writes preprocess.npz, postprocess.npz and tracking.npz into this folder; the same input gives the same bytes.
"""

import io
import zipfile

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.postprocess import link_queries
from tests.conftest import GOLDEN, oracle

_EPOCH = (1980, 1, 1, 0, 0, 0)


def _write(name: str, tensors: dict[str, NDArray[np.generic]]) -> int:
    # numpy stamps each entry with the current time, which would change the file at every run.
    path = GOLDEN / f"{name}.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for key, tensor in tensors.items():
            buffer = io.BytesIO()
            np.save(buffer, tensor, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{key}.npy", _EPOCH), buffer.getvalue(), zipfile.ZIP_DEFLATED)
    return path.stat().st_size


def _preprocess() -> dict[str, NDArray[np.generic]]:
    padded = oracle("r18.padded")
    kept = {key: padded[key] for key in ("raw_bgr", "resize_scale", "resized_bgr", "img_shape", "ori_shape")}
    return kept | {"pixel_values.every8": padded["pixel_values"][:, :, ::8, ::8]}


def _postprocess() -> dict[str, NDArray[np.generic]]:
    kept = {key: tensor for key, tensor in oracle("postprocess").items() if not key.startswith("link.")}
    # Half the size, and the tests see that no pixel of any map or mask changes.
    kept["mask_logits"] = kept["mask_logits"].astype(np.float32)
    padded = oracle("r18.padded")
    kept["padded.mask_logits.first"] = padded["mask_logits"][0, :1]
    kept["padded.upsampled.first"] = padded["upsampled.first4"][0, :1]
    return kept


def _tracking() -> dict[str, NDArray[np.generic]]:
    video = oracle("r18.video")
    previous = video["link0.previous_queries"][0].astype(np.float16)
    current = video["link0.clip_queries"][0].astype(np.float16)
    if link_queries(previous, current).tolist() != video["link0.order"].tolist():
        raise SystemExit("float16 is too coarse for this link: the assignment changed; store float32 instead")
    return {
        "previous": previous,
        "current": current,
        "order": video["link0.order"],
        "class_logits": video["class_logits"][0].astype(np.float32),
        "labels": video["frame0.labels"],
    }


if __name__ == "__main__":
    for file, tensors in (("preprocess", _preprocess()), ("postprocess", _postprocess()), ("tracking", _tracking())):
        print(f"{file}.npz: {_write(file, tensors):,} bytes")  # noqa: T201
