"""An engine that lowers to nothing and runs the captured programs: the pipeline's own logic in seconds."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from torch.export import ExportedProgram

from rmpsam_mobile.bundle import Delegation
from rmpsam_mobile.contracts import Graph, GraphSpec, ModelContract, Target
from rmpsam_mobile.export import pipeline
from rmpsam_mobile.export import plan as planning
from rmpsam_mobile.export.lower import ENGINES, EngineOptions, Lowered
from rmpsam_mobile.runtime import Array

NONE = Delegation(
    delegate="none", subgraphs=0, operators_delegated=0, operators_total=0, macs_delegated=0, macs_total=0
)


class ProgramRunner:
    """Runs captured programs as they were handed to the engine."""

    engine = "captured"

    def __init__(self, programs: dict[Graph, ExportedProgram], contract: ModelContract) -> None:
        self.contract, self.graphs = contract, tuple(programs)
        self._modules = {graph: program.module() for graph, program in programs.items()}

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        with torch.no_grad():
            found = self._modules[graph](*(torch.from_numpy(value).float() for value in inputs))
        return tuple(value.numpy() for value in (found if isinstance(found, tuple) else (found,)))


def install(monkeypatch: pytest.MonkeyPatch, before_lowering: Callable[[GraphSpec], None] = lambda _: None) -> None:
    """Put the stub in XNNPACK's place; ``before_lowering`` may raise."""
    programs: dict[Graph, ExportedProgram] = {}

    def lower(program: ExportedProgram, spec: GraphSpec, _: EngineOptions) -> Lowered:
        before_lowering(spec)
        programs[spec.graph] = program

        def write(path: Path) -> None:
            path.write_bytes(b"stub")

        return Lowered(write=write, delegation=NONE, planned_memory_bytes=0)

    def runner(_: Target, __: object, contract: ModelContract) -> ProgramRunner:
        return ProgramRunner(programs, contract)

    engine = replace(ENGINES[Target.XNNPACK], lower=lower)
    monkeypatch.setattr(planning, "ENGINES", MappingProxyType({Target.XNNPACK: engine}))
    monkeypatch.setattr(pipeline, "runner_of_files", runner)
