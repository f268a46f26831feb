"""What a phone's tools print, written from the formats of Android's own sources; synthetic, no real phone's."""

from collections.abc import Mapping
from typing import Final

PROPERTIES: Final[dict[str, str]] = {
    "ro.product.model": "Paper 9",
    "ro.soc.manufacturer": "Foundry",
    "ro.soc.model": "F900",
    "ro.build.version.sdk": "35",
    "ro.build.version.release": "15",
    "ro.build.fingerprint": "maker/paper/paper:15/AB1A.250101.001/1:user/release-keys",
    "ro.build.type": "user",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a",
    "ro.hardware": "f900",
    "sys.boot_completed": "1",
}
SPEEDS: Final = (1800000, 1800000, 1800000, 1800000, 2400000, 2400000, 2400000, 2900000)
BIG_MASK: Final = "f0"  # the fastest core is single, so the next group counts too


def files() -> dict[str, str]:
    """Files that are read by path: cores, memory, load."""
    found = {"proc/meminfo": "MemTotal:        7864320 kB\nMemFree: 1 kB\n", "proc/loadavg": "0.40 0.30 0.20 1/900 1\n"}
    for core, speed in enumerate(SPEEDS):
        folder = f"sys/devices/system/cpu/cpu{core}"
        found[f"{folder}/cpufreq/cpuinfo_max_freq"] = f"{speed}\n"
        found[f"{folder}/cpu_capacity"] = f"{160 if core < 4 else 1024}\n"
    return found


def getprop(properties: Mapping[str, str]) -> str:
    return "".join(f"[{name}]: [{value}]\n" for name, value in sorted(properties.items()))


def thermal(status: int, skin: float, *, override: bool = False) -> str:
    sensors = (
        f"\tTemperature{{mValue={skin + 6:.1f}, mType=0, mName=cpu0, mStatus=0}}\n"
        "\tTemperature{mValue=0.0, mType=0, mName=cpu1, mStatus=0}\n"
        "\tTemperature{mValue=NaN, mType=3, mName=broken, mStatus=0}\n"
        "\tTemperature{mValue=30.1, mType=2, mName=battery, mStatus=0}\n"
        f"\tTemperature{{mValue={skin}, mType=3, mName=skin, mStatus={status}}}\n"
    )
    return (
        f"IsStatusOverride: {str(override).lower()}\nThermalEventListeners:\n\tcallbacks: 2\n"
        f"Thermal Status: {status}\nCached temperatures:\n\tTemperature{{mValue=99.0, mType=3, mName=old, mStatus=0}}\n"
        "HAL Ready: true\nHAL connection:\n\tThermal HAL AIDL 1 connected: yes\n"
        f"Current temperatures from HAL:\n{sensors}"
        "Current cooling devices from HAL:\n\tCoolingDevice{mValue=0, mType=2, mName=fan}\n"
        "Temperature static thresholds from HAL:\n\tTemperatureThreshold{type=3, name=skin}\n"
    )


def battery(level: int, temperature: int, usb: bool = True) -> str:
    return (
        "Current Battery Service state:\n  AC powered: false\n"
        f"  USB powered: {str(usb).lower()}\n  Wireless powered: false\n  status: 2\n"
        f"  level: {level}\n  scale: 100\n  temperature: {temperature}\n"
    )


def package(name: str, *, debuggable: bool) -> str:
    flags = "DEBUGGABLE HAS_CODE" if debuggable else "HAS_CODE ALLOW_CLEAR_USER_DATA"
    head = f"Packages:\n  Package [{name}] (1a2b3c):\n    versionName=1.0\n"
    return f"{head}    flags=[ {flags} ]\n    pkgFlags=[ {flags} ]\n"
