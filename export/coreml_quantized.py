"""W8A8 for Core ML: ranges of activations from calibration pictures, by executorch's quantizer, which needs no Mac."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.export import ExportedProgram

from rmpsam_mobile.contracts import Graph, ModelContract
from rmpsam_mobile.export.calibration_run import observe
from rmpsam_mobile.export.graph_runner import GraphRunner
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.quantization import Calibration
from rmpsam_mobile.quiet import muted_start, muted_warnings


def quantize_for_coreml(
    programs: Mapping[Graph, ExportedProgram], parts: SplitModel, calibration: Calibration, contract: ModelContract
) -> dict[Graph, ExportedProgram]:
    """Captured programs with 8-bit weights, one scale a channel, and 8-bit activations.

    Args:
        programs: captured, with all rewrites.
        parts: what they were captured from.
        calibration: pictures like those of the app, which go through all graphs as an app would run them.
        contract: of the parts.
    """
    with muted_start():
        from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    with muted_warnings(), torch.no_grad():
        prepared = {graph: prepare_pt2e(program.module(), _quantizer()) for graph, program in programs.items()}
        observe(GraphRunner(prepared, contract, "observers"), calibration.records)
        return {
            graph: torch.export.export(convert_pt2e(module), parts.parts[graph].example_inputs(), strict=False)
            for graph, module in prepared.items()
        }


def _quantizer() -> Any:
    from coremltools.optimize.torch.quantization.quantization_config import LinearQuantizerConfig, QuantizationScheme
    from executorch.backends.apple.coreml.quantizer import CoreMLQuantizer

    return CoreMLQuantizer(
        LinearQuantizerConfig.from_dict(
            {
                "global_config": {
                    "quantization_scheme": QuantizationScheme.symmetric,
                    "milestones": [0, 0, 10, 10],
                    "activation_dtype": torch.quint8,
                    "weight_dtype": torch.qint8,
                    "weight_per_channel": True,
                }
            }
        )
    )
