"""Apple's ``devicectl``: called with a file for its answer, which alone is read; its refusals in sentences."""

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from rmpsam_mobile.bench.ios import steps
from rmpsam_mobile.bench.programs import run_program
from rmpsam_mobile.errors import DeviceError, InputError, MissingExtraError

LOWEST_XCODE: Final = 15
_SECONDS: Final = 120.0
_APP_SPOKE: Final = "RMPSAM_BENCH_"
_PRIVATE: Final = {"name", "udid", "identifier", "serialNumber", "ecid", "potentialHostnames", "hostnames", "ipAddress"}

# What devicectl's errors hold, and what a person does about it.
_TROUBLES: Final = (
    ("FBSOpenApplicationErrorDomain", "the phone is locked; unlock it, leave its screen on, then run again"),
    ("Locked", "the phone is locked; unlock it, leave its screen on, then run again"),
    ("developer mode", "developer mode is off; turn it on: Settings, Privacy & Security, Developer Mode"),
    ("not been explicitly trusted", "the developer is not trusted yet: Settings, General, VPN & Device Management"),
    (
        "provisioning",
        "the app is not signed for this phone; give your team with --team, or open the project in Xcode once",
    ),
    ("No space", "the phone's storage is full; free some space on it"),
)


class Said(NamedTuple):
    """What a tool printed for people, and the file it wrote for programs."""

    out: str
    answer: dict[str, Any]


@dataclass(frozen=True)
class Device:
    """One phone that can be used."""

    identifier: str
    udid: str
    model: str | None
    os: str | None


