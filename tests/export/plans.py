"""Plans of the small model, which no file holds."""

import copy

from rmpsam_mobile.checkpoint import Card, Checkpoint
from rmpsam_mobile.contracts import GraphSizes, Size, Target
from rmpsam_mobile.export.deform_choice import choose_forms
from rmpsam_mobile.export.pipeline import ExportPlan
from rmpsam_mobile.runtime.eager import sizes_of
from tests.models import small_model

SIZE = Size(32, 64)


def small_plan(*rewrites: str, size: Size = SIZE) -> ExportPlan:
    """The small model in float32 with these rewrites, two slots."""
    model = copy.deepcopy(small_model()).float()
    return ExportPlan(
        checkpoint=Checkpoint(preset="small", tensors=model.state_dict(), card=Card(source_name="seeded")),
        model=model,
        target=Target.XNNPACK,
        sizes=sizes_of(model, GraphSizes(size=size, num_slots=2)),
        rewrites=rewrites,
        deform=choose_forms(model),
        quantized=None,
    )


def cells_of(size: Size) -> int:
    """Cells of the mask grid."""
    return (size.height // 4) * (size.width // 4)
