"""The comparison's .pte files, and what is known of each before it runs; kept in a folder, they are made once."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.entries import Entry
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack


@dataclass(frozen=True, kw_only=True)
class PeerFile:
    """A file and its facts; shares are 0 to 1, planned memory is without XNNPACK's own workspace."""

    num_bytes: int
    planned_memory_bytes: int
    multiply_adds: int
    delegated_multiply_adds: float
    delegated_operators: float
    delegates: int
    leftovers: dict[str, int]


def make_file(entry: Entry, folder: Path) -> PeerFile:
    """Lower an entry into ``folder``, unless it is there already."""
    facts = folder / f"{entry.label}.json"
    if not facts.exists():
        captured = entry.capture()
        lowered = lower_to_xnnpack(captured.program, captured.spec)
        lowered.write(program_path(entry, folder))
        np.savez(_inputs_path(entry, folder), *captured.inputs)
        found = lowered.delegation
        made = PeerFile(
            num_bytes=program_path(entry, folder).stat().st_size,
            planned_memory_bytes=lowered.planned_memory_bytes or 0,
            multiply_adds=found.macs_total,
            delegated_multiply_adds=found.mac_share,
            delegated_operators=found.operator_share,
            delegates=found.subgraphs,
            leftovers={left.operator: left.count for left in found.leftovers},
        )
        facts.write_text(json.dumps(asdict(made)), encoding="utf-8")  # last: it says that the others are whole
    return PeerFile(**json.loads(facts.read_text(encoding="utf-8")))


def program_path(entry: Entry, folder: Path) -> Path:
    """Where an entry's .pte file lies."""
    return folder / f"{entry.label}.pte"


def read_inputs(entry: Entry, folder: Path) -> Sequence[Any]:
    """The arrays that an entry's file is run with."""
    with np.load(_inputs_path(entry, folder)) as stored:
        return [stored[name] for name in stored.files]


def _inputs_path(entry: Entry, folder: Path) -> Path:
    return folder / f"{entry.label}.npz"
