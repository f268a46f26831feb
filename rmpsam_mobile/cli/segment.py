"""``segment``: masks from a picture or a video, by a bundle or a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rmpsam_mobile.cli.console import UNTRAINED, counter, next_step, note, print_json, print_table, table
from rmpsam_mobile.errors import InputError

if TYPE_CHECKING:
    from rmpsam_mobile.runtime import Prompt, Segmenter
    from rmpsam_mobile.runtime.answers import Answers


def segment(
    model: Annotated[Path, typer.Argument(help="Bundle folder, or a checkpoint, which runs eagerly.")],
    image: Annotated[Path | None, typer.Argument(help="Picture file; leave it away with --video.")] = None,
    point: Annotated[
        list[str] | None, typer.Option(help="Click X,Y in pixels of the picture; one object each.")
    ] = None,
    box: Annotated[list[str] | None, typer.Option(help="Box X0,Y0,X1,Y1 in pixels; one object each.")] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(help="One object by several hints: X,Y, not:X,Y and one box:X0,Y0,X1,Y1, apart by spaces."),
    ] = None,
    panoptic: Annotated[bool, typer.Option("--panoptic", help="Name every pixel.")] = False,
    video: Annotated[Path | None, typer.Option(help="Folder of frames, GIF, WebP or film: follow its objects.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Overlay .png; with --video a folder.")] = None,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, for a checkpoint without them.")] = None,
    threads: Annotated[int | None, typer.Option(help="Of ExecuTorch's pool; all cores by default.")] = None,
    force: Annotated[bool, typer.Option(help="Replace existing output.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Masks as COCO RLE on stdout.")] = False,
) -> None:
    """Cut out what was clicked or boxed, name everything, or follow it through a video."""
    from rmpsam_mobile.runtime import Prompt, Segmenter

    prompts = [Prompt.of([_numbers(text, 2, "--point")], None, None) for text in point or ()]
    prompts += [Prompt.of(None, None, _numbers(text, 4, "--box")) for text in box or ()]
    prompts += [_hints(text) for text in prompt or ()]
    if (image is None) == (video is None):
        raise InputError("give either a picture or --video FOLDER_OR_FILE, one of the two")
    if video is not None:
        if prompts or panoptic:
            raise InputError("--video follows objects by itself; leave --point, --box, --prompt and --panoptic away")
        segmenter = Segmenter.open(model, classifier=classifier, threads=threads)
        _segment_video(segmenter, video, output, force=force, as_json=as_json)
        return
    if not prompts and not panoptic:
        raise InputError("nothing asked for; give --point X,Y, --box X0,Y0,X1,Y1, --prompt or --panoptic")
    assert image is not None
    segmenter = Segmenter.open(model, classifier=classifier, threads=threads)
    _segment_picture(segmenter, image, prompts, panoptic, (output, force, as_json))


def _segment_picture(
    segmenter: "Segmenter",
    image: Path,
    prompts: "list[Prompt]",
    panoptic: bool,
    out: tuple[Path | None, bool, bool],
) -> None:
    from rmpsam_mobile.atomic import refuse_existing
    from rmpsam_mobile.runtime.answers import answer

    output, force, as_json = out
    masks_folder = output.with_name(f"{output.stem}_masks") if output else None
    for path in filter(None, (output, masks_folder)):
        refuse_existing(path, force=force)
    segmenter.set_image(image)
    answers = answer(segmenter, prompts, with_panoptic=panoptic)
    if output and masks_folder:
        _write(answers, output, masks_folder, force=force)
        note(f"overlay {output}, masks in {masks_folder}")
    if as_json:
        print_json(answers.to_json())
    else:
        _print(answers)
    if not segmenter.contract.trained:
        note(UNTRAINED)
    if not output:
        next_step("add -o overlay.png to see it")


def _write(answers: "Answers", output: Path, masks_folder: Path, *, force: bool) -> None:
    """Masks and overlay, both or neither."""
    import io

    from PIL import Image

    from rmpsam_mobile.atomic import new_folder, write_file

    Image.init()
    kind = Image.EXTENSION.get(output.suffix.lower())
    if kind not in ("PNG", "JPEG", "WEBP"):
        raise InputError(f"{output}: overlays are written as .png, .jpg or .webp; choose one of them")
    buffer = io.BytesIO()
    banner = "" if answers.segmenter.contract.trained else UNTRAINED
    answers.overlay(banner).convert("RGB").save(buffer, kind)
    with new_folder(masks_folder, force=force) as folder:
        for name, picture in answers.mask_pictures().items():
            picture.save(folder / name)
        write_file(output, buffer.getvalue())  # inside, so that a full disk here takes the masks away again


def _print(answers: "Answers") -> None:
    if answers.prompted:
        shown = table("Prompts", "prompt", "<at", "predicted IoU", "area px", "share")
        for i, found in enumerate(answers.prompted, start=1):
            at = found.prompt.box or found.prompt.points[0]
            share = f"{100 * found.mask.mean():.1f} %"
            place = ",".join(f"{v:g}" for v in at)
            shown.add_row(f"{found.name} {i}", place, f"{found.predicted_iou:.2f}", f"{found.mask.sum():,}", share)
        print_table(shown)
    if answers.panoptic is not None:
        pixels = answers.panoptic.map.size
        shown = table("Panoptic", "segment", "<class", "<kind", "area px", "share")
        for segment in answers.panoptic.segments:
            kind = "thing" if segment.is_thing else "stuff"
            share = f"{100 * segment.area / pixels:.1f} %"
            shown.add_row(str(segment.id), answers.names[segment.label], kind, f"{segment.area:,}", share)
        print_table(shown)
        if not answers.panoptic.segments:
            note("no query was sure enough of a class: the map is void")


def _segment_video(segmenter: "Segmenter", video: Path, output: Path | None, *, force: bool, as_json: bool) -> None:
    from rmpsam_mobile.atomic import new_folder, refuse_existing
    from rmpsam_mobile.contracts import Graph
    from rmpsam_mobile.runtime.frames import open_frames
    from rmpsam_mobile.runtime.tracker import track_video
    from rmpsam_mobile.runtime.video_output import write_animation, write_tracks

    if output is None:
        raise InputError("a video needs -o FOLDER for its tracks and overlay")
    refuse_existing(output, force=force)
    frames, contract = open_frames(video), segmenter.contract
    if Graph.CLIP not in segmenter.runner.graphs:
        note("this bundle has no clip graph: every frame is a clip of its own, linked to the one before")
    with counter("tracking", len(frames)) as progress:
        found = track_video(segmenter.runner, frames, progress=progress)
    banner = "" if contract.trained else UNTRAINED
    with new_folder(output, force=force) as folder, counter("drawing", len(frames)) as progress:
        write_tracks(found, contract, folder / "tracks.json")
        shown = write_animation(found, frames, contract, folder / "overlay.webp", banner=banner, progress=progress)
    note(f"{shown} of {len(frames)} frames in {output / 'overlay.webp'}, tracks in {output / 'tracks.json'}")
    rows = [{"id": t.id, "category": contract.class_names[t.label], "score": t.score} for t in found.tracks]
    if as_json:
        print_json({"frames": len(frames), "trained": contract.trained, "tracks": rows})
    else:
        listed = table(f"{len(found.tracks)} tracks over {len(frames)} frames", "track", "<class", "score")
        for row in rows:
            listed.add_row(str(row["id"]), str(row["category"]), f"{row['score']:.2f}")
        print_table(listed)
    if not contract.trained:
        note(UNTRAINED)


def _hints(text: str) -> "Prompt":
    """One prompt of several hints: points, points that are not wanted, and at most one box."""
    from rmpsam_mobile.runtime import Prompt

    points, labels, box = [], [], None
    for part in text.split():
        if part.startswith("box:"):
            if box is not None:
                raise InputError(f"--prompt {text!r} has two boxes; one prompt takes one; use --box for each object")
            box = _numbers(part.removeprefix("box:"), 4, "--prompt")
        else:
            points.append(_numbers(part.removeprefix("not:"), 2, "--prompt"))
            labels.append(0 if part.startswith("not:") else 1)
    return Prompt.of(points or None, labels or None, box)


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count:
        form, example = ("X,Y", "120,80") if count == 2 else ("X0,Y0,X1,Y1", "120,80,200,160")
        raise InputError(f"{option} {text!r} is not {form}; write for example {option} {example}")
    return values
