"""One small bundle for a whole test run, what it was made from, and photographs that come with a dependency.

Lowering takes a minute: the first who needs the bundle makes it, workers of pytest-xdist wait and share it. Whoever
works on tests that only read it can keep it between runs: RMPSAM_TEST_BUNDLE=FOLDER pytest ...
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rmpsam_mobile.bundle import Bundle, open_bundle
from rmpsam_mobile.contracts import Size
from rmpsam_mobile.picture import read_picture
from rmpsam_mobile.runtime import PteRunner, Segmenter

PRESET = "rmpsam-seaformer-tiny"
SIZE = Size(64, 96)
SLOTS = 4
CLIP_FRAMES = 3

NEEDS_BUNDLE = pytest.mark.xdist_group("bundle")  # on one worker, while the others do what needs none


@dataclass(frozen=True)
class Made:
    """A bundle and the checkpoint that it was made from; not to be edited."""

    bundle: Path
    checkpoint: Path

    @property
    def opened(self) -> Bundle:
        return open_bundle(self.bundle)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The bundle of the run: seeded SeaFormer Tiny at 64 x 96, 4 slots, clips of 3 frames."""
    own = tmp_path_factory.getbasetemp()
    shared_folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    shared_folder = Path(os.environ.get("RMPSAM_TEST_BUNDLE", shared_folder))
    made = Made(shared_folder / "small.bundle", shared_folder / "small.safetensors")
    with (shared_folder / "small.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.bundle.exists():
            _export(made)
    return made


def _export(made: Made) -> None:
    from rmpsam_mobile.checkpoint import save_checkpoint, seeded_checkpoint
    from rmpsam_mobile.export.pipeline import export_bundle, plan_export

    save_checkpoint(seeded_checkpoint(PRESET), made.checkpoint, force=True)
    export_bundle(plan_export(made.checkpoint, size=SIZE, num_slots=SLOTS, clip_frames=CLIP_FRAMES), made.bundle)


@pytest.fixture(scope="session")
def runner(made: Made) -> PteRunner:
    """The bundle's files, loaded once."""
    return PteRunner.of(made.opened)


@pytest.fixture
def segmenter(runner: PteRunner) -> Segmenter:
    """A new Segmenter over the loaded files, no picture set."""
    return Segmenter(runner)


@pytest.fixture
def copy(made: Made, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may damage."""
    return Path(shutil.copytree(made.bundle, tmp_path / "copy.bundle"))


def photo_path(name: str = "china.jpg") -> Path:
    """A real photograph of 640 x 427 pixels: china.jpg or flower.jpg of scikit-learn."""
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)), "datasets", "images", name)


def photo(name: str = "china.jpg") -> NDArray[np.uint8]:
    return read_picture(photo_path(name))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts folders with room for so many KiB; only root can."""
    import subprocess

    mounted: list[Path] = []

    def mount(kib: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no small file system can be mounted here: {done.stderr.decode().strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def names_below(folder: Path) -> list[str]:
    """All files and folders below, to see that nothing was added or removed."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
