"""What every engine's lowering takes and returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from torch.export import ExportedProgram

from rmpsam_mobile.bundle import Delegation
from rmpsam_mobile.contracts import Graph, GraphSpec, Precision
from rmpsam_mobile.errors import InputError


@dataclass(frozen=True, kw_only=True)
class About:
    """What a file that stores it says of itself."""

    licence: str = "unknown"
    version: str = "unknown"
    class_names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Wishes beyond the engine's defaults; ``Engine.checked`` refuses those that it does not have.

    Attributes:
        precision: of the files; None for the engine's own.
        ios: lowest iOS that Core ML files are for.
        picture_input: the encoder takes an 8-bit picture and normalises it itself.
        single_file: all graphs in one file that stores shared weights once.
        external_weights: weights in a file of their own beside the program.
        about: what the files say of themselves.
    """

    precision: Precision | None = None
    ios: int = 17
    picture_input: bool = False
    single_file: bool = False
    external_weights: bool = False
    about: About = About()


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why an operator was not delegated, in the partitioner's own words, and how often."""

    operator: str
    count: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Operators that are likely to leave the Neural Engine, or were seen to, and what avoids it."""

    operator: str
    count: int
    unit: str
    because: str
    instead: str


@dataclass(frozen=True)
class Lowered:
    """A lowered graph: ``write(path)`` stores it as a file or folder.

    Graphs of one file share one ``write``, which is called once.
    """

    write: Callable[[Path], None]
    delegation: Delegation
    planned_memory_bytes: int | None
    reasons: tuple[Reason, ...] = ()
    placement: tuple[Placement, ...] = ()


Lower = Callable[[ExportedProgram, GraphSpec, EngineOptions], Lowered]
Programs = Mapping[Graph, tuple[ExportedProgram, GraphSpec]]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One way to files.

    Attributes:
        suffix: of its files.
        precisions: those it has, its own first.
        lower: one graph to one file.
        runs_here: by what its files are run on this machine; None where they are not.
        elsewhere: where they run, if not here.
        min_delegated: share of the multiply-adds that the delegate must take; 0 where there is none.
        join: all graphs to one file.
        has: further options, by name of ``EngineOptions``.
        requires: raises where what the engine needs is not installed; before any work is done.
    """

    suffix: str
    precisions: tuple[Precision, ...]
    lower: Lower
    runs_here: str | None
    elsewhere: str = ""
    min_delegated: float = 0.0
    join: Callable[[Programs, EngineOptions], dict[Graph, Lowered]] | None = None
    has: frozenset[str] = field(default_factory=frozenset)
    requires: Callable[[], None] = lambda: None

    def checked(self, options: EngineOptions, name: str) -> EngineOptions:
        """``options`` with this engine's precision filled in.

        Raises:
            InputError: an option or a precision that this engine does not have.
        """
        for option in ("picture_input", "single_file", "external_weights", "ios"):
            if getattr(options, option) != getattr(EngineOptions(), option) and option not in self.has:
                flag = option.replace("_", "-")
                raise InputError(f"--{flag} is not for {name}; leave it away, or choose another --target")
        precision = options.precision or self.precisions[0]
        if precision not in self.precisions:
            raise InputError(f"--precision {precision} is not for {name}; it has {', '.join(self.precisions)}")
        if precision is Precision.INT4_WEIGHTS and options.ios < 18:
            raise InputError("--precision int4-weights needs iOS 18; add --ios 18, or take palette-4")
        if options.single_file and "ios" in self.has and options.ios < 18:
            raise InputError("packages with several functions need iOS 18; add --ios 18, or leave --single-file away")
        return replace(options, precision=precision)


def first_line(error: BaseException) -> str:
    """What an engine said, in one line of at most 200 characters."""
    return f"{(str(error).strip().splitlines() or [type(error).__name__])[0]:.200}"
