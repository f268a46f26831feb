"""Short runs that differ in one thing: that they do, that each is measured, stored once, and never trained twice."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import ablations
from benchmarks.ablations import VARIANTS, Ablations, Settings, read_results, store
from rmpsam_mobile.data.sources import DataSources, open_data
from rmpsam_mobile.distill.recipe import Recipe
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.rmpsam import RmpSam
from tests.distill.small_runs import SMALL_MOBILE, one_thread, paint, small_presets

__all__ = ["one_thread", "small_presets"]
pytestmark = pytest.mark.usefixtures("small_presets", "one_thread")
SETTINGS = Settings(preset=SMALL_MOBILE.name, updates=1, batch=1, size=64, seed=0, data=("shapes.json.gz",))
ROW = {"what": "", "box": 0.5, "click": 0.25, "clicks3": 0.75, "objects": 3, "pictures": 1, "seconds_an_update": 1.0}


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough pictures that a few of them are held out."""
    return paint(tmp_path_factory.mktemp("shapes") / "shapes.json.gz", 60)


@pytest.fixture
def inherited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The small trunk cannot inherit; whoever asks for it is written down, and sees one weight change."""
    asked: list[str] = []

    def inherit(student: RmpSam, init: str, _: object) -> str:
        asked.append(init)
        torch.nn.init.constant_(next(student.backbone.parameters()), 0.125)
        return "inherited"

    monkeypatch.setattr(ablations, "begin_from_backbone", inherit)
    return asked


def call(shapes: Path, output: Path, *more: str) -> None:
    small = ["--preset", SMALL_MOBILE.name, "--updates", "1", "--batch", "1", "--size", "64"]
    ablations.main(["--data", str(shapes), "--output", str(output), *small, *more])


def test_every_variant_is_trained_measured_and_stored(
    shapes: Path, tmp_path: Path, inherited: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "results.json"
    call(shapes, output, "--only", "no-refiner", "baseline")
    document = json.loads(output.read_text())
    assert list(document["variants"]) == ["baseline", "no-refiner"]  # as they are listed, not as they came
    first = dict(document["variants"])
    call(shapes, output)
    document = json.loads(output.read_text())
    assert list(document["variants"]) == list(VARIANTS)
    assert {name: document["variants"][name] for name in first} == first
    assert inherited == ["efficientnet-lite0"] * 2  # once a command, whatever it trains
    for row in document["variants"].values():
        assert row.keys() == ROW.keys()
        assert all(0 <= row[name] <= 1 for name in ("box", "click", "clicks3"))
        assert row["objects"] > row["pictures"] > 0
        assert row["seconds_an_update"] > 0
    assert document["variants"]["no-refiner"]["box"] > 0.3  # the geometric mask, which no untrained refiner covers
    assert document["settings"] == json.loads(json.dumps(vars(SETTINGS)))
    assert str(tmp_path) not in output.read_text()  # no machine paths
    shown = capsys.readouterr().out
    assert all(name in shown for name in VARIANTS)
    assert "small-mobile, 1 updates of 1 pictures at 64 px; mean overlap in %" in shown


def test_what_is_stored_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, box in (("baseline", 0.5), ("no-refiner", 0.2)):
        store(tmp_path / "results.json", SETTINGS, name, {**ROW, "box": box})

    def opened(_: object) -> DataSources:
        raise AssertionError

    monkeypatch.setattr(ablations, "open_data", opened)
    call(Path("shapes.json.gz"), tmp_path / "results.json", "--only", "baseline", "no-refiner")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["baseline", "50.0", "25.0", "75.0", "50.0", "+0.0", "1.00"] in lines
    assert ["no-refiner", "20.0", "25.0", "75.0", "40.0", "-10.0", "1.00"] in lines


def test_results_of_other_settings_are_not_mixed(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "results.json"
    store(output, SETTINGS, "baseline", ROW)
    with pytest.raises(SystemExit) as done:
        call(shapes, output, "--updates", "3", "--batch", "2")
    assert done.value.code == 2
    said = capsys.readouterr().err
    assert f"{output} holds runs of updates 1, batch 1; give the same, or another --output" in said
    assert read_results(output, SETTINGS) == {"baseline": ROW}
    assert read_results(tmp_path / "none.json", SETTINGS) == {}


def test_unknown_names(shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        call(shapes, tmp_path / "results.json", "--only", "no-neck")
    assert done.value.code == 2
    assert "'no-neck'" in capsys.readouterr().err


def test_results_of_commands_side_by_side_are_all_kept(tmp_path: Path) -> None:
    """Each adds to what lies there, not to what it has read before."""
    output = tmp_path / "results.json"
    for name in ("no-refiner", "baseline", "imitation"):
        store(output, SETTINGS, name, ROW)
    assert list(read_results(output, SETTINGS)) == ["baseline", "no-refiner", "imitation"]
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_nothing_to_measure_on(shapes: Path, inherited: list[str]) -> None:
    found = open_data([shapes])
    alone = DataSources(records=found.records[:1])
    with pytest.raises(InputError) as caught:
        Ablations(SETTINGS, alone).measured("baseline")
    assert str(caught.value) == "no labelled picture is held out to measure on; give more data"
    assert inherited == []


def differences(name: str) -> dict[str, Any]:
    """Fields of the recipe that are not the baseline's."""
    usual, other = (vars(SETTINGS.recipe(VARIANTS[variant])) for variant in ("baseline", name))
    return {field: value for field, value in other.items() if value != usual[field]}


