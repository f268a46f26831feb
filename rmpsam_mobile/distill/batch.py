"""Samples as tensors. B pictures, T frames, S side of the square input."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.data.stream import SampleStream
from rmpsam_mobile.distill.recipe import Recipe
from rmpsam_mobile.preprocess import MEAN, STD


@dataclass(frozen=True)
class Batch:
    """What one process sees in one update.

    Attributes:
        step: number of the update.
        first: number of the first sample in the stream.
        task: of all samples.
        samples: B of them.
        rounds: corrections of prompts, the same in every process.
    """

    step: int
    first: int
    task: Task
    samples: tuple[Sample, ...]
    rounds: int

    @property
    def key(self) -> str:
        """Names what a teacher sees: place in the stream, task, and pixels, which another data set would change."""
        digest = hashlib.sha256()
        for sample in self.samples:
            digest.update(repr((sample.pixels.shape, sample.image_size)).encode() + sample.pixels.tobytes())
        return f"{self.first:09d}_{self.task.value}_{digest.hexdigest()[:16]}"

    def pixel_values(self, device: torch.device) -> Tensor:
        """[B * T, 3, S, S] normalised, zero outside of the picture."""
        raw = torch.from_numpy(np.concatenate([sample.pixels for sample in self.samples])).to(device)
        mean, std = torch.tensor(MEAN, device=device), torch.tensor(STD, device=device)
        values = ((raw.float() - mean) / std).permute(0, 3, 1, 2).contiguous()
        frames = self.samples[0].pixels.shape[0]
        for i, sample in enumerate(self.samples):
            height, width = sample.image_size
            values[i * frames : (i + 1) * frames, :, height:] = 0
            values[i * frames : (i + 1) * frames, :, :, width:] = 0
        return values

    def rngs(self, seed: int) -> list[np.random.Generator]:
        """One random generator a sample, by its number in the stream."""
        return [np.random.default_rng((seed, self.first + i, 1)) for i in range(len(self.samples))]


class Updates(Dataset[Batch]):
    """Batch of update number ``step`` for one of ``processes``: a pure function of the recipe and these numbers."""

    def __init__(self, stream: SampleStream, recipe: Recipe, process: int = 0, processes: int = 1) -> None:
        self.stream, self.recipe = stream, recipe
        self.process, self.processes = process, processes

    def __len__(self) -> int:
        """Number of updates."""
        return self.recipe.steps

    def __getitem__(self, step: int) -> Batch:
        """Draw the batch."""
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, step, 2))
        tasks = sorted(recipe.tasks)  # a stored recipe has no order
        weights = np.array([recipe.tasks[task] for task in tasks])
        task = tasks[int(rng.choice(len(tasks), p=weights / weights.sum()))]
        size = int(rng.choice(recipe.sizes))
        rounds = int(rng.choice(len(recipe.prompts.corrections), p=recipe.prompts.corrections))
        first = (step * self.processes + self.process) * recipe.batch
        samples = tuple(self.stream.sample(first + i, task=task, size=size) for i in range(recipe.batch))
        return Batch(step, first, task, samples, rounds)
