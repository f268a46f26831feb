"""Why a partitioner left an operator: what it says while it works, in its own words."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from rmpsam_mobile.bundle import Delegation
from rmpsam_mobile.export.lower.base import Reason

NO_DELEGATE: Final = "none"
UNSAID: Final = "the partitioner has no rule for it"

_VULKAN: Final = re.compile(
    r"\[Vulkan Partitioner\] Due to \[(?P<reason>.*?)\], skipping .*?= (?P<operator>[\w.]+)\(", re.S
)
_COREML: Final = re.compile(
    r"Skipping op for CoreML delegation because (?P<reason>it is not supported by CoreML): (?P<operator>\S+)"
)

Said = Mapping[str, set[str]]


@contextmanager
def partitioner_reasons() -> Iterator[Said]:
    """Operator name -> reasons said for it inside the block; nothing of it reaches the terminal."""
    collector, root, xnnpack = _Collector(), logging.getLogger(), logging.getLogger("executorch.backends.xnnpack")
    handlers, level, own = root.handlers, root.level, xnnpack.level
    # Vulkan's partitioner tells at INFO through the root; all of torch at DEBUG would take minutes
    root.handlers = [collector]
    root.setLevel(logging.INFO)
    xnnpack.setLevel(logging.DEBUG)
    try:
        yield collector.reasons
    finally:
        root.handlers = handlers
        root.setLevel(level)
        xnnpack.setLevel(own)


def reasons_of(delegation: Delegation, said: Said) -> tuple[Reason, ...]:
    """One reason for each kind of operator that was left over; none where no delegate was asked for."""
    if delegation.delegate == NO_DELEGATE:
        return ()
    return tuple(
        Reason(operator=left.operator, count=left.count, reason="; ".join(sorted(said.get(left.operator, {UNSAID}))))
        for left in delegation.leftovers
    )


class _Collector(logging.Handler):
    """Keeps what partitioners say of operators, and drops all else."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: defaultdict[str, set[str]] = defaultdict(set)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the reason of one record, if it gives one."""
        said = record.msg
        node = getattr(said, "node", None)
        if node is not None and hasattr(said, "reason"):  # XNNPACK logs an object
            self.reasons[str(getattr(node.target, "__name__", node.target))].add(str(said.reason).rstrip("."))
            return
        if not isinstance(said, str):
            return
        for pattern in (_VULKAN, _COREML):
            found = pattern.search(said)
            if found:
                self.reasons[found["operator"]].add(found["reason"])
