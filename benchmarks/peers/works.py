"""What is set against what: works, each a number of runs of some files, and the ratios of their times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.entries import BATCHES, DECODER, OUR_SIZE, OURS, PEER_SIZES, SLOTS, Form, label
from rmpsam_mobile.runtime.proposals import NUM_PROMPTS

GRID_CLICKS: Final = 32 * 32  # SAM's own grid
# What was promised, in times as fast as the peer: encoders by the peer's input size, one tap, everything.
ENCODER_LIMITS: Final = {1024: 15, 512: 3}
TAP: Final = 1
EVERYTHING: Final = 60


@dataclass(frozen=True)
class Work:
    """Runs of files by label; what lies between them (pictures, masks, duplicates) is on neither side."""

    name: str
    runs: Mapping[str, int]

    def ms(self, samples: Mapping[str, Sequence[float]]) -> NDArray[np.float64]:
        """Milliseconds of each round."""
        rounds = [count * np.asarray(samples[file]) for file, count in self.runs.items()]
        total: NDArray[np.float64] = np.sum(rounds, axis=0)
        return total


@dataclass(frozen=True, kw_only=True)
class Duel:
    """A peer's work against ours.

    Attributes:
        what: is done.
        preset: ours, at 512.
        size: side of the peer's input in pixels.
        form: the peer's.
        peer: its work.
        ours: our work.
        least: how many times as fast ours has to be; None where nothing was promised.
    """

    what: str
    preset: str
    size: int
    form: Form
    peer: Work
    ours: Work
    least: float | None = None

    def row(self, samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
        """The ratio peer / ours, round by round, and whether its median keeps the promise."""
        peer, ours = self.peer.ms(samples), self.ours.ms(samples)
        low, middle, high = np.percentile(peer / ours, [10, 50, 90]).tolist()
        return {
            "what": self.what,
            "preset": self.preset,
            "peer": self.peer.name,
            "size": self.size,
            "form": str(self.form),
            "peer_ms": float(np.median(peer)),
            "ours_ms": float(np.median(ours)),
            "ratio": {"p10": low, "p50": middle, "p90": high},
            "at_least": self.least,
            "holds": None if self.least is None else middle >= self.least,
            "peer_runs": dict(self.peer.runs),
            "our_runs": dict(self.ours.runs),
        }


def all_duels(samples: Mapping[str, Sequence[float]]) -> Iterator[Duel]:
    """Every comparison, for each of our presets and both forms of the peers.

    Args:
        samples: by which the peers' grids choose their fastest number of clicks a call.
    """
    for preset, size, form in product(OURS, PEER_SIZES, Form):
        against = partial(Duel, preset=preset, size=size, form=form)
        encoder, everything = _one(f"{preset} encoder", OUR_SIZE), our_everything(preset)
        mobile, edge = (_one(f"{name} encoder", size, form=form) for name in ("MobileSAM", "EdgeSAM-shaped"))
        grid = sam_grid(size, form, samples)
        yield against(what="encoder", peer=mobile, ours=encoder, least=ENCODER_LIMITS[size])
        yield against(what="encoder", peer=edge, ours=encoder)
        for count in SLOTS:
            decoder, tap = _one(DECODER, size, count, form), _one(f"{preset} prompts", OUR_SIZE, count)
            yield against(what=f"taps: {count}", peer=decoder, ours=tap, least=TAP if count == 1 else None)
        yield against(what="everything", peer=grid, ours=everything, least=EVERYTHING)
        yield against(what="everything and its encoder", peer=_both(mobile, grid), ours=_both(encoder, everything))


def our_everything(preset: str) -> Work:
    """Objects, then their boxes and some clicks as prompts, as ``Segmenter.everything`` asks."""
    calls = -(-NUM_PROMPTS // SLOTS[-1])
    runs = {label(f"{preset} objects", OUR_SIZE): 1, label(f"{preset} prompts", OUR_SIZE, SLOTS[-1]): calls}
    return Work(f"objects and {calls} x {SLOTS[-1]} prompts", runs)


def sam_grid(size: int, form: Form, samples: Mapping[str, Sequence[float]]) -> Work:
    """All clicks of SAM's grid, as many a call as is fastest."""
    grids = [
        Work(
            f"SAM's grid, {GRID_CLICKS // batch} x {batch} clicks",
            {label(DECODER, size, batch, form): GRID_CLICKS // batch},
        )
        for batch in BATCHES[size]
    ]
    return min(grids, key=lambda grid: float(np.median(grid.ms(samples))))


def _one(what: str, size: int, prompts: int = 0, form: Form = Form.REWRITTEN) -> Work:
    return Work(what, {label(what, size, prompts, form): 1})


def _both(first: Work, second: Work) -> Work:
    return Work(f"{first.name} and {second.name}", {**first.runs, **second.runs})
