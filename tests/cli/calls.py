"""Calls of the command line in this process, as a shell would see them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rmpsam_mobile.cli.app import main
from tests.bundles import PRESET, names_below
from tests.seeded_weights import seeded_state_dict, spec_of_preset, write_official_checkpoint


class Result(NamedTuple):
    """Exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The message of a refusal: the only line on stderr, nothing on stdout."""
        assert self.out == ""
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("ERROR ")
        return self.err.removeprefix("ERROR ").rstrip("\n")


Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Calls ``rmpsam-mobile`` with these arguments."""

    def call(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["rmpsam-mobile", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as done:
            main()
        code = done.value.code
        assert code is None or isinstance(code, int)
        return Result(code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def quiet_engines(runner: object) -> None:
    """Engines that have said at an earlier start what they say once a process."""
    from rmpsam_mobile.contracts import Graph
    from rmpsam_mobile.runtime import PteRunner

    assert isinstance(runner, PteRunner)
    runner.load(Graph.ENCODER)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with inputs; afterwards nothing named new... and no temporary name may be in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    left = [name for name in names_below(folder) if name.startswith(("new", ".")) or "/." in name]
    assert left == []


@pytest.fixture(scope="session")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole official checkpoint."""
    folder = tmp_path_factory.mktemp("official")
    return write_official_checkpoint(folder / "tiny.pth", seeded_state_dict(spec_of_preset(PRESET)))
