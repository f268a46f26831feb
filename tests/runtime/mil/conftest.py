"""The small model as packages, converted once for all tests that read it."""

import copy

import pytest

from rmpsam_mobile.contracts import Size
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.runtime import MilRunner
from tests.models import small_model
from tests.runtime.mil.packages import packaged


@pytest.fixture(scope="session")
def model() -> RmpSam:
    """The small model in float32; not to be edited."""
    return copy.deepcopy(small_model()).float()


@pytest.fixture(scope="session")
def honest(model: RmpSam, tmp_path_factory: pytest.TempPathFactory) -> MilRunner:
    """Its packages at 64 x 96; not to be edited. Tests that take it belong to the group ``packages``."""
    return packaged(model, Size(64, 96), tmp_path_factory.mktemp("packages"))
