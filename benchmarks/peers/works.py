"""What is set against what: works, each a number of runs of some files, and the ratios of their times."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.entries import BATCHES, DECODER, OUR_SIZE, OURS, PEER_SIZES, SLOTS, Form, label
from rmpsam_mobile.runtime.proposals import NUM_PROMPTS

GRID_CLICKS: Final = 32 * 32  # SAM's own grid
# What has to be shown, at least: times as fast as the peer.
ENCODER_AT_PUBLISHED_SIZES: Final = 15
ENCODER_AT_EQUAL_SIZE: Final = 3
ENCODER_LIMITS: Final = {1024: ENCODER_AT_PUBLISHED_SIZES, 512: ENCODER_AT_EQUAL_SIZE}
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


@dataclass(frozen=True)
class Duel:
    """A peer's work against ours, and how many times as fast ours has to be; None where nothing was promised."""

    what: str
    peer: Work
    ours: Work
    least: float | None = None

    def row(self, samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
        """The ratio peer / ours, round by round, and whether its median keeps the promise."""
        ratios = self.peer.ms(samples) / self.ours.ms(samples)
        low, middle, high = np.percentile(ratios, [10, 50, 90]).tolist()
        return {
            "what": self.what,
            "peer": self.peer.name,
            "ours": self.ours.name,
            "peer_ms": float(np.median(self.peer.ms(samples))),
            "ours_ms": float(np.median(self.ours.ms(samples))),
            "ratio": {"p10": low, "p50": middle, "p90": high},
            "at_least": self.least,
            "holds": None if self.least is None else middle >= self.least,
        }


def all_duels(samples: Mapping[str, Sequence[float]]) -> Iterator[Duel]:
    """Every comparison, for each of our presets and both forms of the peers.

    Args:
        samples: by which the peers' grids choose their fastest number of clicks a call.
    """
    for preset in OURS:
        encoder, everything = _one(f"{preset} encoder", OUR_SIZE), our_everything(preset)
        for form in Form:
            for size in PEER_SIZES:
                mobile = _one("MobileSAM encoder", size, form=form)
                yield Duel("encoder", mobile, encoder, ENCODER_LIMITS[size])
                yield Duel("encoder", _one("EdgeSAM-shaped encoder", size, form=form), encoder)
                for count in SLOTS:
                    tap = _one(f"{preset} prompts", OUR_SIZE, count)
                    least = TAP if count == 1 else None
                    yield Duel(f"taps: {count}", _one(DECODER, size, count, form), tap, least)
                grid = sam_grid(size, form, samples)
                yield Duel("everything", grid, everything, EVERYTHING)
                yield Duel("picture to everything", _both(mobile, grid), _both(encoder, everything))


def our_everything(preset: str) -> Work:
    """Objects, then their boxes and some clicks as prompts, as ``Segmenter.everything`` asks."""
    calls = -(-NUM_PROMPTS // SLOTS[-1])
    runs = {label(f"{preset} objects", OUR_SIZE): 1, label(f"{preset} prompts", OUR_SIZE, SLOTS[-1]): calls}
    return Work(f"{preset} {OUR_SIZE}, objects and {calls} x {SLOTS[-1]} prompts", runs)


def sam_grid(size: int, form: Form, samples: Mapping[str, Sequence[float]]) -> Work:
    """All clicks of SAM's grid, as many a call as is fastest."""
    grids = [
        Work(
            f"SAM's grid {size}, {GRID_CLICKS // batch} x {batch} clicks, {form}",
            {label(DECODER, size, batch, form): GRID_CLICKS // batch},
        )
        for batch in BATCHES[size]
    ]
    return min(grids, key=lambda grid: float(np.median(grid.ms(samples))))


def _one(what: str, size: int, prompts: int = 0, form: Form = Form.REWRITTEN) -> Work:
    name = label(what, size, prompts, form)
    return Work(name, {name: 1})


def _both(first: Work, second: Work) -> Work:
    return Work(f"{first.name} + {second.name}", {**first.runs, **second.runs})
