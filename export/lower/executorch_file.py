"""ExecuTorch files: what the engines have in common whose graphs become .pte files."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from rmpsam_mobile.contracts import Graph, GraphSpec
from rmpsam_mobile.errors import ExportError, MissingExtraError
from rmpsam_mobile.export.coverage import delegation_of
from rmpsam_mobile.export.lower.base import Lowered, Programs, first_line
from rmpsam_mobile.export.lower.reasons import partitioner_reasons, reasons_of
from rmpsam_mobile.quiet import muted_start, muted_warnings
from rmpsam_mobile.runtime.pte import FORWARD

_WEIGHTS: Final = "weights"

MakeEdge = Callable[[Mapping[str, ExportedProgram]], Any]  # programs by method -> EdgeProgramManager, partitioned


def partitioned(partitioner: Callable[[], Any] | None) -> MakeEdge:
    """ExecuTorch's own way: a new partitioner for each method, or none for the portable kernels."""

    def make(programs: Mapping[str, ExportedProgram]) -> Any:
        from executorch.exir import to_edge_transform_and_lower

        chosen = {name: [partitioner()] for name in programs} if partitioner else None
        return to_edge_transform_and_lower(dict(programs), partitioner=chosen)

    return make


def shared_provenance() -> AbstractContextManager[Any]:
    """Within it, torch's records of where a node comes from are shared, not copied.

    torch 2.13 copies a node's whole history into each of its successors, pass by pass; nobody edits it.
    """
    from torch.fx.traceback import NodeSource

    return patch.object(NodeSource, "__deepcopy__", lambda record, _: record, create=True)


def require_executorch() -> None:
    """Raise MissingExtraError where executorch is not installed."""
    try:
        with muted_start():
            import executorch.exir  # noqa: F401
    except ImportError:
        raise MissingExtraError("lowering needs executorch; install it with: pip install executorch==1.4.1") from None


def lower_graph(
    program: ExportedProgram,
    spec: GraphSpec,
    delegate: str,
    make_edge: MakeEdge,
    *,
    external_weights: bool = False,
) -> Lowered:
    """One graph, one file, one method.

    Args:
        program: captured, with all rewrites.
        spec: its border.
        delegate: name for reports.
        make_edge: what hands the program to the delegate.
        external_weights: keep weights in a .ptd file beside the program.

    Raises:
        MissingExtraError: executorch is not installed.
        ExportError: the lowering failed; holds the engine's first line.
    """
    pair = {FORWARD: (_apart(program, spec) if external_weights else program, spec)}
    return _lower(pair, delegate, make_edge, f"the {spec.graph} graph", external_weights)[FORWARD]


def join_graphs(
    programs: Programs, delegate: str, make_edge: MakeEdge, *, external_weights: bool = False
) -> dict[Graph, Lowered]:
    """All graphs as methods of one file that stores shared weights once; errors as in ``lower_graph``."""
    named = {
        str(graph): (_apart(program, spec) if external_weights else program, spec)
        for graph, (program, spec) in programs.items()
    }
    found = _lower(named, delegate, make_edge, "all graphs", external_weights)
    return {graph: found[str(graph)] for graph in programs}


def _lower(
    programs: Mapping[str, tuple[ExportedProgram, GraphSpec]],
    delegate: str,
    make_edge: MakeEdge,
    what: str,
    external_weights: bool,
) -> dict[str, Lowered]:
    require_executorch()
    from executorch.exir import ExecutorchBackendConfig

    try:
        # executorch 1.4 uses what torch 2.13 and importlib have deprecated
        with muted_warnings(), shared_provenance(), partitioner_reasons() as said:
            edge = make_edge({name: program for name, (program, _) in programs.items()})
            delegations = {name: delegation_of(edge.exported_program(name).graph_module, delegate) for name in programs}
            external = (lambda _: _WEIGHTS) if external_weights else False
            manager = edge.to_executorch(ExecutorchBackendConfig(external_constants=external))
    except Exception as error:
        raise ExportError(f"lowering {what} to {delegate} failed: {first_line(error)}") from error
    sizes = {plan.name: plan.non_const_buffer_sizes for plan in manager.executorch_program.execution_plan}
    return {
        name: Lowered(
            write=lambda path: _write(manager, path, external_weights=external_weights),
            delegation=delegation,
            planned_memory_bytes=sum(int(size) for size in sizes[name]),
            reasons=reasons_of(delegation, said),
        )
        for name, delegation in delegations.items()
    }


def _apart(program: ExportedProgram, spec: GraphSpec) -> ExportedProgram:
    """The same program, its weights marked for a file of their own and named after the graph.

    Graphs call their constants alike, and one file of weights knows each name once. Only an unlifted graph can be
    marked.
    """
    from executorch.exir.passes.external_constants_pass import delegate_external_constants_pass_unlifted

    outer = _Named(str(spec.graph), program.module())
    inputs = tuple(torch.zeros(tensor.shape) for tensor in spec.inputs)
    with torch.no_grad(), muted_warnings():
        module = torch.export.export(outer, inputs, strict=False).module()
        delegate_external_constants_pass_unlifted(module, gen_tag_fn=lambda _: _WEIGHTS)
        return torch.export.export(module, inputs, strict=False)


class _Named(nn.Module):
    """A module below a name."""

    def __init__(self, name: str, inner: nn.Module) -> None:
        super().__init__()
        self.add_module(name, inner)
        self._name = name

    def forward(self, *inputs: Tensor) -> Any:
        """What the module itself answers."""
        return self.get_submodule(self._name)(*inputs)


def _write(manager: Any, path: Path, *, external_weights: bool) -> None:
    path.write_bytes(manager.buffer)
    if not external_weights:
        return
    manager.write_tensor_data_to_file(str(path.parent))
    (path.parent / f"{_WEIGHTS}.ptd").rename(path.with_suffix(".ptd"))
