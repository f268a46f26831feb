"""Who a phone is: its properties, cores, memory and the app on it, read from what its own tools print."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rmpsam_mobile.errors import DeviceError, UnsupportedError

MIN_API: Final = 29  # thermal status; also the sample app's minSdk
_EMULATORS: Final = ("goldfish", "ranchu", "cuttlefish")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a report says of a phone; unknown is None."""

    model: str | None
    soc: str | None
    os: str | None
    api: int
    abi: str | None
    fingerprint: str | None
    emulated: bool
    build_type: str | None

    def to_json(self, serial: str) -> dict[str, Any]:
        """As the report's ``target`` begins; the serial number only as a hash."""
        digest = hashlib.sha256(serial.encode()).hexdigest()[:16]
        names = ("model", "soc", "os", "api", "abi", "fingerprint", "emulated")
        return {"link": "adb", "serial_hash": digest, **{name: getattr(self, name) for name in names}}


@dataclass(frozen=True)
class Core:
    """One core; unreadable is None."""

    id: int
    max_khz: int | None
    capacity: int | None


@dataclass(frozen=True)
class AppFacts:
    """The installed app."""

    version: str | None
    debuggable: bool


def parse_properties(text: str) -> dict[str, str]:
    """``getprop``: ``[name]: [value]`` a line."""
    return dict(re.findall(r"^\[([^\]]+)\]: \[(.*)\]\r?$", text, re.MULTILINE))


def identify(properties: Mapping[str, str]) -> Identity:
    """Read the properties of a phone that has started.

    Raises:
        DeviceError: it has not started yet, or tells no API level.
        UnsupportedError: an Android that is too old.
    """
    api = properties.get("ro.build.version.sdk", "")
    release = properties.get("ro.build.version.release")
    if not api.isdigit():
        raise DeviceError("the phone tells no API level (ro.build.version.sdk); unplug it, plug it in and run again")
    if properties.get("sys.boot_completed") != "1":
        raise DeviceError("the phone has not finished starting (sys.boot_completed is not 1); wait and run again")
    if int(api) < MIN_API:
        raise UnsupportedError(
            f"Android {release} has API {api}; at least {MIN_API} (Android 10) is needed; take a newer phone"
        )
    maker, chip = properties.get("ro.soc.manufacturer"), properties.get("ro.soc.model")
    return Identity(
        model=properties.get("ro.product.model"),
        soc=" ".join(filter(None, (maker, chip))) or properties.get("ro.board.platform"),
        os=release,
        api=int(api),
        abi=properties.get("ro.product.cpu.abilist", "").split(",")[0] or None,
        fingerprint=properties.get("ro.build.fingerprint"),
        emulated=_is_emulator(properties),
        build_type=properties.get("ro.build.type"),
    )


def _is_emulator(properties: Mapping[str, str]) -> bool:
    flags = (properties.get("ro.kernel.qemu"), properties.get("ro.boot.qemu"))
    return "1" in flags or properties.get("ro.hardware") in _EMULATORS


def parse_cores(text: str) -> list[Core] | None:
    """``grep -H .`` over the cores' files, ``path:value`` a line; None where nothing could be read."""
    found: dict[int, dict[str, int]] = {}
    for number, name, value in re.findall(r"/cpu(\d+)/(?:cpufreq/)?(\w+):(\d+)\s*$", text, re.MULTILINE):
        found.setdefault(int(number), {})[name] = int(value)
    cores = [
        Core(number, values.get("cpuinfo_max_freq"), values.get("cpu_capacity"))
        for number, values in sorted(found.items())
    ]
    return cores or None


def big_cores(cores: list[Core] | None) -> list[int] | None:
    """Ids of the fastest group, and of the next one where that is a single core; None where speeds are unknown."""
    if not cores or any(core.max_khz is None for core in cores):
        return None
    speeds = sorted({core.max_khz for core in cores if core.max_khz is not None}, reverse=True)
    chosen = [core.id for core in cores if core.max_khz == speeds[0]]
    if len(chosen) == 1 and len(speeds) > 2:
        chosen += [core.id for core in cores if core.max_khz == speeds[1]]
    return sorted(chosen)


def mask_of(ids: list[int]) -> str:
    """The hexadecimal mask that ``taskset`` takes."""
    return f"{sum(1 << core for core in ids):x}"


def parse_memory_mb(text: str) -> int | None:
    """``MemTotal`` of ``/proc/meminfo`` in MiB."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) // 1024 if match else None


def parse_package(text: str) -> AppFacts | None:
    """``dumpsys package NAME``; None where it is not installed."""
    if "Unable to find package" in text or "versionName=" not in text:
        return None
    version = re.search(r"versionName=(\S+)", text)
    flags = re.search(r"^\s*(?:pkgF|f)lags=\[(.*)\]", text, re.MULTILINE)
    return AppFacts(version[1] if version else None, bool(flags and "DEBUGGABLE" in flags[1].split()))
