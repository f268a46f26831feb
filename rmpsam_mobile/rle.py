"""COCO's run-length codes of masks, ready for JSON: {"size": [H, W], "counts": text}."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rle = dict[str, Any]


def encode_mask(mask: NDArray[np.bool_]) -> Rle:
    """Code a mask bool [H, W]."""
    from pycocotools import mask as coco_mask

    code = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": [int(side) for side in code["size"]], "counts": code["counts"].decode("ascii")}


def decode_mask(rle: Rle) -> NDArray[np.bool_]:
    """Decode to bool [H, W]; counts may be text or bytes."""
    from pycocotools import mask as coco_mask

    counts = rle["counts"]
    with warnings.catch_warnings():  # pycocotools' array type knows no `copy` argument yet
        warnings.simplefilter("ignore", DeprecationWarning)
        decoded: NDArray[np.uint8] = coco_mask.decode(
            {"size": rle["size"], "counts": counts.encode("ascii") if isinstance(counts, str) else counts}
        )
    return decoded.astype(bool)
