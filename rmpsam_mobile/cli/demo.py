"""``demo``: from weights to masks on a real photograph, with nothing to prepare."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from rmpsam_mobile.cli.console import UNTRAINED, counter, next_step, note, print_json, print_table, steps, table
from rmpsam_mobile.errors import MissingExtraError

if TYPE_CHECKING:
    from rmpsam_mobile.export.pipeline import Exported

PRESET: Final = "rmpsam-mobile-tiny"
PHOTO: Final = "china.jpg"  # 640 x 427, one of scikit-learn's samples, which executorch brings along
CLICK: Final = (205.0, 215.0)  # on the pagoda
BOX: Final = (62.0, 28.0, 374.0, 388.0)  # around it
LOWER, TREE = (150.0, 300.0), (582.0, 165.0)  # on its lower floor, and on what is none of it


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write.")] = Path("demo_output"),
    size: Annotated[str, typer.Option(help="Model input: SIDE or HEIGHTxWIDTH.")] = "512",
    force: Annotated[bool, typer.Option(help="Replace the output of an earlier demo.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Export a bundle, prove it, and segment a photograph by click, by corrected click, by box and as a whole."""
    import shutil

    from rmpsam_mobile.atomic import new_folder
    from rmpsam_mobile.bench import HOST_NOTE, bench_on_host
    from rmpsam_mobile.checkpoint import shipped_weights
    from rmpsam_mobile.contracts import Size
    from rmpsam_mobile.export.pipeline import export_bundle, plan_export

    photo, chosen = _photo(), Size.parse(size)
    with new_folder(output, force=force) as folder:
        note(f"1 of 4: weights of {PRESET}, which come with the package")
        shutil.copyfile(shipped_weights(PRESET), folder / "model.safetensors")
        note("2 of 4: encoder, object and prompt graphs to ExecuTorch, each compared with the eager model")
        plan = plan_export(folder / "model.safetensors", size=chosen)
        with steps(len(plan.steps())) as progress:
            exported = export_bundle(plan, folder / "model.bundle", progress=progress)
        note(f"3 of 4: {photo.name} by click, by corrected click, by box and as a whole")
        _segment(folder, photo)
        note(f"4 of 4: time on this machine: {HOST_NOTE}")
        with counter("rounds", 12) as count:
            report = bench_on_host(exported.bundle, runs=10, warmup=2, progress=count)
    rows = _rows(exported, report)
    if as_json:
        print_json({"trained": exported.bundle.manifest.contract.trained, "note": HOST_NOTE, "graphs": rows})
    else:
        columns = ("graph", "bytes", "delegated multiply-adds", "median ms")
        parity = ("parity: picture", "parity: probe")
        shown = table(f"{exported.bundle.manifest.name}, fp32, XNNPACK, {HOST_NOTE}", *columns, *parity)
        for row in rows:
            shown.add_row(*(str(value) for value in row.values()))
        print_table(shown)
    for name in ("click.png", "corrected.png", "box.png", "panoptic.png", "model.bundle", "model.safetensors"):
        note(f"  {output / name}")
    if not exported.bundle.manifest.contract.trained:
        note(UNTRAINED)
    next_step(f"rmpsam-mobile segment {output / 'model.bundle'} YOUR.jpg --point X,Y -o overlay.png")


def _photo() -> Path:
    from importlib.util import find_spec

    spec = find_spec("sklearn")
    path = Path(next(iter(spec.submodule_search_locations or [""])) if spec else "", "datasets", "images", PHOTO)
    if not path.is_file():
        raise MissingExtraError(
            "the demo's photograph comes with scikit-learn; install it with: pip install scikit-learn"
        )
    return path


def _segment(folder: Path, photo: Path) -> None:
    from rmpsam_mobile.runtime import Prompt, Segmenter
    from rmpsam_mobile.runtime.answers import answer

    segmenter = Segmenter.open(folder / "model.bundle")
    segmenter.set_image(photo)
    banner = "" if segmenter.contract.trained else UNTRAINED
    asked = {
        "click": ([Prompt((CLICK,), (1,))], False),
        "corrected": ([Prompt((CLICK, LOWER, TREE), (1, 1, 0))], False),
        "box": ([Prompt(box=BOX)], False),
        "panoptic": ([], True),
    }
    for name, (prompts, with_panoptic) in asked.items():
        answers = answer(segmenter, prompts, with_panoptic=with_panoptic)
        answers.overlay(banner).save(folder / f"{name}.png")
        if answers.panoptic is not None and not answers.panoptic.segments:
            note("panoptic: no query was sure enough of a class; this student hardly names things (see its card)")


def _rows(exported: "Exported", report: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a graph: bytes, delegated share, median, and the worst of its outputs against the eager model."""
    medians = {row["graph"]: row["summary"]["p50"] for row in report["graphs"]}
    rows = []
    for name, artifact in exported.bundle.manifest.graphs.items():
        tensors = [t for t in (exported.parity.tensors if exported.parity else ()) if t.graph == name]
        rows.append(
            {
                "graph": name,
                "bytes": f"{artifact.size_bytes:,}",
                "delegated": f"{100 * artifact.delegation.mac_share:.1f} %",
                "median_ms": f"{medians[name]:.1f}",
                "max_error": f"{max(t.max_error for t in tensors):.1e}",
                "probe_error": f"{max(t.probe_error or 0.0 for t in tensors):.1e}" if name != "encoder" else "-",
            }
        )
    return rows
