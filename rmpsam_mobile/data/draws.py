"""Which picture comes next: a source by its weight, then one of its pictures, each as likely as the others."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError


@dataclass(frozen=True)
class Pool:
    """Pictures that a task may draw.

    Attributes:
        sources: with a weight above 0, by name.
        edges: float64, the running sum of the sources' shares, the last one 1.
        members: for each source the numbers of its pictures.
    """

    sources: tuple[str, ...]
    edges: NDArray[np.float64]
    members: tuple[NDArray[np.int64], ...]

    def draw(self, rng: np.random.Generator) -> int:
        """The number of a picture."""
        source = int(np.searchsorted(self.edges, rng.random(), side="right"))
        members = self.members[min(source, len(self.members) - 1)]
        return int(members[rng.integers(len(members))])

    def shares(self) -> dict[str, float]:
        """How often each source is drawn; the sum is 1."""
        return dict(zip(self.sources, np.diff(self.edges, prepend=0.0).tolist(), strict=True))


def build_pool(numbered: Iterable[tuple[int, str]], weights: Mapping[str, float]) -> Pool | None:
    """Gather pictures by source; None where none is left.

    A source's share is proportional to its weight (1 where ``weights`` has none) times the square root of its number
    of pictures: between all sources alike, which wears out the small ones, and all pictures alike.

    Args:
        numbered: number and source of each picture.
        weights: by source; 0 leaves it out.

    Raises:
        InputError: a weight below 0.
    """
    for name, weight in weights.items():
        if not 0 <= weight < float("inf"):
            raise InputError(f"the weight of {name!r} is {weight}; give 0 or more")
    members: defaultdict[str, list[int]] = defaultdict(list)
    for number, source in numbered:
        if weights.get(source, 1.0) > 0:
            members[source].append(number)
    if not members:
        return None
    names = tuple(sorted(members))
    shares = np.array([weights.get(name, 1.0) * len(members[name]) ** 0.5 for name in names])
    edges = np.cumsum(shares / shares.sum())
    return Pool(names, edges / edges[-1], tuple(np.array(members[name], np.int64) for name in names))
