"""Branches that read a query: mask kernel, class embedding, IoU."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F


class Mlp(nn.Sequential):
    """Linear layers with ReLU between them; ``widths`` from input to output."""

    def __init__(self, *widths: int) -> None:
        layers: list[nn.Module] = []
        for in_width, out_width in pairwise(widths):
            layers += [nn.Linear(in_width, out_width), nn.ReLU()]
        super().__init__(*layers[:-1])


class NormedLinear(nn.Sequential):
    """Linear without bias, layer norm, ReLU: ``cls_fcs`` and ``mask_fcs`` of a stage."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, width, bias=False), nn.LayerNorm(width), nn.ReLU())


class Ffn(nn.Module):
    """Linear, ReLU, linear, with the official nesting of names ``layers.0.0`` and ``layers.1``."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Sequential(nn.Linear(width, hidden)), nn.Linear(hidden, width))

    def forward(self, k: Tensor) -> Tensor:
        """[B, Q, width] -> the same shape, without the residual."""
        return self.layers[1](F.relu(self.layers[0](k)))
