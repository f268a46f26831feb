"""What is asked of a phone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from rmpsam_mobile.bench.android.commands import DEFAULT_APP
from rmpsam_mobile.bench.android.identity import Core, big_cores
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError

Threads = int | Literal["sweep"] | None
SWEEP: Final = (1, 2, 4)


@dataclass(frozen=True, kw_only=True)
class PhoneWishes:
    """Which graphs, by which runner, on which phone, and what is tolerated.

    ``threads`` None leaves the number to the runner; ``runner`` is a native program in place of the app.

    Raises:
        InputError: a number or file that cannot be.
    """

    graphs: tuple[Graph, ...]
    threads: Threads = None
    serial: str | None = None
    app: str = DEFAULT_APP
    runner: Path | None = None
    strict: bool = False
    allow_emulator: bool = False
    keep: bool = False
    fixed_clocks: bool = False
    limit_s: float = 300.0  # for one call of the runner
    poll_s: float = 5.0  # between two looks at the temperature

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if isinstance(self.threads, int) and self.threads < 1:
            raise InputError(f"{self.threads} threads; at least 1; leave --threads away, or try --threads sweep")
        if self.runner is not None and not self.runner.is_file():
            raise InputError(f"{self.runner}: no such file; give a program built for the phone, or leave --runner away")
        if self.runner is not None and Graph.ENCODER not in self.graphs:
            raise InputError("a native runner needs the encoder's output; add --graph encoder")


def parse_threads(text: str | None) -> Threads:
    """``4``, ``sweep`` or nothing.

    Raises:
        InputError: anything else.
    """
    if text is None or text == "sweep":
        return "sweep" if text else None
    if not text.isdigit() or int(text) < 1:
        raise InputError(f"--threads {text!r} is neither a number from 1 on nor sweep; write for example --threads 4")
    return int(text)


def thread_counts(threads: Threads, cores: list[Core] | None) -> list[int | None]:
    """The settings to measure: one, or 1, 2, 4 and as many as there are big cores, none above the phone's cores."""
    if threads != "sweep":
        return [threads]
    big = big_cores(cores)
    counts = {*SWEEP, *([len(big)] if big else [])}
    return [count for count in sorted(counts) if not cores or count <= len(cores)]


def calls(wishes: PhoneWishes, protocol: Protocol) -> int:
    """How often the runner is started, at most."""
    settings = len(SWEEP) + 1 if wishes.threads == "sweep" else 1
    return settings * protocol.rounds * len(wishes.graphs)
