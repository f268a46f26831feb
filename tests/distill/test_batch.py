"""Batches: the same numbers whoever draws them, and pixels as the model reads them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rmpsam_mobile.data.samples import Task
from rmpsam_mobile.distill.batch import Batch, Updates
from rmpsam_mobile.distill.prompt_task import PromptTask
from rmpsam_mobile.distill.recipe import Terms, same_recipe
from rmpsam_mobile.preprocess import MEAN, STD
from tests.data.painted import digest
from tests.distill.small_runs import batch_of, disc_sample, painted_data, small_data, small_recipe

__all__ = ["painted_data"]

CPU = torch.device("cpu")
RECIPE = small_recipe(
    steps=40,
    sizes=(64, 96),
    tasks={Task.PROMPTS: 0.5, Task.IMAGE: 0.25, Task.IMITATE: 0.25},
    prompts=PromptTask(corrections=(0.25, 0.5, 0.25)),
    terms=Terms(features=1.0),
)


def said(batch: Batch) -> tuple[object, ...]:
    return batch.step, batch.first, batch.task, batch.rounds, [digest(sample) for sample in batch.samples], batch.key


def test_an_update_is_a_pure_function_of_its_number(painted_data: Path) -> None:
    one, two = (Updates(small_data(painted_data, RECIPE).stream, RECIPE) for _ in range(2))
    forwards = [said(one[step]) for step in range(5)]
    backwards = [said(two[step]) for step in reversed(range(5))]
    assert forwards == backwards[::-1]
    assert len({str(batch) for batch in forwards}) == 5
    assert len(one) == 40


def test_tasks_sizes_and_rounds_come_as_often_as_asked(painted_data: Path) -> None:
    recipe = replace(RECIPE, batch=1)
    updates = Updates(small_data(painted_data, recipe).stream, recipe)
    batches = [updates[step] for step in range(120)]
    assert all(sample.task == batch.task for batch in batches for sample in batch.samples)
    tasks = [batch.task for batch in batches]
    assert [tasks.count(task) / 120 for task in recipe.tasks] == pytest.approx([0.5, 0.25, 0.25], abs=0.12)
    sides = [batch.samples[0].pixels.shape[1] for batch in batches]
    assert sides.count(96) / 120 == pytest.approx(0.5, abs=0.12)
    rounds = [batch.rounds for batch in batches]
    assert [rounds.count(r) / 120 for r in range(3)] == pytest.approx([0.25, 0.5, 0.25], abs=0.12)


def test_the_order_of_tasks_means_nothing(painted_data: Path) -> None:
    """A recipe is stored without one, and a run that goes on may have read its tasks in another."""
    turned = replace(RECIPE, tasks=dict(reversed(list(RECIPE.tasks.items()))))
    assert same_recipe(RECIPE.document(), turned)
    one, two = (Updates(small_data(painted_data, recipe).stream, recipe) for recipe in (RECIPE, turned))
    assert [said(one[step]) for step in range(8)] == [said(two[step]) for step in range(8)]
    assert [digest(one.stream.sample(i)) for i in range(8)] == [digest(two.stream.sample(i)) for i in range(8)]


@pytest.mark.parametrize("step", [0, 3])
def test_processes_share_what_one_would_see(painted_data: Path, step: int) -> None:
    """Process p of P sees numbers (step P + p) B and on: together those of one process with P times the batch."""
    stream = small_data(painted_data, RECIPE).stream
    whole = Updates(stream, replace(RECIPE, batch=6))[step]
    parts = [Updates(stream, RECIPE, process, 3)[step] for process in range(3)]
    assert [part.first for part in parts] == [(step * 3 + p) * 2 for p in range(3)]
    assert [digest(s) for part in parts for s in part.samples] == [digest(s) for s in whole.samples]
    assert {(part.task, part.rounds) for part in parts} == {(whole.task, whole.rounds)}
    numbers = [rng.random() for part in parts for rng in part.rngs(0)]
    assert numbers == [rng.random() for rng in whole.rngs(0)]
    assert len(set(numbers)) == 6


def test_chance_in_a_sample_is_its_own() -> None:
    batch = batch_of([disc_sample(1), disc_sample(2)], step=4)
    assert [rng.random() for rng in batch.rngs(0)] == [rng.random() for rng in batch.rngs(0)]
    assert batch.rngs(0)[0].random() != batch.rngs(1)[0].random()
    # not the chance that drew the pixels
    assert batch.rngs(0)[0].random() != np.random.default_rng((0, batch.first)).random()


@pytest.mark.parametrize("frames", [1, 3])
def test_pixels_are_normalised_and_padding_is_zero(frames: int) -> None:
    small, wide = disc_sample(1, frames=frames), disc_sample(1, frames=frames, seed=1)
    wide = replace(wide, image_size=(48, 40))
    wide.pixels[:, :, 40:] = 255  # must not come through
    values = batch_of([small, wide]).pixel_values(CPU)
    assert values.shape == (2 * frames, 3, 64, 64)
    assert values.dtype == torch.float32
    for i, sample in enumerate((small, wide)):
        height, width = sample.image_size
        wanted = np.zeros((frames, 3, 64, 64))
        inside = (sample.pixels[:, :height, :width].astype(np.float64) - MEAN) / STD
        wanted[:, :, :height, :width] = inside.transpose(0, 3, 1, 2)
        found = values[i * frames : (i + 1) * frames].numpy()
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)  # float32
        assert not found[:, :, height:].any()
        assert not found[:, :, :, width:].any()


def test_a_key_names_what_a_teacher_sees() -> None:
    one, other = disc_sample(1), disc_sample(1, seed=1)
    batch = batch_of([one, other])
    assert batch.key == batch_of([one, other]).key
    assert batch.key.startswith("000000000_prompts_")
    others = [
        batch_of([other, one]),
        batch_of([one]),
        batch_of([one, other], Task.IMITATE),
        batch_of([one, other], step=1),
        batch_of([one, replace(other, image_size=(48, 32))]),
    ]
    assert len({batch.key, *(x.key for x in others)}) == 6
    assert batch.key == replace(batch, step=9, rounds=3).key
