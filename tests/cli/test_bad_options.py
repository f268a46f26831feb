"""Bad options: one line with the value and the next step, the right exit code, nothing written."""

import json
from pathlib import Path

import pytest

from tests.bundles import NEEDS_BUNDLE, Made, photo_path
from tests.cli.calls import Cli

pytestmark = pytest.mark.usefixtures("folder")

OPTIONS = [
    (["--point", "a,b"], "--point 'a,b' is not X,Y; write for example --point 120,80"),
    (["--point", "1"], "--point '1' is not X,Y; write for example --point 120,80"),
    (["--point", "1,2,3"], "--point '1,2,3' is not X,Y; write for example --point 120,80"),
    (["--box", "1,2,3"], "--box '1,2,3' is not X0,Y0,X1,Y1; write for example --box 120,80,200,160"),
    (["--box", "1,2,3,x"], "--box '1,2,3,x' is not X0,Y0,X1,Y1; write for example --box 120,80,200,160"),
    (["--point", "9999,1"], "point 9999,1 lies outside of the picture of 640 x 427 px; give xy inside it"),
    (["--point", "nan,1"], "point_coords [[nan, 1.0]] holds a number that is not finite; give pixels of the picture"),
    (
        ["--box", "5,5,5,9"],
        "box 5,5,5,9 has no area inside the picture of 640 x 427 px; give x0,y0,x1,y1 with x0 < x1 and y0 < y1",
    ),
    (["--point", "1,2", "--threads", "0"], "0 threads; at least 1; leave --threads away for all cores"),
    ([], "nothing asked for; give --point X,Y, --box X0,Y0,X1,Y1, --prompt or --panoptic"),
    (["--video", "x"], "give either a picture or --video FOLDER_OR_FILE, one of the two"),
]


@NEEDS_BUNDLE
@pytest.mark.usefixtures("quiet_engines")
@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=lambda value: " ".join(value)[:30])
def test_bad_options_of_segment(cli: Cli, made: Made, options: list[str], message: str) -> None:
    done = cli("segment", made.bundle, photo_path(), *options, "-o", "new.png")
    assert (done.code, done.error) == (2, message)


@NEEDS_BUNDLE
@pytest.mark.usefixtures("quiet_engines")
def test_an_overlay_of_a_kind_that_is_not_written(cli: Cli, made: Made) -> None:
    done = cli("segment", made.bundle, photo_path(), "--point", "9,9", "-o", "new.bmp")
    assert (done.code, done.error) == (
        2,
        "new.bmp: overlays are written as .png, .jpg or .webp; choose one of them",
    )


@NEEDS_BUNDLE
def test_bad_options_of_a_video(cli: Cli, made: Made) -> None:
    done = cli("segment", made.bundle, "--video", photo_path().parent)
    assert (done.code, done.error) == (2, "a video needs -o FOLDER for its tracks and overlay")
    done = cli("segment", made.bundle, "--video", "gone.mp4", "-o", "new")
    assert (done.code, done.error) == (2, "gone.mp4 does not exist; give a folder of frames, a GIF or a film")
    done = cli("segment", made.bundle, "--video", "gone.mp4", "--panoptic", "-o", "new")
    assert done.error == "--video follows objects by itself; leave --point, --box, --prompt and --panoptic away"


@NEEDS_BUNDLE
@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            ["export", "M", "-o", "new", "--size", "500"],
            2,
            "size 500: 500 is no multiple of 32 from 32 to 2048; try 512",
        ),
        (
            ["export", "M", "-o", "new", "--size", "big"],
            2,
            "size 'big' is neither SIDE nor HEIGHTxWIDTH; write for example 512 or 384x640",
        ),
        (["export", "M", "-o", "new", "--slots", "0"], 2, "0 prompt slots; the limit is 1 to 64; try --slots 16"),
        (
            ["export", "M", "-o", "new", "--clip-frames", "9"],
            2,
            "clips of 9 frames; the limit is 0 (none) to 5; try --clip-frames 3",
        ),
        (["export", "M", "-o", "no/new"], 2, "no/new: there is no folder no; make it first"),
        (
            ["quantize", "M", "--calib", ".", "-o", "new"],
            2,
            ". has no picture (0 unreadable); wanted .bmp, .jpeg, .jpg, .png, .webp",
        ),
        (
            ["quantize", "M", "--calib", "gone", "-o", "new"],
            2,
            "gone is no folder and no data set; give one with pictures like those of the app",
        ),
        (
            ["quantize", "M", "--calib", ".", "-o", "new", "--recipe", "int3"],
            2,
            "unknown recipe 'int3'; known: int8-static (xnnpack_pt2e_int8_static_per_channel), int8-static-per-tensor "
            "(xnnpack_pt2e_int8_static_per_tensor), int8-dynamic (xnnpack_pt2e_int8_dynamic_per_channel), int8-qat "
            "(xnnpack_pt2e_int8_qat_per_channel), fp16 (coreml_fp16)",
        ),
        (["demo", "--size", "7", "-o", "new"], 2, "size 7: 7 is no multiple of 32 from 32 to 2048; try 32"),
        (["list", "bananas"], 2, "unknown list 'bananas'; known: presets, rewrites, recipes, training, targets, all"),
        (["validate", "B", "--checkpoint", "gone.pth"], 2, "gone.pth: no such file; check the path"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("quiet_engines")
def test_bad_options_of_other_verbs(cli: Cli, made: Made, command: list[str], code: int, message: str) -> None:
    places = {"M": made.checkpoint, "B": made.bundle}
    done = cli(*(places.get(word, word) for word in command))
    assert (done.code, done.error) == (code, message)


@NEEDS_BUNDLE
@pytest.mark.usefixtures("quiet_engines")
def test_validate_wants_the_checkpoint_of_the_bundle(cli: Cli, made: Made, official: Path) -> None:
    done = cli("validate", made.bundle, "--checkpoint", official)
    assert (done.code, done.error) == (
        2,
        f"{official} is not what small.bundle was made from: other weights or classes; give that one",
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["export", "m", "-o", "new", "--target", "tpu"], ["--target", "'tpu'", "'xnnpack'", "'coreml-package'"]),
        (["export", "m"], ["Missing option", "'--output'"]),
        (["frobnicate"], ["No such command", "'frobnicate'"]),
        (["segment", "--pont", "1,2"], ["No such option", "--pont", "--point"]),
        (["export", "m", "-o", "new", "--slots", "many"], ["--slots", "integer"]),
    ],
)
def test_options_that_the_parser_refuses(cli: Cli, command: list[str], words: list[str]) -> None:
    done = cli(*command)
    assert (done.code, done.out) == (2, "")
    for word in words:
        assert word in done.err


def test_brackets_in_a_message_are_kept(cli: Cli) -> None:
    done = cli("import", "a[bold]b[/].pth", "-o", "new.safetensors")
    assert (done.code, done.error) == (2, "a[bold]b[/].pth: no such file; check the path")


def test_json_is_no_excuse(cli: Cli) -> None:
    done = cli("inspect", "gone", "--json")
    assert done.error.startswith("gone does not exist")
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.out)
