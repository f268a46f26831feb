"""A graph lowered for a report: what the engine took of it, how large its file is, how long that takes here."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from torch import Tensor
from torch.export import ExportedProgram

from rmpsam_mobile.bench import Summary, summarise, time_interleaved
from rmpsam_mobile.contracts import GraphSpec, Target
from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.export.lower import ENGINES, EngineOptions
from rmpsam_mobile.export.rewrite_report import LoweredGraph
from rmpsam_mobile.runtime.pte import execute, load_method

RUNS: Final = 20
WARMUP: Final = 3

T = TypeVar("T", bound=Hashable)


def lower_into(path: Path, program: ExportedProgram, spec: GraphSpec, target: Target) -> LoweredGraph:
    """Lower one graph and write it to ``path`` and the engine's suffix; what the engine refuses is a result too."""
    engine = ENGINES[target]
    try:
        lowered = engine.lower(program, spec, engine.checked(EngineOptions(), str(target)))
    except ExportError as error:
        return LoweredGraph(refused=str(error))
    file = path.with_suffix(engine.suffix)
    lowered.write(file)
    files = [file] if file.is_file() else [below for below in file.rglob("*") if below.is_file()]
    return LoweredGraph(
        delegation=lowered.delegation,
        planned_memory_bytes=lowered.planned_memory_bytes,
        file_bytes=sum(below.stat().st_size for below in files),
    )


def time_files(files: Mapping[T, tuple[Path, Sequence[Tensor]]]) -> dict[T, Summary]:
    """Milliseconds of each .pte file, all in turn; host, not a phone.

    Args:
        files: each with its inputs.
    """
    names = {str(i): key for i, key in enumerate(files)}
    actions = {
        name: partial(execute, load_method(files[key][0]), [value.numpy() for value in files[key][1]])
        for name, key in names.items()
    }
    samples = time_interleaved(actions, runs=RUNS, warmup=WARMUP)
    return {names[name]: summarise(found) for name, found in samples.items()}
