"""What a phone is doing: heat, battery, screen, power saver and load, read from what its own tools print."""

import math
import re
from dataclasses import asdict, dataclass
from typing import Any, Final

COOL_SKIN: Final = 37.0  # degrees Celsius; warmer is not begun with
COOL_BATTERY: Final = 38.0
SKIN_RISE: Final = 1.0  # above the skin's temperature at the start, before the next round
BUSY: Final = 0.30  # load of the last minute by core
_TYPES: Final = {0: "cpu_c", 2: "battery_c", 3: "skin_c"}


@dataclass(frozen=True, kw_only=True)
class Heat:
    """Thermal status, 0 none to 6 shutdown, and the warmest sensor of each kind in degrees Celsius; unknown is None."""

    status: int | None
    skin_c: float | None = None
    cpu_c: float | None = None
    battery_c: float | None = None
    is_override: bool = False  # a status that was set by hand

    def to_json(self, at_ms: int) -> dict[str, Any]:
        """One entry of ``conditions.thermal``."""
        values = asdict(self)
        del values["is_override"]
        return {"at_ms": at_ms, **values}


@dataclass(frozen=True, kw_only=True)
class Battery:
    """Where the power comes from, what is left of it in percent, and the battery's temperature."""

    power: str | None
    percent: int | None
    celsius: float | None


def parse_heat(text: str) -> Heat:
    """``dumpsys thermalservice``; sensors at 0.0 or not a number are taken as absent."""
    status = re.search(r"^\s*Thermal Status:\s*(\d+)", text, re.MULTILINE)
    _, _, current = text.partition("Current temperatures from HAL")
    found = _sensors(current.partition("cooling devices")[0])
    if not found:
        found = _sensors(text.partition("Cached temperatures")[2].partition("HAL Ready")[0])
    override = re.search(r"IsStatusOverride:\s*true", text)
    return Heat(status=int(status[1]) if status else None, is_override=bool(override), **found)


def _sensors(text: str) -> dict[str, float]:
    warmest: dict[str, float] = {}
    for value, kind in re.findall(r"Temperature\{mValue=([^,]+), mType=(-?\d+)", text):
        name = _TYPES.get(int(kind))
        try:
            celsius = float(value)
        except ValueError:
            continue
        if name and math.isfinite(celsius) and celsius != 0.0:
            warmest[name] = max(warmest.get(name, -math.inf), celsius)
    return warmest


def parse_battery(text: str) -> Battery:
    """``dumpsys battery``; its temperature comes in tenths of a degree."""
    sources = re.findall(r"^\s*(AC|USB|Wireless|Dock) powered: true", text, re.MULTILINE)
    level, tenths = (re.search(rf"^\s*{name}: (-?\d+)", text, re.MULTILINE) for name in ("level", "temperature"))
    power = sources[0].lower() if sources else ("battery" if "powered: false" in text else None)
    return Battery(
        power=power, percent=int(level[1]) if level else None, celsius=int(tenths[1]) / 10 if tenths else None
    )


def parse_saver(text: str) -> bool | None:
    """``settings get global low_power``: 1 where battery saver is on; never set is off."""
    return {"1": True, "0": False, "null": False}.get(text.strip())


def parse_screen(power: str, trust: str) -> bool | None:
    """``dumpsys power`` and ``dumpsys trust``: whether the screen is on and unlocked; None where it is not told."""
    awake = re.search(r"mWakefulness=(\w+)", power)
    if not awake:
        return None
    locked = re.search(r"\(current\):.*deviceLocked=1", trust)
    return awake[1] == "Awake" and not locked


def parse_load(text: str, cores: int | None) -> float | None:
    """``/proc/loadavg``: load of the last minute by core; None where it cannot be read."""
    match = re.match(r"\s*(\d+\.\d+)", text)
    return float(match[1]) / cores if match and cores else None


def too_warm_to_start(heat: Heat, battery: Battery) -> str | None:
    """The code of what forbids a start now, or None."""
    if heat.status:
        return "throttled"
    warm = (heat.skin_c or 0) > COOL_SKIN or max(battery.celsius or 0, heat.battery_c or 0) > COOL_BATTERY
    return "too-hot" if warm else None


def too_warm_to_go_on(heat: Heat, start: Heat) -> str | None:
    """The code of what forbids the next round now, or None: status 0 and the skin within 1 degree of the start."""
    if heat.status:
        return "throttled"
    known = heat.skin_c is not None and start.skin_c is not None
    return "too-hot" if known and heat.skin_c > start.skin_c + SKIN_RISE else None  # type: ignore[operator]
