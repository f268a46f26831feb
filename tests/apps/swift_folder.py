"""Steps of ``swift_folder.sh``, which works in a folder with Debian 13 and its Swift."""

import os
from collections.abc import Callable
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


@pytest.fixture(scope="session")
def step() -> Step:
    """Run one step of the script: exit status and all that it said."""

    def run(name: str, **switches: str) -> tuple[int, str]:
        done = tools.run([SCRIPT, name], env={**os.environ, **switches})
        return done.returncode, done.stdout + done.stderr

    tools.debian_program("debootstrap", "debootstrap")
    status, said = run("prepare")
    if status == 77:
        pytest.skip(said.strip().splitlines()[-1].removeprefix("SKIPPED (").removesuffix(")"))
    assert status == 0, said
    return run
