"""Whole runs: stopped and gone on with, spread over processes, spoiled, and what they leave behind."""

import csv
import random
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from rmpsam_mobile.checkpoint.load import load_checkpoint
from rmpsam_mobile.checkpoint.store import read_checkpoint
from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.distill.engine import BEST, LAST, RECIPE, STUDENT, Run, Update
from rmpsam_mobile.distill.held_out import measure
from rmpsam_mobile.distill.optimisation import rate
from rmpsam_mobile.distill.recipe import Recipe
from rmpsam_mobile.errors import InputError, MissingExtraError
from rmpsam_mobile.model.vocabulary import COCO_PANOPTIC
from tests.bundles import names_below
from tests.distill.small_runs import (
    disc_sample,
    everything,
    name_presets,
    one_thread,
    painted_data,
    small_data,
    small_presets,
    small_recipe,
    small_student,
    small_teacher,
    split,
    start_run,
)

__all__ = ["one_thread", "painted_data", "small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets", "one_thread")


def run_of(folder: Path, recipe: Recipe, data: Path, workers: int = 0) -> Run:
    found = small_data(data, recipe)
    teacher = small_teacher() if recipe.terms.needs_neck else None
    return Run(folder, recipe, small_student(), found.stream, found.held, teacher=teacher, workers=workers)


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def files(folder: Path) -> list[str]:
    """Names of a run's files but for the curves."""
    return [name for name in names_below(folder) if not name.startswith("tensorboard")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, painted_data: Path) -> Path:
    """The folder of a run of ``everything`` that nobody interrupted. Not to be edited."""
    folder, threads = tmp_path_factory.mktemp("runs") / "whole", torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        name_presets(patch)
        torch.set_num_threads(1)
        progress = run_of(folder, everything(), painted_data).train()
        torch.set_num_threads(threads)
    assert progress.step == 12
    return folder


def test_what_a_run_leaves(whole: Path) -> None:
    assert files(whole) == [BEST, "held_out.csv", LAST, "log.csv", RECIPE, STUDENT]
    measured = rows(whole / "held_out.csv")
    assert [int(row[0]) for row in measured if row[1] == "box"] == [4, 8, 12]
    assert {row[1] for row in measured} == {"box", "click", "clicks3", "objects"}
    logged = rows(whole / "log.csv")
    assert {row[0] for row in logged} == {"10"}
    names = {row[1]: row[2] for row in logged}
    assert float(names["rate"]) == pytest.approx(rate(everything(), 9), rel=1e-5)
    assert names.keys() > {"rate", "total", "gradient", "focal", "classes", "features", "taught_masks", "taught_iou"}


def test_what_is_looked_at_beside(painted_data: Path, tmp_path: Path) -> None:
    """Objects of exhaustive pictures where they are trained, and pictures; neither chooses."""
    held = [disc_sample(3, seed=seed) for seed in range(2)]
    for name, weight in (("with", 0.5), ("without", 0.0)):
        recipe = small_recipe(steps=1, object_weight=weight)
        Run(tmp_path / name, recipe, small_student(), small_data(painted_data, recipe).stream, held).train()
    measured = {row[1]: row[2] for row in rows(tmp_path / "with" / "held_out.csv")}
    assert measured.keys() == {"box", "click", "clicks3", "objects", "object_iou", "object_class", "object_count"}
    assert measured["object_count"] == "6"
    assert {row[1] for row in rows(tmp_path / "without" / "held_out.csv")} == {"box", "click", "clicks3", "objects"}
    (events,) = (tmp_path / "with" / "tensorboard").iterdir()
    assert all(f"held_out/{number}".encode() in events.read_bytes() for number in range(2))


def test_the_checkpoints_open_and_answer(whole: Path) -> None:
    for name in (BEST, STUDENT):
        model = load_checkpoint(whole / name)
        assert (model.preset, model.vocabulary, model.trained) == ("small-mobile", COCO_PANOPTIC, True)
        assert read_checkpoint(whole / name).card.kind == "distilled"
        encoding = model.encode(torch.zeros(1, 3, 64, 64))
        answer = model.prompts(encoding, torch.tensor([[[4.0, 4.0, 30.0, 40.0]]]), (48, 64))
        assert torch.isfinite(answer.mask_logits).all()
        assert model.objects(encoding).class_logits.shape == (1, 6, 134)


def test_the_best_is_the_one_that_measured_best(whole: Path, painted_data: Path) -> None:
    recipe = everything()
    found = measure(load_checkpoint(whole / BEST), small_data(painted_data, recipe).held, recipe.seed)
    choices: dict[str, list[float]] = {}
    for step, name, value in rows(whole / "held_out.csv"):
        if name != "objects":
            choices.setdefault(step, []).append(float(value))
    assert found.choice == pytest.approx(max(sum(values) / 3 for values in choices.values()), abs=1e-5)