def test_recipes_differ_in_one_thing() -> None:
    base = SETTINGS.recipe(VARIANTS["baseline"])
    assert isinstance(base, Recipe)
    assert (base.steps, base.batch, base.sizes, base.copy_paste) == (1, 1, (64,), 0.2)
    changed = {name: differences(name) for name in VARIANTS}
    assert {name: sorted(fields) for name, fields in changed.items() if fields} == {
        "random-trunk": ["encoder_rate", "frozen"],  # as nothing is inherited
        "no-corrections": ["prompts"],
        "no-copy-paste": ["copy_paste"],
        "imitation": ["terms"],
        "hard-masks": ["prompts"],
    }
    assert changed["no-corrections"]["prompts"].corrections == (1.0,)
    assert changed["hard-masks"]["prompts"].hard_masks == 1.0


def test_students_start_alike(shapes: Path, inherited: list[str]) -> None:
    made = Ablations(SETTINGS, open_data([shapes]))
    students = {name: made.student(variant) for name, variant in VARIANTS.items()}
    base = students["baseline"].state_dict()
    for name, student in students.items():
        same = [torch.equal(value, base[key]) for key, value in student.state_dict().items()]
        assert all(same) == VARIANTS[name].inherits
        assert same.count(False) <= 1  # the weight that stands for the trunk
    assert len(inherited) == 1
    configs = {name: student.config for name, student in students.items()}
    assert {name for name, config in configs.items() if config != SMALL_MOBILE} == {
        "no-first-mask",
        "no-refiner",
        "free-offsets",
    }
    no_mask, no_refiner = configs["no-first-mask"].prompt_set, configs["no-refiner"].prompt_set
    assert no_mask is not None
    assert no_refiner is not None
    assert (no_mask.first_mask, no_mask.refiner) == (False, True)
    assert (no_refiner.first_mask, no_refiner.refiner) == (True, False)
    assert configs["free-offsets"].offset_limit is None


def test_presets_without_the_mobile_path(shapes: Path) -> None:
    settings = Settings(preset="rmpsam-r18", updates=1, batch=1, size=64, seed=0, data=())
    with pytest.raises(InputError) as caught:
        ablations._with_prompts(Ablations(settings, open_data([shapes])).student(VARIANTS["random-trunk"]).config)
    assert str(caught.value) == ("rmpsam-r18 has no mobile prompt path to leave something out of; give a mobile preset")
