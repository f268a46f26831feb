"""Weights that depend on tensor names only: the recipe of shared/oracle/README.md, so that no weights are stored.

A value is centre + spread * sqrt(3) * (2 u - 1), u in [0, 1) from the raw output of PCG64 seeded with sha256(name).
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmpsam_mobile.checkpoint.layout import expected_shapes

Spec = Mapping[str, Any]


def read_spec(path: Path) -> Spec:
    """Read a list of tensors (``tensors``, ``given``) or of a classifier (``classifier``, ``prototypes``)."""
    spec: Spec = json.loads(path.read_text(encoding="utf-8"))
    return spec


def spec_of_preset(preset: str) -> Spec:
    """Make a list with harmless numbers for any preset: norms near the identity, all else small."""
    rows = []
    for name, shape in expected_shapes(preset).items():
        is_scale = name.endswith(("running_var", "norm.weight", "bn.weight")) or len(shape) == 1
        rows.append([name, list(shape), 1.0 if is_scale and not name.endswith("bias") else 0.0, 0.05])
    return {"model": preset, "given": {}, "tensors": rows}


def seeded_state_dict(spec: Spec) -> dict[str, Tensor]:
    """Return official name -> float32 tensor (int64 for counters) with the version metadata of torch (quirk 12)."""
    made: OrderedDict[str, Tensor] = OrderedDict()
    for name, shape, centre, spread in spec["tensors"]:
        if name in spec["given"]:
            values = np.asarray(spec["given"][name], np.float64)
        elif name.endswith("num_batches_tracked"):
            made[name] = torch.tensor(int(centre))
            continue
        else:
            values = centre + spread * 3**0.5 * (2 * _uniform(name, int(np.prod(shape))) - 1)
        made[name] = torch.from_numpy(values.reshape(shape).astype(np.float32))
    made._metadata = OrderedDict({"": {"version": 1}, "panoptic_head": {"version": 1}})  # type: ignore[attr-defined]
    return made


def seeded_classifier(spec: Spec) -> Tensor:
    """Return class embeddings (C, P, D) float32: unit rows, short classes padded with their first row."""
    width, most = spec["dim"], max(spec["prototypes"])
    scale = np.where(np.arange(width) < spec["strong"], 1.0, spec["weak"])
    table = np.empty((len(spec["prototypes"]), most, width))
    for index, count in enumerate(spec["prototypes"]):
        rows = np.stack([_uniform(f"{spec['classifier']}/{index}/{i}", width) for i in range(count)])
        rows = (2 * rows - 1) * scale
        rows /= np.sqrt((rows * rows).sum(-1, keepdims=True))
        table[index] = rows[[*range(count), *[0] * (most - count)]]
    return torch.from_numpy(table.astype(np.float32))


def write_official_checkpoint(path: Path, state_dict: Mapping[str, Any], **more: Any) -> Path:
    """Write mmengine's layout: meta and state_dict, and what else is given beside them."""
    meta = {"epoch": 12, "iter": 0, "seed": 0, "experiment_name": path.stem, "dataset_meta": {"classes": None}}
    torch.save({"meta": meta, "state_dict": state_dict, **more}, path)
    return path


def digest(tensors: Mapping[str, Tensor]) -> str:
    """First 16 hexadecimal digits of sha256 over sorted names and raw bytes."""
    state = sha256()
    for name in sorted(tensors):
        state.update(name.encode())
        state.update(tensors[name].contiguous().numpy().tobytes())
    return state.hexdigest()[:16]


def _uniform(name: str, count: int) -> NDArray[np.float64]:
    generator = np.random.PCG64(int.from_bytes(sha256(name.encode()).digest(), "big"))
    raw: NDArray[np.uint64] = np.atleast_1d(generator.random_raw(count))
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
