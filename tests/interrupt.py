"""Ctrl-C, pressed by another thread."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def press_ctrl_c() -> Iterator[Callable[[], None]]:
    """Sends the signal; heard also where this process was started in a shell's background, which ignores it."""

    def press() -> None:
        time.sleep(0.5)  # until the main thread sleeps in its system call, which only then wakes up
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield press
    signal.signal(signal.SIGINT, before)
