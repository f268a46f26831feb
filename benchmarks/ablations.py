"""What each idea of the mobile student is worth: short runs, alike but for one switch, measured on the held-out part.

python -m benchmarks.ablations --data DATA [--data DATA] [--only NAME ...] [--updates 250] [--output FILE]

All runs start from the same weights, see the same pictures in the same order, and are measured on all labelled
pictures that are held out. A finished run is stored at once and skipped when the command is given again; commands with
other names behind --only may run side by side. One process and OMP_NUM_THREADS threads a command.
"""

import argparse
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.bench import HOST_NOTE
from rmpsam_mobile.bench.machine import describe_machine
from rmpsam_mobile.cli.console import note, print_table, table
from rmpsam_mobile.data.records import Skipped
from rmpsam_mobile.data.sources import DataSources, open_data
from rmpsam_mobile.distill.engine import Run
from rmpsam_mobile.distill.held_out import measure
from rmpsam_mobile.distill.prompt_task import PromptTask
from rmpsam_mobile.distill.recipe import RECIPES, Recipe, Terms
from rmpsam_mobile.distill.start import TrainingData, begin_from_backbone, build_teacher, new_student, training_data
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.config import ModelConfig
from rmpsam_mobile.model.rmpsam import RmpSam

RESULTS = Path(__file__).parent / "results"
INIT = "efficientnet-lite0"
EVERY_PICTURE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One run.

    Attributes:
        what: differs from the baseline, in words.
        recipe: fields that differ.
        config: the model's numbers made from the preset's; weights and their names are the same.
        inherits: whether the trunk starts from the pretrained backbone.
        teacher: name of the teacher, or None.
    """

    what: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    config: Callable[[ModelConfig], ModelConfig] = replace
    inherits: bool = True
    teacher: str | None = None


def _with_prompts(config: ModelConfig, **changes: bool) -> ModelConfig:
    if config.prompt_set is None:
        raise InputError(f"{config.name} has no mobile prompt path to leave something out of; give a mobile preset")
    return replace(config, prompt_set=replace(config.prompt_set, **changes))


VARIANTS: Mapping[str, Variant] = {
    "baseline": Variant(what="recipe segment at one size"),
    # A random stem has to be trained, and at the full rate: both exceptions are made for inherited weights.
    "random-trunk": Variant(
        what="no weights of Lite0; all of the trunk is trained, at the full rate",
        inherits=False,
        recipe={"frozen": (), "encoder_rate": 1.0},
    ),
    "no-first-mask": Variant(
        what="stages start from the query's product", config=partial(_with_prompts, first_mask=False)
    ),
    "no-refiner": Variant(what="the last stage's mask, enlarged", config=partial(_with_prompts, refiner=False)),
    "no-corrections": Variant(
        what="first prompts alone in training", recipe={"prompts": PromptTask(corrections=(1.0,))}
    ),
    "no-copy-paste": Variant(what="no pasted objects", recipe={"copy_paste": 0.0}),
    "imitation": Variant(
        what="maps of Lite2's encoder are imitated",
        recipe={"terms": Terms(features=1.0)},
        teacher="efficientnet-lite2",
    ),
    "hard-masks": Variant(what="badly cut objects weigh more", recipe={"prompts": PromptTask(hard_masks=1.0)}),
    "free-offsets": Variant(what="offsets not clamped to 1 pixel", config=partial(replace, offset_limit=None)),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all variants have in common; results of other settings are not mixed with these."""

    preset: str
    updates: int
    batch: int
    size: int
    seed: int
    data: tuple[str, ...]

    def recipe(self, variant: Variant) -> Recipe:
        """``segment``, shortened to one size, measured at the end."""
        short = replace(
            RECIPES["segment"],
            steps=self.updates,
            batch=self.batch,
            sizes=(self.size,),
            warmup=max(self.updates // 10, 1),
            validate_every=self.updates,
            save_every=self.updates,
            held_pictures=EVERY_PICTURE,
            seed=self.seed,
        )
        return replace(short, **variant.recipe)


class Ablations:
    """Data that is read and first weights that are made once."""

    def __init__(self, settings: Settings, found: DataSources) -> None:
        self.settings, self.found = settings, found
        self._weights = cache(self._first_weights)

    def measured(self, name: str) -> dict[str, Any]:
        """Train a variant and measure it."""
        variant = VARIANTS[name]
        recipe = self.settings.recipe(variant)
        data = self._data(recipe)
        if not data.held:
            raise InputError("no labelled picture is held out to measure on; give more data")
        student, teacher = self.student(variant), build_teacher(variant.teacher, recipe)
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder), recipe, student, data.stream, (), teacher=teacher)
            seconds = run.train().seconds
        found = measure(run.averaged_student(), data.held, recipe.seed)
        return {
            "what": variant.what,
            **asdict(found),
            "pictures": len(data.held),
            "seconds_an_update": seconds / recipe.steps,
        }

    def student(self, variant: Variant) -> RmpSam:
        """The variant's arithmetic on the weights that all have in common."""
        first = self._weights(variant.inherits)
        student = RmpSam(variant.config(first.config))
        student.load_state_dict(first.state_dict())
        assert first.classifier is not None
        student.set_classifier(first.classifier.text_embeddings)
        student.vocabulary, student.trained = first.vocabulary, True
        return student

    def _first_weights(self, inherits: bool) -> RmpSam:
        model = new_student(self.settings.preset, seed=self.settings.seed)
        if inherits:
            note(f"inheriting the trunk of {INIT}")
            begin_from_backbone(model, INIT, self._data(self.settings.recipe(VARIANTS["baseline"])).stream)
        return model

    def _data(self, recipe: Recipe) -> TrainingData:
        return training_data(self.found, recipe, _skipped)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is not stored yet, one after the other, and print all that is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True, help="once for each part")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME", help="variants")
    parser.add_argument("--preset", default="rmpsam-mobile-tiny")
    parser.add_argument("--updates", type=int, default=250)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--output", type=Path, help="JSON; benchmarks/results/ablations_PRESET.json if left out")
    options = parser.parse_args(arguments)
    output = options.output or RESULTS / f"ablations_{options.preset}.json"
    settings = Settings(
        preset=options.preset,
        updates=options.updates,
        batch=options.batch,
        size=options.size,
        seed=0,
        data=tuple(path.name for path in options.data),
    )
    try:
        stored = read_results(output, settings)
        if not stored.keys() >= set(options.only):
            ablations = Ablations(settings, open_data(options.data))
            for name in options.only:
                if name not in read_results(output, settings):  # another command may have finished it
                    note(f"{name}: {VARIANTS[name].what}")
                    store(output, settings, name, ablations.measured(name))
    except InputError as error:
        parser.error(str(error))
    show(settings, read_results(output, settings))


