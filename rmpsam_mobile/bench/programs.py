"""Runs another program, which is never left behind."""

import subprocess
from collections.abc import Sequence


def run_program(arguments: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[str]":
    """Run a program without input; its output is decoded, broken bytes are replaced.

    ``subprocess.run`` would not wait for the program that Ctrl-C made it kill.

    Raises:
        FileNotFoundError: there is no such program.
        subprocess.TimeoutExpired: it took longer; it was killed.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, errors="replace"
    ) as program:
        try:
            out, err = program.communicate(timeout=seconds)
        except BaseException:
            program.kill()
            program.wait()
            raise
    return subprocess.CompletedProcess(arguments, program.returncode, out, err)
