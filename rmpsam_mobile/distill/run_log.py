"""What a run leaves to look at: ``log.csv``, ``held_out.csv``, and TensorBoard curves with pictures."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.distill.held_out import HeldOut
from rmpsam_mobile.distill.held_out_objects import HeldOutObjects

EVERY = 10  # updates between rows


class RunLog:
    """Appends; rows of updates that a killed run had not saved are cut off when it goes on."""

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        for name in ("log.csv", "held_out.csv"):
            _truncate(folder / name, step)
        self._board = _board(folder, step)

    def losses(self, step: int, losses: Mapping[str, float], rate: float) -> None:
        """Add one update; a row is the mean of those since the last row."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1
        if step % EVERY:
            return
        row = {"step": step, "rate": rate, **{name: value / self._counts[name] for name, value in self._sums.items()}}
        self._write("log.csv", row)
        self._sums, self._counts = {}, {}

    def held_out(self, step: int, found: HeldOut, objects: HeldOutObjects | None = None) -> None:
        """Add one measurement, with the object branch where it was measured."""
        self._write("held_out.csv", {"step": step, **vars(found), **({} if objects is None else vars(objects))})

    @property
    def shows_pictures(self) -> bool:
        """Whether TensorBoard is there to show them."""
        return self._board is not None

    def pictures(self, step: int, drawn: Sequence[NDArray[np.uint8]]) -> None:
        """Show pictures, uint8 RGB [H, W, 3]."""
        for number, picture in enumerate(drawn):
            self._board.add_image(f"held_out/{number}", picture, step, dataformats="HWC")

    def close(self) -> None:
        """Flush the curves."""
        if self._board is not None:
            self._board.close()

    def _write(self, name: str, row: Mapping[str, float]) -> None:
        with (self.folder / name).open("a", newline="") as stream:
            writer = csv.writer(stream)
            for key, value in row.items():
                if key != "step":
                    writer.writerow((row["step"], key, f"{value:.6g}"))
        if self._board is not None:
            for key, value in row.items():
                self._board.add_scalar(f"{name.removesuffix('.csv')}/{key}", value, row["step"])


def _truncate(path: Path, step: int) -> None:
    """Drop rows past ``step``; the columns are step, name, value."""
    if path.exists():
        with path.open(newline="") as stream:
            kept = [row for row in csv.reader(stream) if len(row) == 3 and int(row[0]) <= step]  # the last may be torn
        text = io.StringIO(newline="")
        csv.writer(text).writerows(kept)
        write_file(path, text.getvalue().encode())


def _board(folder: Path, step: int) -> Any:
    """A TensorBoard writer, or None where tensorboard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