def read_results(path: Path, settings: Settings) -> dict[str, dict[str, Any]]:
    """Finished variants by name.

    Raises:
        InputError: the file holds results of other settings.
    """
    if not path.exists():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    wanted = json.loads(json.dumps(asdict(settings)))
    differs = [f"{name} {document['settings'][name]}" for name in wanted if document["settings"][name] != wanted[name]]
    if differs:
        raise InputError(f"{path} holds runs of {', '.join(differs)}; give the same, or another --output")
    variants: dict[str, dict[str, Any]] = document["variants"]
    return variants


def store(path: Path, settings: Settings, name: str, result: Mapping[str, Any]) -> None:
    """Add one result; commands that run side by side wait for one another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(path.parent):
        variants = {**read_results(path, settings), name: dict(result)}
        document = {
            "command": "python -m benchmarks.ablations",
            "note": HOST_NOTE,
            "machine": describe_machine(),
            "settings": asdict(settings),
            "variants": {known: variants[known] for known in VARIANTS if known in variants},
        }
        write_file(path, (json.dumps(document, indent=1) + "\n").encode())


def show(settings: Settings, results: Mapping[str, Mapping[str, Any]]) -> None:
    """A table in the order of ``VARIANTS``, with differences to the baseline where it is there."""
    title = f"{settings.preset}, {settings.updates} updates of {settings.batch} pictures at {settings.size} px"
    shown = table(
        f"{title}; mean overlap in %", "variant", "box", "click", "3 clicks", "mean", "- baseline", "s/update"
    )
    means = {name: sum(row[key] for key in ("box", "click", "clicks3")) / 3 for name, row in results.items()}
    for name in (name for name in VARIANTS if name in results):
        row = results[name]
        difference = f"{100 * (means[name] - means['baseline']):+.1f}" if "baseline" in means else ""
        overlaps = [f"{100 * value:.1f}" for value in (row["box"], row["click"], row["clicks3"], means[name])]
        shown.add_row(name, *overlaps, difference, f"{row['seconds_an_update']:.2f}")
    print_table(shown)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def _skipped(skip: Skipped) -> None:
    note(f"skipped {skip.key}: {skip.reason}")


if __name__ == "__main__":
    main()
