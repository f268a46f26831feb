"""The exchange of submodules that the rewrites share."""

from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.rewrites.swap import swap_modules
from tests.export.parts import one_module


class _Special(nn.Linear):
    """A subclass, as replacements are."""


def test_replacements_get_the_shape_of_what_they_see() -> None:
    seen: list[tuple[int, ...]] = []

    def replacement(module: nn.Linear, shape: tuple[int, ...]) -> nn.Module:
        seen.append(shape)
        return _Special(module.in_features, module.out_features)

    parts = one_module(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2), _Special(2, 2)), (5, 4))
    assert swap_modules(parts, nn.Linear, replacement) == ["encoder.inner.0", "encoder.inner.2"]
    assert seen == [(5, 4), (5, 6)]
    assert swap_modules(parts, nn.Linear, replacement) == []  # subclasses stay


def test_replacements_are_for_inference_and_leave_no_hooks() -> None:
    parts = one_module(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), (1, 4))
    swap_modules(parts, nn.Linear, lambda *_: nn.Dropout())
    modules = list(parts.parts[Graph.ENCODER].module.modules())
    assert not any(module.training for module in modules)
    assert not any(module._forward_pre_hooks for module in modules)


class _Half(nn.Module):
    """Holds a layer that it never runs, as the object graph holds the prompt adapter."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.idle = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 2] -> [N, 2]."""
        out: Tensor = self.used(x)
        return out


def test_what_a_graph_never_runs_is_left_alone() -> None:
    parts = one_module(_Half(), (1, 2))
    assert swap_modules(parts, nn.Linear, lambda *_: nn.Identity()) == ["encoder.inner.used"]
