"""Our mobile presets beside MobileSAM, an encoder of EdgeSAM's shape and SAM's grid, as .pte files in one run.

python -m benchmarks.peers [--runs 10] [--files FOLDER] [--output FILE]

One thread, random weights but for the shipped student's: time does not depend on them, and no accuracy is compared.
The files are run in turn. Peers go to XNNPACK in two forms: as torch exports them, and with operators spelled for
XNNPACK and the rewrites that our own graphs get after capture. Lowering them takes a quarter of an hour; --files keeps
them for another run. Host figures: they say nothing about a phone.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from benchmarks.peers.entries import Entry, Form, all_entries
from benchmarks.peers.files import PeerFile, make_file, program_path, read_inputs
from benchmarks.peers.works import all_duels, sam_grid
from rmpsam_mobile.bench import HOST_NOTE, summarise, time_interleaved
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.cli.console import counter, note, print_table, table
from rmpsam_mobile.runtime.pte import execute, load_method, set_threads

RESULT: Final = Path(__file__).parents[1] / "results" / "peers.json"
Actions = Mapping[str, Callable[[], object]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Lower what is not there, time all of it, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--files", type=Path, help="keep the files here, and use those that are there")
    parser.add_argument("--lower-only", action="store_true", help="make the files and stop")
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args(arguments)
    entries = list(all_entries())
    with ExitStack() as stack:
        folder = options.files or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        files = lower_all(entries, folder)
        if options.lower_only:
            return
        report = measure(entries, files, folder, options.runs)
    options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    show_files(report["files"])
    show_duels(report["duels"])


def lower_all(entries: Sequence[Entry], folder: Path) -> dict[str, PeerFile]:
    """The facts of every file, by label."""
    files = {}
    for i, entry in enumerate(entries, start=1):
        note(f"{i} of {len(entries)}: {entry.label}")
        files[entry.label] = make_file(entry, folder)
    return files


def measure(entries: Sequence[Entry], files: Mapping[str, PeerFile], folder: Path, runs: int) -> dict[str, Any]:
    """Time all files in turn on one thread; then one whole grid, call after call."""
    torch.set_num_threads(1)
    set_threads(1)  # before the files are loaded: they keep the pool they were loaded with
    actions = {
        entry.label: partial(execute, load_method(program_path(entry, folder)), read_inputs(entry, folder))
        for entry in entries
    }
    with counter("rounds", runs + 1) as progress:
        samples = time_interleaved(actions, runs=runs, warmup=1, progress=progress)
    return {
        "command": f"python -m benchmarks.peers --runs {runs}",
        "note": HOST_NOTE,
        "machine": describe_machine(),
        "threads": 1,
        "files": [_file_row(entry, files[entry.label], samples[entry.label]) for entry in entries],
        "duels": [duel.row(samples) for duel in all_duels(samples)],
        "whole_grid": run_grid(actions, samples),
    }


def run_grid(actions: Actions, samples: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """One grid as it is asked in truth, to show that its time is that of its calls."""
    grid = sam_grid(1024, Form.REWRITTEN, samples)
    start = time.perf_counter()
    for file, count in grid.runs.items():
        for _ in range(count):
            actions[file]()
    seconds = time.perf_counter() - start
    return {"what": grid.name, "seconds": seconds, "by_its_calls": float(grid.ms(samples).mean()) / 1e3}


def _file_row(entry: Entry, file: PeerFile, samples: list[float]) -> dict[str, Any]:
    known = {"what": entry.what, "size": entry.size, "prompts": entry.prompts, "form": str(entry.form)}
    return known | {"ms": asdict(summarise(samples))} | asdict(file)


def show_files(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a file."""
    columns = ("ms", "p90", "MB", "planned MB", "GMAC", "delegates", "delegated")
    shown = table(f"files, one thread, {HOST_NOTE}; delegated is of the operators", "file", "size", "<form", *columns)
    for row in rows:
        prompts = f" x {row['prompts']}" if row["prompts"] else ""
        shown.add_row(
            f"{row['what'].removeprefix('rmpsam-')}{prompts}",
            str(row["size"]),
            row["form"],
            f"{row['ms']['p50']:.1f}",
            f"{row['ms']['p90']:.1f}",
            f"{row['num_bytes'] / 1e6:.1f}",
            f"{row['planned_memory_bytes'] / 1e6:.1f}",
            f"{row['multiply_adds'] / 1e9:.2f}",
            str(row["delegates"]),
            f"{row['delegated_operators']:.1%}",
        )
    print_table(shown)


def show_duels(rows: Sequence[Mapping[str, Any]]) -> None:
    """A table for each of our presets, one line a comparison."""
    for preset in dict.fromkeys(row["preset"] for row in rows):
        columns = ("peer's size", "<form", "times as fast", "p10 to p90", "at least")
        shown = table(f"{preset} at 512 against its peers, {HOST_NOTE}", "what", "<peer", *columns)
        for row in (row for row in rows if row["preset"] == preset):
            ratio, least = row["ratio"], row["at_least"]
            limit = "" if least is None else f"{least:g}, {'holds' if row['holds'] else 'FAILS'}"
            spread = f"{ratio['p10']:.1f} to {ratio['p90']:.1f}"
            peer = row["peer"].removesuffix(" encoder")
            shown.add_row(row["what"], peer, str(row["size"]), row["form"], f"{ratio['p50']:.1f}", spread, limit)
        print_table(shown)
