"""Exchange of submodules by type, with the shapes that they see: what the rewrites share."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.deform_forms import DeformChoice, DeformForm, exact_choice
from rmpsam_mobile.export.split import Part, SplitModel
from rmpsam_mobile.model.deform import DeformConv
from rmpsam_mobile.model.neck import DeformUpsample

M = TypeVar("M", bound=nn.Module)


def swap_modules(
    split: SplitModel,
    kind: type[M],
    replacement: Callable[[M, tuple[int, ...]], nn.Module],
    where: Callable[[M], bool] = lambda _: True,
) -> list[str]:
    """Replace each ``kind`` by ``replacement(module, shape of its first input)``; return the changed paths.

    A subclass of ``kind`` stays: replacements may be subclasses, and a second application finds nothing to do.
    """
    changed = []
    for graph, part in split.parts.items():
        for path, shape in _input_shapes(part, kind).items():
            old = part.module.get_submodule(path)
            assert isinstance(old, kind)
            if not where(old):
                continue
            part.module.set_submodule(path, replacement(old, shape).eval())
            changed.append(f"{graph}.{path}")
    return changed


def swap_deform(
    split: SplitModel,
    form: DeformForm,
    replacement: Callable[[DeformConv, tuple[int, ...], DeformChoice], nn.Module],
) -> list[str]:
    """Replace the deformable convolutions whose form this is; return the changed paths."""
    changed = []
    for graph, part in split.parts.items():
        choices = {path: choice for path, choice in _deform_choices(split, graph, part).items() if choice.form is form}
        shapes = _input_shapes(part, DeformConv) if choices else {}
        for path in choices.keys() & shapes.keys():
            conv = part.module.get_submodule(path)
            assert isinstance(conv, DeformConv)
            part.module.set_submodule(path, replacement(conv, shapes[path], choices[path]).eval())
            changed.append(f"{graph}.{path}")
    return sorted(changed)


def _deform_choices(split: SplitModel, graph: Graph, part: Part) -> dict[str, DeformChoice]:
    """The form of each deformable convolution that still is one: what was chosen, else what is exact."""
    choices = {}
    for name, step in part.module.named_modules():
        if isinstance(step, DeformUpsample) and type(step.dcn) is DeformConv:
            chosen = split.deform.get(f"{graph}.{name}.dcn")
            choices[f"{name}.dcn"] = chosen or exact_choice(step.offset_limit)
    return choices


def _input_shapes(part: Part, kind: type[nn.Module]) -> dict[str, tuple[int, ...]]:
    """Shape of the first input of each module of that kind, by path, from one run."""
    shapes: dict[str, tuple[int, ...]] = {}
    found = {path: module for path, module in part.module.named_modules() if type(module) is kind}
    if not found:
        return shapes

    def record(path: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            shapes[path] = tuple(inputs[0].shape)

        return hook

    handles = [module.register_forward_pre_hook(record(path)) for path, module in found.items()]
    with torch.no_grad():
        part.module(*part.example_inputs())
    for handle in handles:
        handle.remove()
    return shapes
