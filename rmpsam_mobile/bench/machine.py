"""What a figure was measured on."""

import os
import platform
import resource
import sys
from pathlib import Path
from typing import Any

# What decides which kernels run: 8-bit speed hangs on VNNI or dot products, half precision on F16C or FP16.
_FLAGS = ("avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx_vnni", "asimddp", "i8mm", "fphp", "asimdhp")


def describe_machine() -> dict[str, Any]:
    """Processor, usable cores, flags that matter, memory and system; unknown is None."""
    info = _cpu_info()
    flags = info.get("flags", info.get("Features", "")).split()
    return {
        "kind": "host",
        "cpu": info.get("model name") or platform.processor() or None,
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "flags": [flag for flag in _FLAGS if flag in flags],
        "ram_mb": _ram_mb(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def host_target() -> dict[str, Any]:
    """The same in the words of a latency report; what a phone has and a computer has not is None."""
    about = describe_machine()
    return {
        **dict.fromkeys(("link", "serial_hash", "soc", "api", "fingerprint")),
        "kind": "host",
        "model": about["cpu"],
        "os": about["system"],
        "abi": about["machine"],
        "emulated": False,
        "cores": [{"id": core, "max_khz": _max_khz(core), "capacity": None} for core in range(about["cores"])],
        "ram_mb": about["ram_mb"],
        "flags": about["flags"],
        "python": about["python"],
    }


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _cpu_info() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    pairs = (line.partition(":") for line in path.read_text(encoding="utf-8").splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _max_khz(core: int) -> int | None:
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/cpufreq/cpuinfo_max_freq").read_text(encoding="ascii")
    except OSError:
        return None
    return int(text)


def _ram_mb() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        return None
