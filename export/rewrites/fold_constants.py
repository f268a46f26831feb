"""What depends on nothing but the program itself, computed once.

before:  arange, linspace, eye, products and norms of fixed weights: computed at each run
after:   their results, stored in the file

Every operator whose inputs are all constant goes. Quantized weights stay as they are: folding them would store floats.
"""

from collections import Counter

from torch.export import ExportedProgram

from rmpsam_mobile.errors import MissingExtraError
from rmpsam_mobile.quiet import muted_start, muted_warnings


def fold_constants(program: ExportedProgram) -> tuple[ExportedProgram, list[str]]:
    """Fold; return the program and the operators that went, one name for each.

    Raises:
        MissingExtraError: executorch, whose pass this is, is not installed.
    """
    try:
        with muted_start():
            from executorch.exir.passes.constant_prop_pass import constant_prop_pass
    except ImportError:
        raise MissingExtraError("folding needs executorch; install it with: pip install executorch==1.4.1") from None
    before = _operators(program)
    stay = {node.target for node in program.graph.nodes if "quantized_decomposed" in str(node.target)}
    with muted_warnings():
        folded = constant_prop_pass(program, custom_skip_targets=stay)
    return folded, sorted((before - _operators(folded)).elements())


def _operators(program: ExportedProgram) -> Counter[str]:
    return Counter(str(node.target) for node in program.graph.nodes if node.op == "call_function")
