"""Other people's layouts: a bundle inside a folder that React Native ExecuTorch or the Hugging Face hub understands.

The engine's folder stays a bundle, which every command here opens; what the layout asks for lies in it or around it.
Nothing is pushed anywhere.
"""

import dataclasses
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rmpsam_mobile.atomic import new_folder
from rmpsam_mobile.bundle import Artifact, Bundle, Manifest
from rmpsam_mobile.bundle.signature import sign_bundle
from rmpsam_mobile.checkpoint import save_checkpoint
from rmpsam_mobile.contracts import Layout, Target
from rmpsam_mobile.errors import UnsupportedError
from rmpsam_mobile.export.licences import LINKS
from rmpsam_mobile.export.pipeline import Exported, ExportPlan, Progress, export_bundle

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# backends that React Native ExecuTorch has folders for; its MODEL_SPEC.md, section 2
_REACT_NATIVE: Final = (Target.XNNPACK, Target.COREML, Target.VULKAN, Target.QNN)
_SCHEMA: Final = "https://huggingface.co/software-mansion/react-native-executorch-spec/resolve/main/config.schema.json"
_FLOATS: Final = ("fp32", "fp16")


def export_in_layout(
    plan: ExportPlan,
    output: Path,
    layout: Layout,
    key: "Ed25519PrivateKey | None" = None,
    *,
    force: bool = False,
    progress: Progress = lambda _: None,
) -> Exported:
    """Carry out a plan and lay its files out; with a key, the bundle is signed.

    Raises:
        UnsupportedError: React Native ExecuTorch does not know the engine.
        Others as in ``export_bundle``.
    """
    if layout is Layout.BUNDLE:
        exported = export_bundle(plan, output, force=force, progress=progress)
    else:
        exported = _around(plan, output, layout, force=force, progress=progress)
    if key is not None:
        sign_bundle(exported.bundle, key)
    return exported


def _around(plan: ExportPlan, output: Path, layout: Layout, *, force: bool, progress: Progress) -> Exported:
    backend = plan.target.split("-")[0]
    if layout is Layout.REACT_NATIVE and plan.target not in _REACT_NATIVE:
        known = ", ".join(_REACT_NATIVE)
        raise UnsupportedError(f"react-native-executorch has no folder for {plan.target}; it has {known}")
    with new_folder(output, force=force) as folder:
        if layout is Layout.REACT_NATIVE:
            named = replace(plan, flat_names=True)
            exported = export_bundle(named, folder / backend, progress=progress, beside=_react_native)
        else:
            exported = export_bundle(plan, folder / backend, progress=progress)
            _hugging_face(plan, folder, exported.bundle.manifest)
        card = model_card(plan, exported.bundle.manifest, backend)
        (folder / "README.md").write_text(card, encoding="utf-8")
    return Exported(Bundle(output / backend, exported.bundle.manifest), exported.parity)


def _react_native(folder: Path, manifest: Manifest) -> None:
    """``config.json`` of one backend's folder, as MODEL_SPEC.md section 4 asks; several files are its components."""
    artifacts = list(manifest.graphs.values())
    paths = {artifact.path for artifact in artifacts}
    is_single = len(paths) == 1
    variant: dict[str, Any] = {"file": artifacts[0].path if is_single else None}
    if not is_single:
        variant["components"] = {str(artifact.graph): artifact.path for artifact in artifacts}
    precision = artifacts[0].precision
    variant |= {
        "precision": precision,
        "quantized": precision not in _FLOATS,
        "default": True,
        "size_bytes": sum({artifact.path: artifact.size_bytes for artifact in artifacts}.values()),
        # a single file's methods are named so; with components each has the one method ``forward``
        "methods": {str(artifact.graph): _border(artifact) for artifact in artifacts},
    }
    document = {
        "$schema": _SCHEMA,
        "model": manifest.contract.preset.replace("-", "_"),
        "family": "rmpsam",
        "size": str(manifest.contract.sizes.size),
        "capabilities": ["instance-segmentation"],
        "backend": str(artifacts[0].target),
        "license": _licence_id(manifest.licences["weights"]),
        "variants": [variant],
    }
    _write(folder / "config.json", document)


def _border(artifact: Artifact) -> dict[str, Any]:
    def rows(specs: Any) -> list[dict[str, Any]]:
        return [{"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype} for spec in specs]

    return {"inputs": rows(artifact.inputs), "outputs": rows(artifact.outputs)}


def _hugging_face(plan: ExportPlan, folder: Path, manifest: Manifest) -> None:
    """``config.json``, ``preprocessor_config.json`` and ``model.safetensors``."""
    contract = manifest.contract
    names = dict(enumerate(contract.class_names))
    config = {
        "model_type": "rmpsam-mobile",
        "architectures": [type(plan.model).__name__],
        "preset": contract.preset,
        **_plain(dataclasses.asdict(plan.model.config)),
        "id2label": {str(index): name for index, name in names.items()},
        "label2id": {name: index for index, name in names.items()},
        "num_things": contract.num_things,
    }
    height, width = contract.sizes.size
    processor = {
        "do_resize": True,  # the longer side, into the top left corner
        "size": {"height": height, "width": width},
        "resample": 2,  # bilinear
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [value / 255 for value in contract.mean],
        "image_std": [value / 255 for value in contract.std],
        "do_pad": True,  # with zeros, right and below, after normalising
    }
    _write(folder / "config.json", config)
    _write(folder / "preprocessor_config.json", processor)
    save_checkpoint(plan.checkpoint, folder / "model.safetensors")


def model_card(plan: ExportPlan, manifest: Manifest, backend: str) -> str:
    """The README of a layout's folder: what it is, whose terms hold, what was measured, how to use it."""
    rows = [
        f"| {name} | {artifact.path} | {artifact.size_bytes:,} | {100 * artifact.delegation.mac_share:.1f} % |"
        for name, artifact in manifest.graphs.items()
    ]
    chain = [f"| {link} | {manifest.licences[link]} |" for link in LINKS]
    runtime = ", ".join(f"{name} {number}" for name, number in manifest.lowest_runtime.items())
    untrained = "" if manifest.contract.trained else "\n**Untrained weights: masks and names mean nothing yet.**\n"
    return "\n".join(
        [
            "---",
            f"license: {_licence_id(manifest.licences['weights']).lower()}",
            "library_name: rmpsam-mobile",
            "pipeline_tag: mask-generation",
            "tags: [executorch, image-segmentation, rmp-sam]",
            "---",
            "",
            f"# {manifest.name}",
            "",
            f"RMP-SAM (arXiv 2401.10228) for phones, exported for {plan.target} as {plan.precision}; needs {runtime}.",
            untrained,
            "| graph | file | bytes | delegated multiply-adds |",
            "|---|---|---|---|",
            *rows,
            "",
            f"`{backend}/manifest.json` holds every number that an app needs. `rmpsam-mobile validate {backend}` "
            "checks every byte and every answer.",
            "",
            "## Licences",
            "",
            "| of | terms |",
            "|---|---|",
            *chain,
            "",
        ]
    )


def _licence_id(licence: str) -> str:
    """An SPDX identifier, or ``other`` for terms that have none."""
    is_identifier = re.fullmatch(r"[A-Za-z0-9.+-]+", licence) and licence.lower() not in ("unknown", "none")
    return licence if is_identifier else "other"


def _plain(value: Any) -> Any:
    """Whatever JSON does not know as text."""
    return json.loads(json.dumps(value, default=str))


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
