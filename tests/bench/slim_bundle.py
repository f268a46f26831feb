"""A part of the small bundle as a bundle of its own: real files, and few bytes to copy to a phone."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rmpsam_mobile.bundle import Bundle, Golden, Manifest, read_golden, write_bundle, write_golden
from rmpsam_mobile.contracts import Graph


def slim_bundle(whole: Bundle, folder: Path, graphs: Sequence[Graph]) -> Bundle:
    """The same name and contract with only these graphs."""

    def fill(temporary: Path) -> Manifest:
        for graph in graphs:
            shutil.copyfile(whole.path(graph), temporary / whole.path(graph).name)
        golden = read_golden(whole.folder).values
        kept = {key: value for key, value in golden.items() if key.partition("/")[0] in graphs}
        write_golden(Golden(kept), temporary)
        artifacts = {str(graph): whole.manifest.graphs[graph] for graph in graphs}
        return replace(whole.manifest, graphs=artifacts, files={})

    return write_bundle(folder, fill)
