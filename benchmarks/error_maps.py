"""Where on a picture rewrites change a mask: the answer to one click, and its differences, pixel by pixel.

python -m benchmarks.error_maps PICTURE X Y [--model rmpsam-mobile-tiny] [--size 512] [--audit-data PICTURES]
                                [-o docs/figures/error_maps_MODEL_SIZE.png]

Panels: the logits of the model as it is; what the whole list of rewrites changes in float32; with --audit-data, what
static_deform changes, which is another function. Differences are shares of the largest logit, on a logarithmic scale;
the white line is the mask's edge. Needs matplotlib (pip install "rmpsam-mobile[train]").
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.curves import save
from benchmarks.graph_files import load_model
from rmpsam_mobile.contracts import GraphSizes, Size
from rmpsam_mobile.export.deform_choice import choose_forms
from rmpsam_mobile.export.deform_forms import DeformChoice, DeformForm
from rmpsam_mobile.export.graph_runner import GraphRunner
from rmpsam_mobile.export.offset_audit import audit_offsets
from rmpsam_mobile.export.rewrites import apply_rewrites
from rmpsam_mobile.export.split import split
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime import EagerRunner, Runner, Segmenter
from rmpsam_mobile.runtime.eager import contract_of, sizes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

FLOOR: Final = 1e-8  # share of the largest logit where the scale begins
PANEL: Final = (4.6, 2.9)  # inches


def main() -> None:
    """Answer the click in all forms and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("click", type=float, nargs=2, metavar=("X", "Y"))
    parser.add_argument("--model", default="rmpsam-mobile-tiny")
    parser.add_argument("--size", type=Size.parse, default="512")
    parser.add_argument("--audit-data", type=Path)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    model = load_model(options.model)
    sizes = sizes_of(model, GraphSizes(size=options.size))
    runners = {"model as it is": EagerRunner(model, contract_of(model, sizes)), "all rewrites": rewritten(model, sizes)}
    if options.audit_data:
        audit = audit_offsets(model, options.audit_data, options.size)
        static = choose_forms(model, DeformForm.STATIC, audit)
        runners["static_deform, not distilled"] = rewritten(model, sizes, static)
    logits = {title: answer(runner, options.picture, options.click) for title, runner in runners.items()}
    output = options.output or Path(f"docs/figures/error_maps_{options.model}_{options.size.height}.png")
    save(draw(options.click, logits), output)


def rewritten(model: RmpSam, sizes: GraphSizes, deform: Mapping[str, DeformChoice] | None = None) -> Runner:
    """The model after the whole list of rewrites; without ``deform`` each layer takes its exact form."""
    parts = split(model, sizes, deform or choose_forms(model))
    apply_rewrites(parts)
    return GraphRunner(parts.modules, contract_of(model, parts.sizes), "rewritten")


def answer(runner: Runner, picture: Path, click: tuple[float, float]) -> NDArray[np.floating]:
    """Mask logits [H, W] of one click, at the picture's size."""
    segmenter = Segmenter(runner)
    segmenter.set_image(picture)
    masks, _ = segmenter.predict(point_coords=[click], point_labels=[1], return_logits=True)
    logits: NDArray[np.floating] = masks[0]
    return logits


def differences(logits: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.floating]]:
    """What each answer after the first differs from it, as a share of its largest magnitude."""
    (_, truth), *others = logits.items()
    return {title: np.abs(other - truth) / np.abs(truth).max() for title, other in others}


def draw(click: tuple[float, float], logits: Mapping[str, NDArray[np.floating]]) -> "Figure":
    """A row of panels."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    maps = differences(logits)
    title, truth = next(iter(logits.items()))
    figure = Figure(figsize=(PANEL[0] * (1 + len(maps)), PANEL[1]), layout="constrained")
    first, *others = np.ravel(figure.subplots(1, 1 + len(maps)))
    reach = float(np.abs(truth).max())
    _name(first, f"{title}: logits", first.imshow(truth, cmap="RdBu_r", vmin=-reach, vmax=reach))
    first.plot(*click, "k+", markersize=10)
    for axes, (name, error) in zip(others, maps.items(), strict=True):
        shown = axes.imshow(np.maximum(error, FLOOR), cmap="magma", norm=LogNorm(FLOOR, 1))
        axes.contour(truth, [0], colors="white", linewidths=0.6)
        _name(axes, f"{name}: at most {error.max():.1e}", shown)
    return figure


def _name(axes: "Axes", title: str, image: "AxesImage") -> None:
    axes.set_title(title, fontsize="medium")
    axes.set_axis_off()
    figure = axes.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=axes, shrink=0.7)


if __name__ == "__main__":
    main()
