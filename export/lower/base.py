"""What every engine's lowering returns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rmpsam_mobile.bundle import Delegation


@dataclass(frozen=True)
class Lowered:
    """A lowered graph: ``write(path)`` stores it as a file or folder."""

    write: Callable[[Path], None]
    delegation: Delegation
    planned_memory_bytes: int | None
