"""What the documents tell a reader to type is typed here, at a smaller picture size."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from rmpsam_mobile.cli.demo import _photo
from tests.conftest import REPOSITORY
from tests.distill.small_runs import paint
from tests.evaluate.measuring_sets import write_prompted
from tests.seeded_weights import (
    seeded_classifier,
    seeded_state_dict,
    spec_of_preset,
    write_official_checkpoint,
)

DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/bundle.md",
    "docs/peers.md",
    "docs/phones.md",
    "docs/quantization.md",
    "docs/rewrites.md",
    "docs/targets.md",
    "docs/training.md",
)
# Added to a command that does not say it itself, so that this takes minutes and not an hour.
QUICK = {
    "demo": "--size 96",
    "export": "--size 96",
    "rewrite": "--size 96 --no-lower",
    "quantize": "--size 256",  # masks of 24 x 24 cells are too few for the gate
    "bench": "--runs 2 --warmup 1",
    "distill": "--steps 1 --batch 1",
}


def commands() -> list[str]:
    """Every command of every document once, in the order of reading."""
    found: list[str] = []
    for name in DOCUMENTS:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
        found += [
            line[2:].split("  #")[0].strip() for block in blocks for line in block.splitlines() if line[:2] == "$ "
        ]
        found += re.findall(r"^\|.*\| `(rmpsam-mobile [^`]*)` \|$", text, re.MULTILINE)
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the documents' commands start from."""
    folder = tmp_path_factory.mktemp("documents")
    write_official_checkpoint(folder / "official.pth", seeded_state_dict(spec_of_preset("rmpsam-seaformer-tiny")))
    classes = {"classifier": "c", "dim": 768, "strong": 24, "weak": 0.1, "prototypes": [1] * 133}
    torch.save(seeded_classifier(classes), folder / "classifier.pth")
    shutil.copy(_photo(), folder / "photo.jpg")
    write_prompted(folder / "eval")
    paint(folder / "train.json.gz", 8)
    for name in ("pictures", "frames"):
        (folder / name).mkdir()
        with Image.open(folder / "photo.jpg") as photo:
            for i in range(4):
                photo.crop((40 * i, 20 * i, 40 * i + 320, 20 * i + 240)).save(folder / name / f"{i}.png")
    return folder


@pytest.mark.slow
def test_the_documents_commands_work(workplace: Path) -> None:
    for command in commands():
        program, *arguments = shlex.split(command)
        if program != "rmpsam-mobile":
            continue
        quick = shlex.split(QUICK.get(arguments[0], ""))
        if arguments[0] == "export" and "quantized" in command:
            quick = []  # its size is that of the quantized model
        run = [sys.executable, "-m", "rmpsam_mobile", *arguments, *quick]
        done = subprocess.run(run, cwd=workplace, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    code = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    for block in code:
        done = subprocess.run([sys.executable, "-c", block], cwd=workplace, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{block}\n{done.stderr}"


def test_other_commands_exist() -> None:
    others = [command for command in commands() if not command.startswith("rmpsam-mobile")]
    assert "make demo" in others
    for command in others:
        program, *arguments = shlex.split(command)
        assert program == "make", command
        subprocess.run(["make", "-n", *arguments], cwd=REPOSITORY, capture_output=True, check=True)


def test_every_verb_is_in_the_readme() -> None:
    done = subprocess.run([sys.executable, "-m", "rmpsam_mobile", "--help"], capture_output=True, text=True, check=True)
    verbs = set(re.findall(r"^│ (\w+) {2,}\w", done.stdout, re.MULTILINE))
    assert {"demo", "import", "export"} <= verbs
    shown = {shlex.split(command)[1] for command in commands() if command.startswith("rmpsam-mobile")} | {"demo"}
    assert verbs == shown


def test_links_between_documents_lead_somewhere() -> None:
    for name in DOCUMENTS:
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (REPOSITORY / Path(name).parent / target).exists(), f"{name}: {target}"
    for path in re.findall(
        r"`((?:rmpsam_mobile|export|quantization)/[\w/]+\.py)`", (REPOSITORY / "ARCHITECTURE.md").read_text()
    ):
        assert (REPOSITORY / path).exists(), path
