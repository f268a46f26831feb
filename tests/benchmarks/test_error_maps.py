"""Error maps: shares of the largest logit, and a panel for each."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import error_maps
from rmpsam_mobile.contracts import GraphSizes, Size
from rmpsam_mobile.runtime import EagerRunner
from rmpsam_mobile.runtime.eager import contract_of, sizes_of
from tests.models import small_model


def test_differences_are_shares_of_the_largest_logit() -> None:
    truth = np.array([[-4.0, 2.0]])
    found = error_maps.differences({"as it is": truth, "rewritten": np.array([[-4.0, 3.0]])})
    assert found.keys() == {"rewritten"}
    np.testing.assert_array_equal(found["rewritten"], [[0.0, 0.25]])


def test_rewrites_change_an_answer_by_rounding_alone(tmp_path: Path) -> None:
    picture = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)).save(picture)
    model = small_model().float()
    sizes = sizes_of(model, GraphSizes(size=Size(64, 64)))
    runners = (EagerRunner(model, contract_of(model, sizes)), error_maps.rewritten(model, sizes))
    logits = dict(zip("ab", (error_maps.answer(runner, picture, (30, 20)) for runner in runners), strict=True))
    assert logits["a"].shape == (48, 64)
    assert 0 < error_maps.differences(logits)["b"].max() < 1e-4
    pytest.importorskip("matplotlib")
    figure = error_maps.draw((30, 20), logits)
    assert figure.axes[0].get_title() == "a: logits"
    assert len(figure.axes) == 4  # two panels, each with its scale
