"""Tables that several verbs print: graphs of a bundle, parity, latency."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from rmpsam_mobile.cli.console import red, table

if TYPE_CHECKING:
    from rich.table import Table

    from rmpsam_mobile.bundle import Bundle
    from rmpsam_mobile.export.file_gate import FileCheck
    from rmpsam_mobile.validate import ParityReport


def graphs_table(bundle: "Bundle") -> "Table":
    """Every graph: bytes, delegated shares, planned memory, what was left to the portable kernels."""
    shown = table(
        bundle.manifest.name,
        "graph",
        "MB",
        "GMAC",
        "delegated: operators",
        "multiply-adds",
        "planned MB",
        "<not delegated",
    )
    for name, artifact in bundle.manifest.graphs.items():
        delegation = artifact.delegation
        memory = artifact.planned_memory_bytes
        shown.add_row(
            name,
            f"{artifact.size_bytes / 1e6:.1f}",
            f"{delegation.macs_total / 1e9:.2f}",
            f"{100 * delegation.operator_share:.0f} %",
            f"{100 * delegation.mac_share:.1f} %",
            "-" if memory is None else f"{memory / 1e6:.1f}",
            ", ".join(f"{_short(left.operator)} x{left.count}" for left in delegation.leftovers) or "-",
        )
    return shown


def parity_table(report: "ParityReport") -> "Table":
    """Every output against the eager model: the whole picture, what flipped pixels explain there, and the probe."""
    limit = report.tensors[0].limit
    title = f"Parity with the eager model, limit {limit:.0e} of the largest value"
    columns = ("max error", "flips explain", "probe error", "near zero", "PSNR dB", "mask IoU", "ok")
    shown = table(title, "tensor", *columns)
    for t in report.tensors:
        shown.add_row(
            f"{t.graph}/{t.name}",
            f"{t.max_error:.1e}",
            f"{t.allowed:.1e}" if t.allowed > t.limit else "-",
            "-" if t.probe_error is None else f"{t.probe_error:.1e}",
            str(t.near_zero),
            f"{t.psnr_db:.0f}",
            "-" if t.mask_iou is None else f"{t.mask_iou:.4f}",
            "yes" if t.passes else red("no"),
        )
    return shown


def parity_json(report: "ParityReport | None") -> list[dict[str, Any]] | None:
    """The same for machines; what is not finite, as the PSNR of equal tensors, is null."""
    if report is None:
        return None
    return [
        {
            "graph": str(t.graph),
            "tensor": t.name,
            "max_error": finite(t.max_error),
            "allowed": finite(t.allowed),
            "near_zero": t.near_zero,
            "probe_error": None if t.probe_error is None else finite(t.probe_error),
            "limit": t.limit,
            "psnr_db": finite(t.psnr_db),
            "mask_iou": t.mask_iou,
            "passes": t.passes,
        }
        for t in report.tensors
    ]


def file_checks_table(checks: "Sequence[FileCheck]") -> "Table":
    """Quantized files, run in a fresh process, against the graphs that they were lowered from."""
    shown = table("Gate: the files answer as their quantized graphs", "<tensor", "signal to noise", "mask IoU")
    for check in checks:
        masks = "" if check.masks is None else f"{check.masks:.3f}"
        shown.add_row(f"{check.graph}/{check.name}", f"{check.snr:.1f} dB", masks)
    return shown


def file_checks_json(checks: "Sequence[FileCheck]") -> list[dict[str, Any]]:
    """The same for machines."""
    return [{"graph": str(c.graph), "tensor": c.name, "snr_db": finite(c.snr), "mask_iou": c.masks} for c in checks]


def finite(value: float) -> float | None:
    """The number, or None where JSON has no word for it."""
    return value if isfinite(value) else None


def _short(operator: str) -> str:
    """``index_select`` for ``aten.index_select.default``."""
    return operator.split(".")[1].removeprefix("_").removesuffix("_copy")
