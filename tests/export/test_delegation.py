"""What XNNPACK takes of a rewritten model whose offsets are clamped: everything."""

import pytest

from rmpsam_mobile.contracts import Graph, Size, Target
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.lower.xnnpack import lower_to_xnnpack
from rmpsam_mobile.export.rewrites import apply_program_rewrites, apply_rewrites, rewrite_names
from tests.export.parts import cut
from tests.models import preset_model


@pytest.mark.parametrize("graph", [Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS])
def test_no_operator_of_a_mobile_preset_is_left(graph: Graph) -> None:
    names = rewrite_names(Target.XNNPACK)
    parts = cut(preset_model("rmpsam-mobile-tiny").float(), Size(64, 64), num_slots=2)
    apply_rewrites(parts, names)
    program, _ = apply_program_rewrites(capture(parts.parts[graph]), names)
    delegation = lower_to_xnnpack(program, parts.parts[graph].spec).delegation
    assert delegation.leftovers == ()
    assert delegation.operators_delegated == delegation.operators_total > 100
    assert delegation.subgraphs == 1