def test_the_student_is_the_average_of_the_last_state(whole: Path) -> None:
    state, student = load_file(whole / LAST), load_file(whole / STUDENT)
    prefix = "average.module."
    average = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    assert student.keys() == average.keys() | {"classifier.text_embeddings"}
    assert all(torch.equal(value, student[name]) for name, value in average.items())
    assert any(not torch.equal(value, state[f"model.student.{name}"]) for name, value in average.items())


def test_a_run_learns(painted_data: Path, tmp_path: Path) -> None:
    """Fifty updates on pictures of two or three shapes; measured on pictures that it never saw."""
    recipe = small_recipe(
        steps=50,
        learning_rate=3e-3,
        encoder_rate=1.0,
        scale=(1.0, 1.2),
        ema_decay=0.8,
        held_pictures=6,
        validate_every=50,
        save_every=50,
    )
    run, totals = run_of(tmp_path, recipe, painted_data), []
    before = measure(small_student().eval(), run.held, recipe.seed)
    run.train(lambda update: totals.append(update.losses["total"]))
    after = measure(load_checkpoint(tmp_path / BEST), run.held, recipe.seed)
    assert before.box < 0.1
    assert after.box > 0.5  # about 0.65
    assert after.choice > 0.3, after
    assert sum(totals[-10:]) < 0.75 * sum(totals[:10])


def test_the_average_follows_every_update(painted_data: Path, tmp_path: Path) -> None:
    """Copied at the first, then (1 + n) / (10 + n) of the old one is kept."""
    name = "panoptic_head.prompt_path.pos_linear.weight"
    run = run_of(tmp_path, small_recipe(steps=3, held_out=0.0, learning_rate=0.1), painted_data)
    weight, values = run.objective.student.get_parameter(name), []
    run.train(lambda _: values.append(weight.detach().clone()))
    average = values[0]
    for number, value in enumerate(values[1:], start=1):
        kept = (1 + number) / (10 + number)
        average = kept * average + (1 - kept) * value
    assert (values[0] - values[2]).abs().max() > 0.01
    torch.testing.assert_close(load_file(tmp_path / STUDENT)[name], average)


def test_a_killed_run_ends_as_if_nobody_had_killed_it(whole: Path, painted_data: Path, tmp_path: Path) -> None:
    """Killed after the seventh of 12 updates, between the states of updates 6 and 9 or while one is written."""
    folder = tmp_path / "killed"
    process = start_run("everything", folder, painted_data)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(7)]
    assert said == [f"{number}\n" for number in range(1, 8)], process.communicate()[1]
    time.sleep(random.uniform(0, 0.4))  # it sleeps a tenth of a second after each update now
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / STUDENT).exists()
    again = run_of(folder, everything(), painted_data)
    assert again.progress.step in (6, 9)
    assert again.train().step == 12
    for name in (STUDENT, BEST):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    ours, theirs = load_file(folder / LAST), load_file(whole / LAST)
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []
    assert rows(folder / "held_out.csv") == rows(whole / "held_out.csv")


class StoppedError(Exception):
    """Raised by a listener."""


def stop_at(step: int) -> Callable[[Update], None]:
    def listener(update: Update) -> None:
        if update.step == step:
            raise StoppedError

    return listener


def test_rows_past_the_resumed_step_are_written_once(painted_data: Path, tmp_path: Path) -> None:
    recipe = small_recipe(steps=11, save_every=9, validate_every=10, held_pictures=1)
    with pytest.raises(StoppedError):
        run_of(tmp_path, recipe, painted_data).train(stop_at(11))
    before = rows(tmp_path / "log.csv"), rows(tmp_path / "held_out.csv")
    assert {row[0] for row in before[0] + before[1]} == {"10"}
    again = run_of(tmp_path, recipe, painted_data)
    assert again.progress.step == 9
    again.train()
    assert [row[:2] for row in rows(tmp_path / "log.csv")] == [row[:2] for row in before[0]]
    measured = rows(tmp_path / "held_out.csv")
    assert measured[:4] == before[1]
    assert [row[0] for row in measured] == ["10"] * 4 + ["11"] * 4


