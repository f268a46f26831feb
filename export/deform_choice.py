"""The choice of a form for each deformable layer of a model: by what it promises, or by what an audit saw."""

from typing import Final

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.deform_forms import (
    LARGEST_BOUNDED_RADIUS,
    DeformChoice,
    DeformForm,
    exact_choice,
)
from rmpsam_mobile.export.offset_audit import LayerOffsets, OffsetAudit
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.neck import DeformUpsample
from rmpsam_mobile.model.rmpsam import RmpSam

# Relative error at a layer's output that ``auto`` accepts from clipping where an audit was given; 0 asks for exactness.
DEFAULT_THRESHOLD: Final = 1e-3


def choose_forms(
    model: RmpSam,
    option: DeformForm = DeformForm.AUTO,
    audit: OffsetAudit | None = None,
    *,
    threshold: float = DEFAULT_THRESHOLD,
) -> dict[str, DeformChoice]:
    """The form of every deformable layer, by path.

    Args:
        model: not changed.
        option: ``auto`` takes the cheapest form whose error stays under the threshold; the others are taken as asked.
        audit: of this model; without it, offsets are known only where the model clamps them.
        threshold: largest relative error at a layer's output.

    Raises:
        InputError: the option needs an audit, or a threshold below 0.
    """
    if threshold < 0:
        raise InputError(f"an error threshold of {threshold:g}; at least 0; try {DEFAULT_THRESHOLD:g}")
    seen = {layer.path: layer for layer in audit.layers} if audit else {}
    return {
        path: _choose(path, option, step.offset_limit, seen.get(path), threshold)
        for name, step in build_graph(model, Graph.ENCODER).named_modules()
        if isinstance(step, DeformUpsample) and (path := f"{Graph.ENCODER}.{name}.dcn")
    }


def _choose(
    path: str, option: DeformForm, limit: float | None, layer: LayerOffsets | None, threshold: float
) -> DeformChoice:
    exact = exact_choice(limit)
    match option:
        case DeformForm.GATHER:
            return DeformChoice(form=DeformForm.GATHER, because="asked for")
        case DeformForm.STATIC:
            return _static(path, layer)
        case DeformForm.BOUNDED:
            return exact if exact.form is DeformForm.BOUNDED else _bounded(path, layer, threshold)
        case DeformForm.AUTO:
            if exact.form is DeformForm.BOUNDED or layer is None:
                return exact
            return _cheapest(layer, threshold)


def _cheapest(layer: LayerOffsets, threshold: float) -> DeformChoice:
    """The smallest radius under the threshold, unless gathers cost less; pictures prove no bound, so 0 allows none."""
    for effect in layer.bounds if threshold else ():
        if effect.output_error <= threshold:
            if effect.radius > LARGEST_BOUNDED_RADIUS:
                because = f"gathers are cheaper than the radius of {effect.radius} that the offsets need"
                return DeformChoice(form=DeformForm.GATHER, because=because)
            return _clipping(layer, effect.radius)
    because = f"no radius up to {layer.bounds[-1].radius} keeps the error under {threshold:g}"
    return DeformChoice(form=DeformForm.GATHER, because=because)


def _bounded(path: str, layer: LayerOffsets | None, threshold: float) -> DeformChoice:
    """The smallest radius under the threshold, else the largest there is."""
    if layer is None:
        raise InputError(f"{path} has no clamp, so its radius must be measured; add --audit-data PICTURES")
    fitting = (effect.radius for effect in layer.bounds if effect.output_error <= threshold)
    return _clipping(layer, next(fitting, layer.bounds[-1].radius))


def _clipping(layer: LayerOffsets, radius: int) -> DeformChoice:
    effect = next(effect for effect in layer.bounds if effect.radius == radius)
    return DeformChoice(
        form=DeformForm.BOUNDED,
        radius=radius,
        exact=False,
        because=f"clips {effect.clipped:.2%} of the samples, {effect.output_error:.1e} of the layer's output",
    )


def _static(path: str, layer: LayerOffsets | None) -> DeformChoice:
    if layer is None:
        raise InputError(f"the static form of {path} needs mean offsets; add --audit-data PICTURES")
    return DeformChoice(
        form=DeformForm.STATIC,
        exact=False,
        mean_offsets=layer.mean_offsets,
        mean_modulation=layer.mean_modulation,
        because="asked for; needs distillation",
    )
