"""Did the graphs answer what they should, the first time and the last? A fast wrong answer is no latency."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rmpsam_mobile.bundle import Golden, GoldenTensor, judge_golden
from rmpsam_mobile.bundle.golden import ENCODER_ERROR
from rmpsam_mobile.contracts import Graph


def check_graphs(stored: Golden, first: Golden, last: Golden) -> dict[Graph, dict[str, Any]]:
    """The ``check`` of each graph that was run; graphs that were not are left out.

    Args:
        stored: the bundle's golden pair.
        first: outputs of the first run, thinned in the same way.
        last: outputs of the last one.
    """
    wanted = Golden({key: value for key, value in stored.values.items() if key in first.values})
    judged = [*judge_golden(wanted, first), *judge_golden(wanted, last)]
    checks = {}
    for graph in dict.fromkeys(tensor.graph for tensor in judged):
        tensors = [tensor for tensor in judged if tensor.graph is graph]
        names = {f"{graph}/{tensor.name}" for tensor in tensors}
        repeatable = all(np.array_equal(first.values[name], last.values[name]) for name in names)
        checks[graph] = _check(tensors, repeatable=repeatable)
    return checks


def _check(tensors: Sequence[GoldenTensor], *, repeatable: bool) -> dict[str, Any]:
    """Errors are relative to the largest stored value; only the encoder has a limit for them."""
    error = max(tensor.relative_error for tensor in tensors)
    signs = [tensor.sign_agreement for tensor in tensors if tensor.is_mask]
    return {
        "golden_max_abs": float(error) if np.isfinite(error) else None,
        "tolerance": ENCODER_ERROR if tensors[0].graph is Graph.ENCODER else None,
        "sign_agreement": min(signs) if signs else None,
        "passes": all(tensor.passes for tensor in tensors),
        "repeatable": repeatable,
    }
