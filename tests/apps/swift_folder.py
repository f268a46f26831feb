"""Steps of ``swift_folder.sh``, which works in a folder with Debian 13 and its Swift."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.apps import tools
from tests.conftest import REPOSITORY

SCRIPT: Final = REPOSITORY / "tests" / "apps" / "swift_folder.sh"
ROOT: Final = Path(os.environ.get("RMPSAM_SWIFT_ROOT", tools.TOOLS / "trixie"))
ON_REQUEST: Final = pytest.mark.skipif(
    not os.environ.get("RMPSAM_SWIFT"), reason="minutes long and 3.5 GB; RMPSAM_SWIFT=1 runs it"
)

Step = Callable[..., tuple[int, str]]


def _run(name: str, **switches: str) -> tuple[int, str]:
    done = tools.run([SCRIPT, name], env={**os.environ, **switches})
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def prepared() -> None:
    """The folder, made once; skips with the script's reason where it cannot be made."""
    tools.debian_program("debootstrap", "debootstrap")
    with tools.alone(ROOT):
        status, said = _run("prepare")
    if status == 77:
        pytest.skip(said.strip().splitlines()[-1].removeprefix("SKIPPED (").removesuffix(")"))
    assert status == 0, said


@pytest.fixture
def step(prepared: None) -> Iterator[Step]:  # noqa: ARG001 - must be there first
    """Run one step of the script: exit status and all that it said. The folder is this test's own meanwhile."""
    with tools.alone(ROOT):
        yield _run
