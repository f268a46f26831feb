"""What is changed on a phone is put back, whatever happens: by a command that waits on the phone itself."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rmpsam_mobile.bench.android import commands
from rmpsam_mobile.bench.android.adb import Adb
from rmpsam_mobile.errors import DeviceError

_SECONDS = 20.0


@contextmanager
def guarded(adb: Adb, command: str, note: Callable[[str], None]) -> Iterator[None]:
    """Hold ``command``, made by ``commands.guard``, on the phone for as long as the block lasts.

    The phone's shell ignores the hang-up that a pulled cable brings; the end of its input makes it restore.

    Args:
        adb: the phone.
        command: what waits, then restores.
        note: hears a sentence where the phone could not say that it restored.

    Raises:
        DeviceError: the phone did not start it; nothing was changed then.
    """
    waiting = adb.hold(command)
    try:
        if waiting.stdout is None or waiting.stdout.readline().strip() != commands.GUARDED:
            raise DeviceError("the connection to the phone was lost before anything was changed; plug it in again")
        yield
    finally:
        _release(waiting, note)


def _release(waiting: "subprocess.Popen[str]", note: Callable[[str], None]) -> None:
    with waiting:  # closes its pipes
        try:
            said, _ = waiting.communicate(timeout=_SECONDS)  # ends its standard input first
        except (subprocess.TimeoutExpired, OSError):
            said = ""
        waiting.kill()
    if commands.RESTORED not in said:
        note(
            "the phone could not say that its settings are back; it restores them when the connection ends. "
            f"To see: adb shell settings get global {commands.STAY_ON}"
        )
