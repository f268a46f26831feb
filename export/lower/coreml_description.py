"""What a Core ML package says of itself, and the same bytes for the same model.

coremltools draws the identifiers of a package's files by chance, and protobuf orders maps by chance; both are fixed
here.
"""

import json
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Any, Final

from rmpsam_mobile.contracts import Graph, GraphSpec
from rmpsam_mobile.export.lower.base import About

AUTHOR: Final = "rmpsam-mobile"
_PREVIEW: Final = "com.apple.coreml.model.preview"


def describe(model: Any, spec: GraphSpec, about: About) -> None:
    """Write author, licence, version, tensors' meanings and, where a graph names things, its classes into a model.

    The preview type lets Xcode list the classes; its preview itself needs one graph from picture to labels, which no
    graph here is.
    """
    model.author, model.license, model.version = AUTHOR, about.licence, about.version
    model.short_description = f"RMP-SAM {spec.graph} graph, see the bundle's manifest"
    for tensor in spec.inputs:
        model.input_description[tensor.name] = tensor.meaning
    for tensor in spec.outputs:
        model.output_description[tensor.name] = tensor.meaning
    if spec.graph in (Graph.OBJECTS, Graph.CLIP) and about.class_names:
        names = [*about.class_names, "no object"]
        model.user_defined_metadata["classes"] = json.dumps(names, ensure_ascii=False)
        model.user_defined_metadata[f"{_PREVIEW}.type"] = "imageSegmenter"
        model.user_defined_metadata[f"{_PREVIEW}.params"] = json.dumps({"labels": names}, ensure_ascii=False)


def save(model: Any, path: Path) -> None:
    """Write a package; coremltools does so through a temporary folder of its own, and a copy keeps our swap atomic."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, path.name)
        model.save(str(made))
        settle(made)
        shutil.copytree(made, path)


def settle(package: Path) -> None:
    """Replace what was drawn by chance: identifiers of files by hashes of their names, the order of maps by sorting."""
    import coremltools as ct

    for file in package.rglob("*.mlmodel"):
        file.write_bytes(ct.utils.load_spec(str(package)).SerializeToString(deterministic=True))
    listing = package / "Manifest.json"
    document = json.loads(listing.read_text(encoding="utf-8"))
    entries = document["itemInfoEntries"]
    named = {old: _identifier(entry["path"]) for old, entry in entries.items()}
    document["itemInfoEntries"] = {named[old]: entries[old] for old in sorted(entries, key=lambda old: named[old])}
    document["rootModelIdentifier"] = named[document["rootModelIdentifier"]]
    listing.write_text(json.dumps(document, indent=4, sort_keys=True) + "\n", encoding="utf-8")


def _identifier(path: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{AUTHOR}/{path}")).upper()
