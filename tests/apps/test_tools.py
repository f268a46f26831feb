"""A tool that cannot be had costs a run one try, and its rung says why."""

import subprocess
from pathlib import Path

import pytest

from tests.apps import tools

pytestmark = pytest.mark.apps


def test_a_failed_download_skips_with_its_reason_and_is_tried_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[object] = []

    def fail(command: object, **_: object) -> "subprocess.CompletedProcess[str]":
        tried.append(command)
        return subprocess.CompletedProcess([], 1, "", "notes\nno such host\n")

    monkeypatch.setattr(tools, "TOOLS", tmp_path)
    monkeypatch.setattr(tools, "run", fail)
    for _ in range(3):
        with pytest.raises(pytest.skip.Exception, match=r"^a==1 cannot be had: no such host$"):
            tools.pip_wheel("a", "1")
    assert len(tried) == 1
    assert [path.name for path in (tmp_path / "pypi").iterdir()] == [".a-1.lock"]
