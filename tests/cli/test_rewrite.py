"""``rewrite``, and how ``export`` is told which rewrites to apply."""

import json
import re
from pathlib import Path

import pytest

from rmpsam_mobile.contracts import Target
from rmpsam_mobile.export.rewrites import PROGRAM_REWRITES, REWRITES
from tests.bundles import names_below
from tests.cli.calls import Cli

pytestmark = pytest.mark.usefixtures("folder")

MODEL = "rmpsam-mobile-tiny"
ALL = [rewrite.name for rewrite in (*REWRITES, *PROGRAM_REWRITES)]
FOR_COREML, FOR_XNNPACK = (
    [rewrite.name for rewrite in (*REWRITES, *PROGRAM_REWRITES) if target in rewrite.targets]
    for target in (Target.COREML_PACKAGE, Target.XNNPACK)
)


def test_the_report_of_the_shipped_model(cli: Cli) -> None:
    names = ("fold_batch_norm", "merge_text_rows", "fold_loc_conv", "clamp_hard_masks")
    chosen = [word for name in names for word in ("--only", name)]
    command = ["rewrite", MODEL, "-o", "out", "--report", "--size", "64", "--slots", "2", "--no-lower", *chosen]
    done = cli(*command, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert names_below(Path("out")) == ["report.html", "report.json", "report.md"]
    assert json.loads(Path("out/report.json").read_text(encoding="utf-8")) == said
    assert said["about"]["model"]["preset"] == MODEL
    assert said["about"]["tool"]["command"] == [*command, "--json"]
    assert {effect["name"] for effect in said["rewrites"]} == set(names)
    assert set(said["not_applied"]) == set(ALL) - set(names)
    for effect in said["rewrites"]:
        for change in effect["graphs"]:
            assert change["errors"]["float64"] <= 1e-9
            assert change["errors"]["float32"] <= 1e-5
    (folded,) = (effect for effect in said["rewrites"] if effect["name"] == "fold_batch_norm")
    assert folded["graphs"][0]["removed"].keys() == {"aten.batch_norm.default"}
    assert re.search(r"^nothing to do: .*fold_loc_conv", done.err, re.MULTILINE)
    for line in ("left out: gather_deform: left out on request", "next: open out/report.html"):
        assert line in done.err.splitlines()
    again = cli(*command)
    assert (again.code, again.error) == (2, "out exists already; choose another name, or replace it with --force")


def test_a_table_for_people_and_json_alone_in_the_folder(cli: Cli) -> None:
    command = ["rewrite", MODEL, "-o", "out", "--no-report", "--size", "64", "--no-lower", "--only", "fold_batch_norm"]
    done = cli(*command)
    assert done.code == 0, done.err
    assert names_below(Path("out")) == ["report.json"]
    assert re.search(r"^ fold_batch_norm +encoder ", done.out, re.MULTILINE)
    for word in ("float64", "multiply-adds", "→"):
        assert word in done.out


def test_a_dry_run_tells_the_steps_and_writes_nothing(cli: Cli) -> None:
    said = json.loads(cli("rewrite", MODEL, "-o", "new", "--skip", "gather_deform", "--dry-run").out)
    assert said["rewrites"] == [name for name in FOR_XNNPACK if name != "gather_deform"]
    assert said["graphs"] == ["encoder", "objects", "prompts"]
    assert said["steps"].count("capture encoder") == 2
    assert {"lower encoder before", "lower prompts after"} <= set(said["steps"])
    assert names_below(Path()) == []


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], FOR_XNNPACK),
        (["--no-rewrites"], []),
        (["--only", "fold_batch_norm", "--only", "gather_deform"], ["fold_batch_norm", "gather_deform"]),
        (["--only", "gather_deform", "--only", "fold_batch_norm"], ["fold_batch_norm", "gather_deform"]),
        (["--skip", "fold_batch_norm"], [name for name in FOR_XNNPACK if name != "fold_batch_norm"]),
        (["--only", "fold_batch_norm", "--skip", "gather_deform"], ["fold_batch_norm"]),
        (["--target", "coreml-package"], FOR_COREML),
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_export_applies_what_it_is_told(cli: Cli, options: list[str], wanted: list[str]) -> None:
    done = cli("export", MODEL, "-o", "new", "--size", "64", "--dry-run", *options)
    assert done.code == 0, done.err
    assert json.loads(done.out)["rewrites"] == wanted


UNKNOWN = f"unknown rewrite 'fold'; known, in order: {', '.join(ALL)}"
ONLY_AND_SKIP = "--only fold_constants and --skip fold_constants contradict one another; leave one of the two away"


@pytest.mark.parametrize("verb", ["export", "rewrite"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "fold"], UNKNOWN),
        (["--skip", "fold"], UNKNOWN),
        (["--only", "fold_constants", "--skip", "fold_constants"], ONLY_AND_SKIP),
    ],
)
def test_unknown_names_and_contradictions(cli: Cli, verb: str, options: list[str], message: str) -> None:
    done = cli(verb, MODEL, "-o", "new", *options)
    assert (done.code, done.error) == (2, message)


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_no_rewrites_contradicts_the_others(cli: Cli, option: str) -> None:
    done = cli("export", MODEL, "-o", "new", "--no-rewrites", option, "fold_batch_norm")
    message = f"{option} and --no-rewrites contradict one another; leave one of the two away"
    assert (done.code, done.error) == (2, message)


def test_a_rewrite_of_another_engine_is_not_dropped_in_silence(cli: Cli) -> None:
    done = cli("export", MODEL, "-o", "new", "--target", "coreml-package", "--only", "clamp_hard_masks")
    assert done.code == 2
    assert done.error.startswith(
        "--only clamp_hard_masks: this rewrite is not for coreml-package; there are: fold_batch_norm"
    )


@pytest.fixture
def quantized() -> Path:
    """Looks like what ``quantize`` wrote."""
    from rmpsam_mobile.export.quantized import RECORD

    place = Path("q")
    place.mkdir()
    (place / RECORD).write_text("{}", encoding="utf-8")
    return place


@pytest.mark.parametrize("options", [["--no-rewrites"], ["--only", "fold_constants"], ["--skip", "fold_constants"]])
def test_a_quantized_model_has_all_its_rewrites(cli: Cli, quantized: Path, options: list[str]) -> None:
    done = cli("export", quantized, "-o", "new", *options)
    message = f"q is quantized, and its ranges belong to all rewrites; leave {options[0]} away"
    assert (done.code, done.error) == (2, message)


def test_a_quantized_model_is_no_source_of_a_report(cli: Cli, quantized: Path) -> None:
    done = cli("rewrite", quantized, "-o", "new")
    message = "q is quantized; rewrites are reported of the float model; give what it was made from"
    assert (done.code, done.error) == (2, message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--measure", "--no-lower"],
            "--measure times lowered files, and --no-lower makes none; leave one of the two away",
        ),
        (
            ["--measure", "--target", "coreml-package"],
            "--measure: coreml-package files do not run on this machine; leave it away, or use --target xnnpack",
        ),
        (["--size", "500"], "size 500: 500 is no multiple of 32 from 32 to 2048; try 512"),
        (
            ["--deform", "static"],
            "the static form of encoder.neck.deconv.deform_conv1.dcn needs mean offsets; add --audit-data PICTURES",
        ),
    ],
)
def test_options_that_do_not_go_together(cli: Cli, options: list[str], message: str) -> None:
    done = cli("rewrite", MODEL, "-o", "new", *options)
    assert (done.code, done.error) == (2, message)
