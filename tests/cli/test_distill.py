"""``distill``: a run from the command line to its checkpoint, what it would cost, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from safetensors.torch import load_file

from rmpsam_mobile.checkpoint import load_checkpoint, shipped_weights
from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.distill import recipe as recipes
from rmpsam_mobile.distill.engine import Run
from rmpsam_mobile.distill.recipe import RECIPES, Recipe, Terms
from rmpsam_mobile.distill.run_log import RunLog
from rmpsam_mobile.model.presets import PRESETS
from tests.bundles import names_below
from tests.cli.calls import Cli, Result
from tests.distill.small_runs import (
    OTHER_MOBILE,
    SMALL_MOBILE,
    named_student,
    one_thread,
    painted_data,
    small_presets,
    small_recipe,
    small_student,
    store,
)

__all__ = ["one_thread", "painted_data", "small_presets"]
pytestmark = pytest.mark.usefixtures("folder", "one_thread")

IMITATING = small_recipe(name="imitating", steps=2, tasks={Task.IMITATE: 1.0}, terms=Terms(features=1.0), held_out=0.0)

OBJECTS = small_recipe(name="objects", tasks={Task.IMAGE: 1.0}, object_weight=0.5)
FROM_TEACHER = replace(OBJECTS, name="from-teacher", terms=RECIPES["from-teacher"].terms)


@pytest.fixture
def small_recipes(small_presets: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Recipes and presets of seconds, under names that the verb takes."""
    known = {recipe.name: recipe for recipe in (small_recipe(), IMITATING, OBJECTS, FROM_TEACHER)}
    monkeypatch.setattr(recipes, "RECIPES", MappingProxyType(known))


def train(cli: Cli, data: Path, *more: object, recipe: str = "small") -> Result:
    return cli("distill", "--data", data, "--student", SMALL_MOBILE.name, "--recipe", recipe, *more)


def files(folder: Path = Path("run")) -> list[str]:
    return [name for name in names_below(folder) if not name.startswith("tensorboard")]


