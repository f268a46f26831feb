"""A phone behind Android's ``adb``: every command ends in a marker line with its own status.

``adb`` answers 0 with no output when a phone vanishes in the middle of a command, so its exit code alone says nothing.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from rmpsam_mobile.bench.programs import run_program
from rmpsam_mobile.errors import DeviceError, InputError, MissingExtraError

MARKER: Final = "RMPSAM_END:"
LOST: Final = "the phone restores its settings by itself; plug it in and run again"
_SECONDS: Final = 30.0

_STRANGER: Final = "the phone has not allowed this computer; unlock it, accept its question, then run again"
_TROUBLES: Final = (
    ("unauthorized", _STRANGER),
    ("authorizing", _STRANGER),
    ("connecting", "the phone is still connecting; wait a moment, then run again"),
    (
        "no permissions",
        "this computer may not use its USB port; add your user to group plugdev, plug the phone in again",
    ),
    ("offline", "the phone is offline; unplug it, plug it in again, or run: adb reconnect"),
)


class Answer(NamedTuple):
    """What a command on the phone printed, and its own exit status."""

    code: int
    out: str
    err: str


def find_adb(environment: Mapping[str, str] | None = None) -> Path:
    """The program: in ``$ANDROID_HOME/platform-tools``, else on PATH.

    Raises:
        MissingExtraError: there is none; says how to get it.
    """
    given = os.environ if environment is None else environment
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        if given.get(name):
            found = shutil.which("adb", path=str(Path(given[name], "platform-tools")))
            if found:
                return Path(found)
    found = shutil.which("adb", path=given.get("PATH"))
    if found:
        return Path(found)
    raise MissingExtraError(
        "adb was not found in $ANDROID_HOME/platform-tools or on PATH; install Android's platform tools: "
        "apt-get install adb, brew install android-platform-tools, or developer.android.com/tools/releases"
    )


def choose_serial(listing: str, wanted: str | None) -> str:
    """Pick the one phone of ``adb devices -l``, or the one that was asked for.

    Raises:
        DeviceError: none, one that cannot be used, or several.
        InputError: another one was asked for than is there.
    """
    rows = re.findall(r"^(\S+)\s+(device|unauthorized|offline|no permissions|\w+)\b.*$", listing, re.MULTILINE)
    states: dict[str, str] = {serial: state for serial, state in rows if serial != "List"}
    if wanted is not None:
        if wanted not in states:
            raise InputError(f"--serial {wanted}: adb sees {', '.join(states) or 'no phone'}; choose one of them")
        states = {wanted: states[wanted]}
    if not states:
        raise DeviceError(
            "adb sees no phone; plug one in, turn on USB debugging in its developer options, accept its question"
        )
    ready = [serial for serial, state in states.items() if state == "device"]
    if len(ready) == 1:
        return ready[0]
    if ready:
        raise DeviceError(f"adb sees {len(ready)} phones ({', '.join(ready)}); choose one with --serial")
    state = next(iter(states.values()))
    raise DeviceError(dict(_TROUBLES).get(state, f"the phone is in state {state!r}; start it normally"))


@dataclass(frozen=True)
class Adb:
    """One phone. ``said`` hears every command line before it runs."""

    program: Path
    serial: str
    said: Callable[[str], None] = field(default=lambda _: None)

    @classmethod
    def connect(cls, serial: str | None, said: Callable[[str], None]) -> "Adb":
        """Find the program and choose the phone.

        Raises:
            MissingExtraError: no ``adb``.
            DeviceError: no phone that can be used.
        """
        program = find_adb()
        said("adb devices -l")
        return cls(program, choose_serial(run_program([str(program), "devices", "-l"], _SECONDS).stdout, serial), said)

    def shell(self, command: str, *, doing: str, seconds: float = _SECONDS) -> Answer:
        """Run a command line in the phone's shell.

        Args:
            command: as the phone's ``sh`` reads it.
            doing: what for, to name in an error.
            seconds: how long it may take.

        Raises:
            DeviceError: the connection was lost, or time ran out.
        """
        self.said(f"adb shell {shlex.quote(command)}")
        done = self._call(["shell", marked(command)], doing, seconds)
        out, found, status = done.stdout.rpartition(MARKER)
        if not found or not status.strip().isdigit():
            raise DeviceError(self._lost(done, doing))
        return Answer(int(status), out, done.stderr)

    def push(self, source: Path, target: str) -> None:
        """Copy a file to the phone.

        Raises:
            DeviceError: the phone is full, or the connection was lost.
        """
        self.said(f"adb push {shlex.quote(str(source))} {target}")
        self._copy(["push", str(source), target], f"copying {source.name} to the phone", source.stat().st_size)

    def pull(self, source: str, target: Path) -> None:
        """Copy a file from the phone."""
        self.said(f"adb pull {source}")
        self._copy(["pull", source, str(target)], f"copying {target.name} from the phone", 2**26)

    def hold(self, command: str) -> "subprocess.Popen[str]":
        """Start a command that lives as long as its standard input is open; not reached by Ctrl-C."""
        self.said(f"adb shell {shlex.quote(command)}")
        return subprocess.Popen(
            [str(self.program), "-s", self.serial, "shell", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _copy(self, arguments: list[str], doing: str, size: int) -> None:
        done = self._call(arguments, doing, _SECONDS + size / 2**20)  # 1 MiB/s, the slowest cable
        if done.returncode == 0:
            return
        said = done.stderr + done.stdout
        if "No space left" in said:
            raise DeviceError(f"{doing}: the phone's storage is full ({size:,} bytes needed); free some space on it")
        if any(word in said for word in ("Permission denied", "No such file", "Read-only")):
            raise DeviceError(f"{doing}: {_last_line(said)}; restart the phone, then run again")
        raise DeviceError(self._lost(done, doing))

    def _call(self, arguments: Sequence[str], doing: str, seconds: float) -> "subprocess.CompletedProcess[str]":
        try:
            return run_program([str(self.program), "-s", self.serial, *arguments], seconds)
        except subprocess.TimeoutExpired:
            raise DeviceError(f"{doing}: no answer within {seconds:.0f} s; {LOST}") from None

    def _lost(self, done: "subprocess.CompletedProcess[str]", doing: str) -> str:
        said = _last_line(done.stderr)
        trouble = next((sentence for word, sentence in _TROUBLES if word in said and word != "offline"), None)
        return f"{doing}: {trouble}" if trouble else f"{doing}: the connection to the phone was lost; {LOST}"


def marked(command: str) -> str:
    """The command with its marker line, which is what travels to the phone."""
    return f"({command}); echo {MARKER}$?"


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1][:200]
