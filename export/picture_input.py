"""An encoder that takes the picture itself: 8-bit RGB in, normalised inside the graph, channel by channel.

A picture input of Core ML scales all channels alike; three standard deviations need three factors. Right of the fitted
picture and below, the canvas holds the nearest 8-bit colour to the mean, where a tensor would hold zero.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from rmpsam_mobile.contracts import GraphSpec, ModelContract


class PictureInput(nn.Module):
    """Normalises pixels [1, 3, H, W] of 0..255 in RGB, then runs what follows."""

    def __init__(self, inner: nn.Module, contract: ModelContract) -> None:
        super().__init__()
        self.inner = inner
        for name, numbers in (("mean", contract.mean), ("std", contract.std)):
            self.register_buffer(name, torch.tensor(numbers).reshape(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return what the inner module makes of the normalised picture."""
        out: Tensor = self.inner((pixels - self.get_buffer("mean")) / self.get_buffer("std"))
        return out


def with_picture_input(
    program: ExportedProgram, spec: GraphSpec, contract: ModelContract
) -> tuple[ExportedProgram, GraphSpec]:
    """The captured encoder and its border with a picture in the place of its tensor."""
    (pixels,) = spec.inputs
    fill = ", ".join(str(round(value)) for value in contract.mean)
    picture = replace(
        pixels,
        dtype="uint8",
        meaning=f"RGB picture fitted into the top left corner, colour ({fill}) right of it and below",
    )
    with torch.no_grad():
        outer = PictureInput(program.module(), contract)
        captured = torch.export.export(outer, (torch.zeros(pixels.shape),), strict=False)
    return captured, replace(spec, inputs=(picture,))