@pytest.mark.usefixtures("small_recipes")
def test_a_run_from_start_to_end(cli: Cli, painted_data: Path) -> None:
    done = train(cli, painted_data, "-o", "run", "--steps", 2, "--batch", 1, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said.keys() == {"updates", "hours", "best", "at"}
    assert (said["updates"], said["at"]) == (2, 2)
    assert 0 <= said["best"] <= 1
    assert done.err.splitlines() == [
        "18 pictures to train on, 6 held out, 0 clips",
        "2 updates",
        "next: rmpsam-mobile evaluate run/best.safetensors --data DIR --protocol box",
    ]
    assert files() == [
        "best.safetensors",
        "held_out.csv",
        "last.safetensors",
        "recipe.json",
        "student.safetensors",
    ]  # the log's first row comes after ten updates
    assert load_checkpoint("run/best.safetensors").trained
    assert json.loads(Path("run/recipe.json").read_text())["batch"] == 1


@pytest.mark.usefixtures("small_recipes")
def test_the_same_words_go_on_and_others_are_refused(cli: Cli, painted_data: Path) -> None:
    words = ("-o", "run", "--steps", 2, "--batch", 1)
    assert train(cli, painted_data, *words).code == 0
    before = {name: Path("run", name).read_bytes() for name in files()}
    done = train(cli, painted_data, *words)
    assert done.code == 0
    assert "2 of 2 updates are done" in done.err
    assert all(word in done.out for word in ("Run", "updates", "best"))
    assert {name: Path("run", name).read_bytes() for name in files()} == before
    done = train(cli, painted_data, "-o", "run", "--steps", 3, "--batch", 1)
    assert (done.code, done.err.splitlines()[-1]) == (
        2,
        "ERROR run holds a run of another recipe; give another folder, or the same recipe",
    )
    assert {name: Path("run", name).read_bytes() for name in files()} == before


@pytest.mark.usefixtures("small_recipes")
def test_a_teacher_a_start_and_a_cache(cli: Cli, painted_data: Path) -> None:
    """Features alone are imitated: the head is still that of the checkpoint that the run began from."""
    stored = store(small_student(seed=9), Path("first.safetensors"))
    taught = ("--teacher", stored, "--init", stored, "--cache", "lessons", "--batch", 2)
    done = train(cli, painted_data, "-o", "taught", *taught, recipe="imitating")
    assert done.code == 0, done.err
    assert done.err.splitlines() == [
        "24 pictures to train on, 0 held out, 0 clips",
        "2 updates",
        "next: rmpsam-mobile evaluate taught/student.safetensors --data DIR --protocol box",
    ]
    assert files(Path("taught")) == ["last.safetensors", "recipe.json", "student.safetensors"]
    assert len(list(Path("lessons").rglob("*.safetensors"))) == 2  # one a batch
    first, last = load_file(stored), load_file("taught/student.safetensors")
    changed = {name.split(".")[0] for name, value in first.items() if not torch.equal(value, last[name])}
    assert changed == {"backbone"}


@pytest.mark.usefixtures("small_recipes")
def test_the_three_stages(cli: Cli, painted_data: Path) -> None:
    """As docs/training.md has them: a teacher of other widths from labels, its maps imitated, then both together."""
    short = ("--steps", 2, "--batch", 1)
    taught_by = ("--teacher", "teacher/best.safetensors")
    stages = (
        ("--student", OTHER_MOBILE.name, "--recipe", "objects", "-o", "teacher"),
        ("--recipe", "imitating", *taught_by, "-o", "stage2"),
        ("--recipe", "from-teacher", *taught_by, "--init", "stage2/student.safetensors", "-o", "stage3"),
    )
    for words in stages:
        student = () if "--student" in words else ("--student", SMALL_MOBILE.name)
        done = cli("distill", "--data", painted_data, *student, *words, *short)
        assert done.code == 0, done.err
    assert load_checkpoint("stage3/best.safetensors").preset == SMALL_MOBILE.name


@pytest.mark.usefixtures("small_recipes")
def test_classes_of_the_first_weights_are_kept_to_the_end(
    cli: Cli, painted_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a run that was stopped: then the state alone knows them, and by which numbers pictures are labelled."""
    named = named_student(("book", "sports ball", "sky"), synonyms=2, seed=9)
    stored = store(named, Path("first.safetensors"))
    words = ("--init", stored, "--steps", 4, "--batch", 1)
    assert train(cli, painted_data, "-o", "whole", *words, recipe="objects").code == 0
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        assert train(cli, painted_data, "-o", "run", *words, recipe="objects").code == 130
    stored.unlink()
    done = train(cli, painted_data, "-o", "run", *words, recipe="objects")
    assert done.code == 0, done.err
    assert Path("run/student.safetensors").read_bytes() == Path("whole/student.safetensors").read_bytes()
    model = load_checkpoint("run/student.safetensors")
    assert model.vocabulary == named.vocabulary
    assert model.classifier is not None
    assert named.classifier is not None
    assert torch.equal(model.classifier.text_embeddings, named.classifier.text_embeddings)


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Press Ctrl-C after that update, before anything is written of it."""
    usual = Run._milestones

    def milestones(run: Run, done: int, log: RunLog) -> None:
        if done > step:
            raise KeyboardInterrupt
        usual(run, done, log)

    monkeypatch.setattr(Run, "_milestones", milestones)


@pytest.mark.usefixtures("small_recipes")
def test_an_interrupted_run_says_what_is_kept(cli: Cli, painted_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("-o", "run", "--batch", 1)
    with monkeypatch.context() as patch:
        stop_at(patch, 1)
        done = train(cli, painted_data, *words)
        assert (done.code, done.err.splitlines()[-1]) == (
            130,
            "ERROR interrupted; run holds no state yet; the same command starts anew",
        )
        assert files() == ["recipe.json"]
    with monkeypatch.context() as patch:
        stop_at(patch, 7)  # states are saved every 3 updates
        done = train(cli, painted_data, *words)
        assert (done.code, done.err.splitlines()[-1]) == (
            130,
            "ERROR interrupted; run holds the state of update 6 of 12; the same command goes on from there",
        )
    done = train(cli, painted_data, *words)
    assert done.code == 0
    assert "6 of 12 updates are done" in done.err


@pytest.mark.usefixtures("small_recipes")
def test_other_processes_say_nothing(cli: Cli, painted_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Run, "train", lambda run, _: run.progress)  # nobody to train with here
    monkeypatch.setenv("RANK", "1")
    done = train(cli, painted_data, "-o", "run")
    assert (done.code, done.out, done.err) == (0, "", "")
    done = train(cli, painted_data, "-o", "run", "--dry-run", "--json")
    assert (done.code, done.out, done.err) == (0, "", "")
    monkeypatch.setenv("RANK", "0")
    done = train(cli, painted_data, "-o", "run", "--json")
    assert (done.code, json.loads(done.out)["updates"]) == (0, 0)
    assert len(done.err.splitlines()) == 3


@pytest.mark.usefixtures("small_recipes")
def test_a_dry_run_says_what_it_would_cost_and_writes_nothing(cli: Cli, painted_data: Path) -> None:
    done = train(cli, painted_data, "-o", "run", "--dry-run", "--json")
    assert done.code == 0, done.err
    cost = json.loads(done.out)
    assert (cost["updates"], cost["pictures"]) == (12, 24)
    assert cost.keys() >= {"parameters", "seconds an update", "hours", "peak memory GB"}
    assert names_below(Path()) == []
    shown, size = train(cli, painted_data, "-o", "run", "--dry-run"), cost["parameters"]
    assert all(word in shown.out for word in ("seconds an update", "peak memory GB", f"{size:,}"))
    assert names_below(Path()) == []


SEGMENT = RECIPES["segment"]
REFUSED: list[tuple[list[str], str]] = [
    (
        ["--student", "rmpsam-mobile-tinny"],
        "unknown preset 'rmpsam-mobile-tinny'; did you mean 'rmpsam-mobile-tiny'? "
        f"known: {', '.join(PRESETS)}; see rmpsam-mobile list",
    ),
    (["--recipe", "segmant"], f"unknown recipe 'segmant'; known: {', '.join(RECIPES)}"),
    (["--data", "gone.json"], "gone.json does not exist; check the path to the data set"),
    (
        ["--teacher", "gone.safetensors", "--recipe", "imitate-features"],
        "gone.safetensors: no such file; check the path",
    ),
    (
        ["--teacher", "efficientnet-lite2"],
        "teacher efficientnet-lite2 has nothing to teach: all terms of recipe segment are 0; "
        "leave --teacher away, or give a recipe that imitates",
    ),
    (["--init", "gone.safetensors"], "gone.safetensors: no such file; check the path"),
    (["--workers", "-1"], "-1 workers; the limit is 0 to 256; try --workers 2"),
    (["--workers", "257"], "257 workers; the limit is 0 to 256; try --workers 2"),
    (["--steps", "-3"], f"-3 steps of {SEGMENT.batch} pictures; give at least 1 of each"),
    (["--steps", "0"], f"0 steps of {SEGMENT.batch} pictures; give at least 1 of each"),
    (["--batch", "0"], f"{SEGMENT.steps} steps of 0 pictures; give at least 1 of each"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_refused(cli: Cli, painted_data: Path, options: list[str], message: str) -> None:
    done = cli("distill", "--data", painted_data, "-o", "run", *options)
    assert (done.code, done.error) == (2, message)
    assert names_below(Path()) == []


def test_what_is_refused_once_the_pictures_are_known(cli: Cli, painted_data: Path) -> None:
    done = cli("distill", "--data", painted_data, "-o", "run", "--recipe", "imitate-features")
    assert (done.code, done.err.splitlines()[-1]) == (
        2,
        "ERROR recipe imitate-features imitates a teacher; name one with --teacher, or another recipe",
    )
    done = cli("distill", "--data", painted_data, "-o", "run", "--student", "rmpsam-r18")
    assert (done.code, done.err.splitlines()[-1]) == (
        2,
        "ERROR recipe segment freezes backbone.smb1 of the student, which rmpsam-r18 does not have; "
        "give another student, or another recipe",
    )
    assert names_below(Path()) == []


def test_data_and_output_must_be_given(cli: Cli, painted_data: Path) -> None:
    assert cli("distill", "-o", "run").code == 2
    assert cli("distill", "--data", painted_data).code == 2


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_named_recipes_really_run(cli: Cli, painted_data: Path, recipe: Recipe) -> None:
    """One update of one picture, of the real student at its real sizes, with a teacher where one is imitated."""
    teacher = shipped_weights("rmpsam-mobile-tiny") if recipe.terms.needs_neck else "efficientnet-lite0"
    more = ("--teacher", teacher) if recipe.terms.imitates else ()
    words = ("--recipe", recipe.name, "--steps", 1, "--batch", 1, *more)
    done = cli("distill", "--data", painted_data, "-o", "run", *words, "--dry-run", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["updates"] == 1
