"""Segment everything: object-aware prompts against a grid of clicks, by the same model, decoder time included.

The comparison is MobileSAMv2's (arXiv 2312.09579, section 4): average recall of masks without classes, and the time of
the decoder. Letters: T IoU thresholds of ``detection``.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rmpsam_mobile.contracts import Graph, ModelContract
from rmpsam_mobile.evaluate.detection import FoundMask, Scene, TrueMask, match_ranks
from rmpsam_mobile.evaluate.instance_truth import TrueObjects
from rmpsam_mobile.rle import decode_mask, encode_mask
from rmpsam_mobile.runtime import Array, Runner, Segmenter
from rmpsam_mobile.runtime.proposals import Proposal

GRID_SIDE: Final = 32  # clicks a side, SAM's own
MOST: Final = 1000  # masks a picture that count
WAYS: Final[dict[str, Callable[[Segmenter], list[Proposal]]]] = {
    "object_aware": lambda segmenter: segmenter.everything(max_proposals=MOST),
    "grid": lambda segmenter: segmenter.everything_on_grid(GRID_SIDE, max_proposals=MOST),
}


@dataclass(frozen=True, kw_only=True)
class WayScore:
    """What one way to ask gave on one picture.

    Attributes:
        ranks: for each object, [T] places of the proposals that match it, 0 the surest, None where none does.
        proposals: masks after near-duplicates are gone.
        decoder_calls: runs of the prompt graph.
        decoder_ms: time of object and prompt graphs; the encoder's is the same for both ways.
    """

    ranks: Sequence[Sequence[int | None]]
    proposals: int
    decoder_calls: int
    decoder_ms: float


@dataclass(frozen=True, kw_only=True)
class EverythingScore:
    """One picture: its collection, the shares of its objects, and what each of ``WAYS`` gave."""

    source: str
    shares: Sequence[float]
    ways: dict[str, WayScore]


class TimedRunner:
    """A runner that counts calls and milliseconds by graph."""

    def __init__(self, runner: Runner) -> None:
        """Args: runner: what does the work."""
        self._runner = runner
        self.calls: dict[Graph, int] = {}
        self.ms: dict[Graph, float] = {}

    @property
    def contract(self) -> ModelContract:
        """The runner's."""
        return self._runner.contract

    @property
    def engine(self) -> str:
        """The runner's."""
        return self._runner.engine

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The runner's."""
        return self._runner.graphs

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        start = time.perf_counter()
        outputs = self._runner.run(graph, inputs)
        self.ms[graph] = self.ms.get(graph, 0.0) + 1e3 * (time.perf_counter() - start)
        self.calls[graph] = self.calls.get(graph, 0) + 1
        return outputs

    def reset(self) -> None:
        """Start counting anew."""
        self.calls, self.ms = {}, {}


def propose_everything(segmenter: Segmenter, picture: TrueObjects) -> EverythingScore:
    """Ask for everything in both ways, one after the other on the same features, and match the objects.

    Args:
        segmenter: its runner is used; with an object graph.
        picture: of the truth.

    Raises:
        InputError: a picture that cannot be read, or is of another size than its masks.
    """
    runner = TimedRunner(segmenter.runner)
    timed = Segmenter(runner)
    timed.set_image(picture.checked().record.read())
    truths = [TrueMask(rle=o.rle, share=float(decode_mask(o.rle).mean()), is_crowd=o.is_crowd) for o in picture.objects]
    ways = {}
    for name, propose in WAYS.items():
        runner.reset()
        proposals = propose(timed)
        found = [
            FoundMask(rle=encode_mask(p.mask), share=p.area / p.mask.size, score=float(-place))  # the order is theirs
            for place, p in enumerate(proposals)
        ]
        ways[name] = WayScore(
            ranks=match_ranks(Scene(source="", truths=truths, found=found)),
            proposals=len(proposals),
            decoder_calls=runner.calls.get(Graph.PROMPTS, 0),
            decoder_ms=runner.ms.get(Graph.OBJECTS, 0.0) + runner.ms.get(Graph.PROMPTS, 0.0),
        )
    return EverythingScore(
        source=picture.record.source, shares=[truth.share for truth in truths if not truth.is_crowd], ways=ways
    )
