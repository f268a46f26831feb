"""Configurations are checked at birth."""

from dataclasses import replace

import pytest

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.config import AxialStage, SeaFormerConfig
from rmpsam_mobile.model.presets import PRESETS
from tests.models import SMALL

TINY = PRESETS["rmpsam-seaformer-tiny"].encoder


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(InputError) as caught:
        replace(SMALL, num_heads=5)
    assert str(caught.value) == "width 32 is no multiple of 5 heads; change one of them"


def test_the_coordinate_code_needs_a_width_of_fours() -> None:
    with pytest.raises(InputError) as caught:
        replace(SMALL, width=30, num_heads=2)
    assert str(caught.value) == "width 30 is no multiple of 4, which the coordinate code needs; try 28"


def test_transformer_stages_must_fit_the_mobile_stages() -> None:
    assert isinstance(TINY, SeaFormerConfig)
    with pytest.raises(InputError) as caught:
        replace(TINY, axial=TINY.axial * 3)
    assert str(caught.value) == "6 transformer stages for 5 mobile stages; use fewer"
    with pytest.raises(InputError) as caught:
        replace(TINY, axial=(AxialStage(16, 2, 96, 2), TINY.axial[1]))
    assert str(caught.value) == "transformer width 96 after a stage of width 128; make them equal"


def test_a_configuration_cannot_be_edited() -> None:
    with pytest.raises(AttributeError):
        SMALL.width = 64  # type: ignore[misc]