def test_a_run_killed_before_its_last_state_writes_the_student_again(
    painted_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(steps=2, save_every=1, held_out=0.0)

    def killed(*_: object) -> None:
        raise StoppedError

    run = run_of(tmp_path, recipe, painted_data)
    monkeypatch.setattr(run, "_save_student", killed)
    with pytest.raises(StoppedError):
        run.train()
    assert not (tmp_path / STUDENT).exists()
    run_of(tmp_path, recipe, painted_data).train()
    assert (tmp_path / STUDENT).exists()


def test_a_finished_run_has_nothing_left_to_do(whole: Path, painted_data: Path) -> None:
    before = {name: (whole / name).read_bytes() for name in files(whole)}
    heard: list[Update] = []
    progress = run_of(whole, everything(), painted_data).train(heard.append)
    assert (progress.step, heard) == (12, [])
    assert {name: (whole / name).read_bytes() for name in files(whole)} == before


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def test_two_processes_are_one_with_twice_the_batch(painted_data: Path, tmp_path: Path) -> None:
    """Weights and both moments after five updates, so that no constant factor hides behind AdamW's division."""
    port, address = str(free_port()), {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    processes = [
        start_run("split", tmp_path / "two", painted_data, RANK=rank, LOCAL_RANK=rank, MASTER_PORT=port, **address)
        for rank in ("0", "1")
    ]
    run = run_of(tmp_path / "one", replace(split(), batch=4), painted_data)
    start = {name: value.clone() for name, value in run.objective.state_dict().items()}
    run.train()
    for process in processes:
        _, errors = process.communicate(timeout=400)
        assert process.returncode == 0, errors
    one, two = (load_file(tmp_path / name / LAST) for name in ("one", "two"))
    moved = [float((one[f"model.{name}"] - value).abs().max()) for name, value in start.items()]
    assert sorted(moved)[len(moved) // 2] > 5e-4  # or nothing would be compared
    for name, value in one.items():
        if name.startswith("model."):
            torch.testing.assert_close(two[name], value, rtol=0, atol=1e-5, msg=name)
        elif ".exp_avg" in name:
            scale = float(value.abs().max())
            torch.testing.assert_close(two[name], value, rtol=1e-3, atol=1e-4 * scale + 1e-10, msg=name)


def test_other_processes_prepare_the_same_pictures(painted_data: Path, tmp_path: Path) -> None:
    recipe = small_recipe(steps=2, held_out=0.0)
    heard: list[list[Update]] = [[], []]
    for workers in (0, 1):
        run_of(tmp_path / str(workers), recipe, painted_data, workers).train(heard[workers].append)
    assert [dict(update.losses) for update in heard[0]] == [dict(update.losses) for update in heard[1]]
    assert (tmp_path / "0" / STUDENT).read_bytes() == (tmp_path / "1" / STUDENT).read_bytes()


def test_a_loss_that_is_no_number_stops_the_run(painted_data: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path, small_recipe(), painted_data)
    poison(run)
    with pytest.raises(InputError) as caught:
        run.train()
    path = tmp_path / "bad_batch_0.npz"
    assert str(caught.value) == (
        f"update 0: focal, dice is no finite number; its pictures are in {path}; "
        "lower the learning rate, or leave them out"
    )
    batch = run.updates[0]
    with np.load(path) as stored:
        assert stored["keys"].tolist() == [sample.key for sample in batch.samples]
        assert np.array_equal(stored["pixels"], np.concatenate([sample.pixels for sample in batch.samples]))
    assert files(tmp_path) == [path.name, RECIPE]


def poison(run: Run) -> None:
    path = run.objective.student.panoptic_head.prompt_path
    assert path is not None
    bias = path.refiner.mask.bias
    assert isinstance(bias, Tensor)
    torch.nn.init.constant_(bias, float("nan"))


def test_a_run_goes_on_after_a_loss_that_was_no_number(painted_data: Path, tmp_path: Path) -> None:
    """What is stored is the state before; the bad update changed nothing."""
    recipe = small_recipe(steps=4, save_every=2, held_out=0.0)
    run = run_of(tmp_path, recipe, painted_data)
    with pytest.raises(InputError, match=r"^update 3: "):
        run.train(lambda update: poison(run) if update.step == 3 else None)
    again = run_of(tmp_path, recipe, painted_data)
    assert again.progress.step == 2
    assert again.train().step == 4


def test_another_recipe_in_the_same_folder(whole: Path, painted_data: Path) -> None:
    with pytest.raises(InputError) as caught:
        run_of(whole, replace(everything(), learning_rate=1e-4), painted_data)
    assert str(caught.value) == f"{whole} holds a run of another recipe; give another folder, or the same recipe"


def test_cost(painted_data: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path, small_recipe(tasks={Task.PROMPTS: 1.0}), painted_data)
    cost = run.cost(2)
    assert files(tmp_path) == [RECIPE]
    assert (cost["updates"], cost["pictures"]) == (12, 24)
    assert cost["parameters"] == sum(p.numel() for p in small_student().parameters())
    assert cost["hours"] == pytest.approx(12 * cost["seconds an update"] / 3600)
    assert 0 < cost["seconds an update"] < 600
    assert 0.05 < cost["peak memory GB"] < 64


def test_without_accelerate(painted_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtraError) as caught:
        run_of(tmp_path / "new", small_recipe(), painted_data)
    assert str(caught.value) == 'training needs accelerate; install: pip install "rmpsam-mobile[train]"'
    assert names_below(tmp_path) == []
