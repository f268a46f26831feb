"""RMP-SAM on phones: the public names, each imported when it is first used, so that this costs no torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmpsam_mobile.bundle import Bundle, open_bundle
    from rmpsam_mobile.checkpoint import import_checkpoint, load_checkpoint, save_checkpoint
    from rmpsam_mobile.errors import RmpSamError
    from rmpsam_mobile.export.pipeline import export_bundle, plan_export
    from rmpsam_mobile.export.quantized import quantize
    from rmpsam_mobile.model.config import ModelConfig
    from rmpsam_mobile.model.presets import PRESETS
    from rmpsam_mobile.model.rmpsam import RmpSam
    from rmpsam_mobile.quantization import RECIPES, QuantRecipe
    from rmpsam_mobile.runtime import Prompt, Segmenter

_HOMES = {
    "Bundle": "rmpsam_mobile.bundle",
    "ModelConfig": "rmpsam_mobile.model.config",
    "PRESETS": "rmpsam_mobile.model.presets",
    "Prompt": "rmpsam_mobile.runtime",
    "QuantRecipe": "rmpsam_mobile.quantization",
    "RECIPES": "rmpsam_mobile.quantization",
    "RmpSam": "rmpsam_mobile.model.rmpsam",
    "RmpSamError": "rmpsam_mobile.errors",
    "Segmenter": "rmpsam_mobile.runtime",
    "export_bundle": "rmpsam_mobile.export.pipeline",
    "import_checkpoint": "rmpsam_mobile.checkpoint",
    "load_checkpoint": "rmpsam_mobile.checkpoint",
    "open_bundle": "rmpsam_mobile.bundle",
    "plan_export": "rmpsam_mobile.export.pipeline",
    "quantize": "rmpsam_mobile.export.quantized",
    "save_checkpoint": "rmpsam_mobile.checkpoint",
}

__all__ = [
    "PRESETS",
    "RECIPES",
    "Bundle",
    "ModelConfig",
    "Prompt",
    "QuantRecipe",
    "RmpSam",
    "RmpSamError",
    "Segmenter",
    "export_bundle",
    "import_checkpoint",
    "load_checkpoint",
    "open_bundle",
    "plan_export",
    "quantize",
    "save_checkpoint",
]

if not TYPE_CHECKING:  # a typo stays an error for type checkers

    def __getattr__(name: str) -> Any:
        """Import a public name from its home."""
        if name not in _HOMES:
            raise AttributeError(f"module 'rmpsam_mobile' has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)

    def __dir__() -> list[str]:
        """The public names."""
        return sorted(__all__)
