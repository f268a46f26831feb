"""Programs of others: their output, and their end."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rmpsam_mobile.bench.programs import run_program
from tests.interrupt import press_ctrl_c as press_ctrl_c


def test_output_and_exit_status() -> None:
    done = run_program(["sh", "-c", r"printf 'a\377'; echo no >&2; exit 3"], 20)
    assert (done.returncode, done.stdout, done.stderr) == (3, "a\ufffd", "no\n")


def test_a_program_that_takes_too_long_is_gone(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_program(_sleeper(tmp_path), 0.5)
    _assert_gone(tmp_path)


def test_ctrl_c_leaves_no_program_behind(tmp_path: Path, press_ctrl_c: Callable[[], None]) -> None:
    def interrupt() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        press_ctrl_c()

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_program(_sleeper(tmp_path), 20)
    _assert_gone(tmp_path)


def _sleeper(folder: Path) -> list[str]:
    return ["sh", "-c", f"echo $$ > {folder}/pid.new; mv {folder}/pid.new {folder}/pid; exec sleep 30"]


def _assert_gone(folder: Path) -> None:
    with pytest.raises(ProcessLookupError):  # a program that nobody waited for still has its number
        os.kill(int((folder / "pid").read_text()), 0)
