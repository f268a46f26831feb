"""How a latency is taken: rounds of warm-up and timed runs, with a rest between."""

from dataclasses import asdict, dataclass
from typing import Any

from rmpsam_mobile.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Numbers of a measurement; a round ends when both its runs and its time are reached, or at its longest.

    Raises:
        InputError: a number that is out of range.
    """

    rounds: int = 3
    warmup: int = 5
    runs: int = 50
    min_round_s: float = 2.0
    max_round_s: float = 60.0
    cooldown_s: float = 300.0  # the longest rest before a round; it ends earlier once the phone is cool

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.runs < 1 or self.warmup < 0:
            raise InputError(
                f"{self.runs} runs after {self.warmup} of warm-up; at least 1 run; try --runs 50 --warmup 5"
            )
        if not 1 <= self.rounds <= 20:
            raise InputError(f"{self.rounds} rounds; the limit is 1 to 20; try --rounds 3")
        if not 0 <= self.min_round_s <= self.max_round_s <= 600:
            raise InputError(f"a round of {self.min_round_s:g} to {self.max_round_s:g} s; wanted 0 <= least <= 600")
        if not 0 <= self.cooldown_s <= 3600:
            raise InputError(f"a rest of {self.cooldown_s:g} s; the limit is 0 to 3600; try --cooldown 300")

    def to_json(self) -> dict[str, Any]:
        """As the report's ``protocol`` begins; what only the runner knows is None."""
        numbers = asdict(self)
        del numbers["cooldown_s"], numbers["max_round_s"]
        return {**numbers, "cooldown_s": [], "clock": None, "clock_step_ns": None, "input": "golden:0"}