@dataclass(frozen=True)
class Devicectl:
    """Runs Apple's tools; ``said`` hears every command line, ``record`` is a folder for answers without names."""

    said: Callable[[str], None] = field(default=lambda _: None)
    record: Path | None = None

    def require(self, platform: str) -> None:
        """See that this is a Mac with a recent Xcode.

        Raises:
            MissingExtraError: says what is missing.
        """
        if platform != "darwin":
            raise MissingExtraError(
                f"bench --on ios needs a Mac with Xcode {LOWEST_XCODE} or later, and this is {platform}; "
                "run it there, or see every command with --dry-run"
            )
        if shutil.which("xcrun") is None or self._run(steps.find_devicectl(), 30.0).returncode:
            raise MissingExtraError(f"devicectl was not found; install Xcode {LOWEST_XCODE} or later, start it once")
        found = re.search(r"Xcode (\d+)", self._run(steps.xcode_version(), 60.0).stdout)
        if not found or int(found[1]) < LOWEST_XCODE:
            version = found[1] if found else "unknown"
            raise MissingExtraError(f"Xcode {version}; at least {LOWEST_XCODE} is needed; update it in the App Store")

    def call(self, command: Callable[[str], Sequence[str]], doing: str, seconds: float = _SECONDS) -> Said:
        """Run a tool with a file for its answer.

        Args:
            command: makes the command line, given the file's name.
            doing: what for, to name in an error.
            seconds: how long it may take.

        Raises:
            DeviceError: the tool refused, wrote no answer, or time ran out.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, steps.ANSWER)
            done = self._run(list(command(str(file))), seconds, doing)
            try:
                answer = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                raise DeviceError(
                    f"{doing}: {_refusal(done.stderr or done.stdout, 'devicectl wrote no answer')}"
                ) from None
        self._keep(doing, answer)
        failed = not isinstance(answer, dict) or (done.returncode and not isinstance(answer.get("result"), dict))
        if failed and _APP_SPOKE not in done.stdout:  # the app's own word outranks how devicectl ended
            raise DeviceError(f"{doing}: {_refusal(json.dumps(answer) + done.stderr, _told(answer, done.stderr))}")
        return Said(done.stdout, answer)

    def run(self, command: Sequence[str], doing: str, seconds: float) -> str:
        """Run a tool that answers by its exit code.

        Raises:
            DeviceError: it failed.
        """
        done = self._run(list(command), seconds, doing)
        if done.returncode:
            lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "error:" in line]
            raise DeviceError(
                f"{doing}: {_refusal(done.stdout + done.stderr, (lines or ['no reason given'])[-1][:160])}"
            )
        return done.stdout

    def _run(
        self, command: list[str], seconds: float, doing: str = "asking Xcode"
    ) -> "subprocess.CompletedProcess[str]":
        self.said(shlex.join(steps.ANSWER if Path(word).name == steps.ANSWER else word for word in command))
        try:
            return run_program(command, seconds)
        except subprocess.TimeoutExpired:
            raise DeviceError(
                f"{doing}: no answer within {seconds:.0f} s; unplug the phone, plug it in again"
            ) from None
        except FileNotFoundError:
            raise MissingExtraError(f"{command[0]} was not found; install Xcode {LOWEST_XCODE} or later") from None

    def _keep(self, doing: str, answer: Any) -> None:
        if self.record is not None:
            self.record.mkdir(parents=True, exist_ok=True)
            file = self.record / f"{len(list(self.record.iterdir())):02}_{doing.replace(' ', '_')}.json"
            file.write_text(json.dumps(stripped(answer), indent=1) + "\n", encoding="utf-8")


def stripped(value: Any) -> Any:
    """The same without names, numbers and addresses by which a person or phone could be known."""
    if isinstance(value, dict):
        return {key: "removed" if key in _PRIVATE else stripped(inner) for key, inner in value.items()}
    return [stripped(inner) for inner in value] if isinstance(value, list) else value


def choose_device(answer: dict[str, Any], wanted: str | None) -> Device:
    """Pick the one iPhone that can be used, or the one that was asked for.

    Raises:
        DeviceError: none, several, or one with a reason why not.
        InputError: another one was asked for than is there.
    """
    phones = [entry for entry in answer.get("result", {}).get("devices", []) if _get(entry, "deviceType") == "iPhone"]
    if wanted is not None:
        phones = [entry for entry in phones if wanted in (_get(entry, "udid"), entry.get("identifier"))]
        if not phones:
            raise InputError(f"--serial {wanted}: this Mac knows no such iPhone; see: xcrun devicectl list devices")
    if not phones:
        raise DeviceError("this Mac knows no iPhone; plug one in, unlock it, and trust this computer")
    objections = {entry["identifier"]: _objection(entry) for entry in phones}
    ready = [entry for entry in phones if objections[entry["identifier"]] is None]
    if len(ready) > 1:
        raise DeviceError(f"this Mac sees {len(ready)} iPhones; choose one by its UDID with --serial")
    if not ready:
        raise DeviceError(str(next(iter(objections.values()))))
    entry = ready[0]
    model = _get(entry, "marketingName") or _get(entry, "productType")
    return Device(
        entry["identifier"], _get(entry, "udid") or entry["identifier"], model, _get(entry, "osVersionNumber")
    )


def _objection(entry: dict[str, Any]) -> str | None:
    if _get(entry, "pairingState") not in (None, "paired"):
        return "the iPhone is not paired with this Mac; unlock it, plug it in, and trust this computer"
    if _get(entry, "developerModeStatus") != "enabled":
        return "developer mode is off on the iPhone; turn it on: Settings, Privacy & Security, Developer Mode"
    if _get(entry, "tunnelState") == "unavailable":
        return "the iPhone cannot be reached; plug it in, unlock it, and start Xcode once"
    return None


def _get(entry: dict[str, Any], key: str) -> Any:
    for part in ("deviceProperties", "hardwareProperties", "connectionProperties"):
        if key in entry.get(part, {}):
            return entry[part][key]
    return None


def _refusal(text: str, otherwise: str) -> str:
    lowered = text.lower()
    return next((sentence for word, sentence in _TROUBLES if word.lower() in lowered), otherwise)


def _told(answer: Any, stderr: str) -> str:
    """The sentence that devicectl gives for people."""
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    described = error.get("userInfo", {}).get("NSLocalizedDescription", {})
    text = described.get("string") if isinstance(described, dict) else described
    return str(text or (stderr.strip().splitlines() or ["no reason given"])[-1])[:160]
