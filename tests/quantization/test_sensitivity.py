"""The study of a small model: every part judged alone, a mixed recipe found, and the recipe run again."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from rmpsam_mobile.checkpoint import Checkpoint
from rmpsam_mobile.contracts import Graph, GraphSizes, Size
from rmpsam_mobile.data import open_data
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.export import sensitivity_study
from rmpsam_mobile.export.sensitivity_study import held_out_records, study
from rmpsam_mobile.quantization import find_recipe, read_calibration, recipe_document, recipe_named
from tests.distill.small_runs import paint
from tests.models import small_model

SIZES = GraphSizes(size=Size(64, 64), num_slots=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("painted") / "shapes.json.gz", 8)


@pytest.fixture
def checkpoint(monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    model = copy.deepcopy(small_model()).float()
    model.classifier = model.vocabulary = None  # prompts only: two graphs
    monkeypatch.setattr(sensitivity_study, "build_model", lambda _: copy.deepcopy(model))
    return Checkpoint(preset="small", tensors=dict(model.state_dict()))


@pytest.mark.slow
def test_a_study_finds_a_recipe_that_runs_again(checkpoint: Checkpoint, data: Path, tmp_path: Path) -> None:
    judges = [record for record in open_data([data]).records if record.objects][:2]
    calibration = read_calibration(data, 3)
    recipe = recipe_named("int8-static")
    found = study(checkpoint, recipe, calibration, judges, sizes=SIZES, depth=1, limits=(0.0, 10**6))
    names = [one.part.name for one in found.parts]
    assert {name.partition("/")[0] for name in names} == {Graph.ENCODER, Graph.PROMPTS}
    assert len(set(names)) == len(names)
    agreement = [one.score.box_agreement + one.score.click_agreement for one in found.parts]
    assert min(agreement) < 2
    assert found.mixed is not None
    assert set(found.mixed.in_float) <= set(names)
    assert found.report()["judged_on"]["pictures"] == 2
    path = tmp_path / "mixed.json"
    path.write_text(recipe_document(found.mixed), encoding="utf-8")
    assert find_recipe(str(path)) == found.mixed
    again = study(checkpoint, replace(recipe, in_float=()), calibration, judges, sizes=SIZES, depth=1)
    assert [(one.part, one.score) for one in again.parts] == [(one.part, one.score) for one in found.parts]


def test_a_recipe_without_ranges_cannot_be_studied(checkpoint: Checkpoint, data: Path) -> None:
    calibration = read_calibration(data, 1)
    with pytest.raises(UnsupportedError, match="fixes no ranges; study a static one"):
        study(checkpoint, recipe_named("int8-dynamic"), calibration, [], sizes=SIZES, depth=1)


def test_data_that_holds_nothing_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds out no labelled picture; give more training data"):
        held_out_records(paint(tmp_path / "one.json.gz", 1), 4)
