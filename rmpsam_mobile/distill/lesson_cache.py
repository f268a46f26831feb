"""What a teacher said, on disk: float16, one file for each batch of the stream, so that a stopped run finds them again.

The stream is a pure function of seed and number, so a batch's number names its pictures, crops and colours; students
that are trained with the same recipe and seed share the teacher's work. MobileSAM (arXiv 2306.14289, section 4.1) and
TinySAM store the teacher's features likewise.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.checkpoint.store import read_safetensors
from rmpsam_mobile.distill.recipe import Recipe
from rmpsam_mobile.errors import InputError

ABOUT = "cache.json"


class LessonCache:
    """A folder of tensors by batch."""

    def __init__(self, folder: Path, network: nn.Module, recipe: Recipe) -> None:
        """Open or make the folder.

        Raises:
            InputError: it holds what another teacher said, or another stream.
        """
        self.folder, self.batches = folder, recipe.steps
        self.estimate = ""  # of the whole cache, once the first batch was written
        about = json.dumps({"teacher": _fingerprint(network), "stream": _stream_numbers(recipe)}, sort_keys=True)
        folder.mkdir(parents=True, exist_ok=True)
        stored = folder / ABOUT
        if stored.exists() and stored.read_text() != about:
            raise InputError(f"{folder} holds lessons of another teacher or another stream; give another folder")
        write_file(stored, about.encode())

    def read(self, key: str) -> dict[str, Tensor] | None:
        """Tensors of a batch as float32, or None where they were not stored yet."""
        path = self._path(key)
        if not path.exists():
            return None
        return {name: tensor.float() for name, tensor in read_safetensors(path)[0].items()}

    def write(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Store the tensors of a batch, whole or not at all.

        Raises:
            InputError: the disk is full.
        """
        halves = {name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in tensors.items()}
        if not self.estimate:
            size = sum(half.numel() * half.element_size() for half in halves.values())
            self.estimate = refuse_too_large(self.folder, size, self.batches)
        path = self._path(key)
        path.parent.mkdir(exist_ok=True)
        write_file(path, safetensors.torch.save(halves))

    def _path(self, key: str) -> Path:
        """Thousands of files in one folder are slow on some systems: 256 shards."""
        shard = hashlib.sha256(key.encode()).hexdigest()[:2]
        return self.folder / shard / f"{key}.safetensors"


def refuse_too_large(folder: Path, bytes_a_batch: int, batches: int) -> str:
    """Estimate the cache and say so; refuse one that does not fit.

    Raises:
        InputError: it would be larger than what is free.
    """
    wanted, free = bytes_a_batch * batches / 1e9, shutil.disk_usage(folder).free / 1e9
    if wanted > free:
        raise InputError(
            f"{folder}: {batches:,} batches need {wanted:.1f} GB and {free:.1f} GB are free; "
            "leave --cache away, or take fewer steps or another disk"
        )
    return f"{wanted:.1f} GB for {batches:,} batches of {bytes_a_batch / 1e6:.1f} MB; {free:.1f} GB are free"


def _fingerprint(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _stream_numbers(recipe: Recipe) -> dict[str, object]:
    """What decides which pixels batch number n has; the number of steps does not."""
    names = ("batch", "sizes", "tasks", "source_weights", "scale", "copy_paste", "held_out", "seed", "terms")
    document = asdict(recipe)
    return {name: document[name] for name in names}
