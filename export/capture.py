"""Capture of one part as an exported program with static shapes."""

import torch
from torch.export import ExportedProgram

from rmpsam_mobile.errors import ExportError
from rmpsam_mobile.export.split import Part


def capture(part: Part) -> ExportedProgram:
    """Export the part with the shapes of its border.

    Raises:
        ExportError: torch cannot capture it; holds torch's first line.
    """
    try:
        with torch.no_grad():
            return torch.export.export(part.module.eval(), part.example_inputs(), strict=False)
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ExportError(
            f"capturing the {part.spec.graph} graph failed: {reason}; run with RMPSAM_TRACEBACK=1 for all of it"
        ) from error
