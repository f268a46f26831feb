"""The document ``rmpsam.latency/1``: one for each device, bundle and setting; milliseconds, UTC, unknown is None."""

import hashlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.series import FEWEST_FOR_P99, quantile
from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.bundle.store import MANIFEST

SCHEMA: Final = "rmpsam.latency/1"
SWEEP: Final = "rmpsam.latency-sweep/1"

_TARGET: Final = (
    "link",
    "serial_hash",
    "model",
    "soc",
    "os",
    "api",
    "abi",
    "fingerprint",
    "emulated",
    "cores",
    "ram_mb",
)
_RUNNER: Final = (
    "kind",
    "id",
    "version",
    "debuggable",
    "runtime",
    "runtime_version",
    "delegates",
    "delegated_share",
    "threads",
    "cpu_mask",
    "task_profile",
    "compute_units",
    "load_mode",
)
_PIPELINE: Final = ("preprocess", "encoder", "prompt", "postprocess", "tap_to_mask")


def blank_report(kind: str, bundle: Bundle, protocol: Protocol) -> dict[str, Any]:
    """A report of a measurement that has not begun: every key, what is unknown as None.

    Args:
        kind: ``android``, ``ios`` or ``host``.
        bundle: opened.
        protocol: how it will be measured.
    """
    return {
        "schema": SCHEMA,
        "status": "planned",
        "reasons": [],
        "warnings": [],
        "tool": {"name": "rmpsam-mobile", "version": version("rmpsam-mobile"), "git": None, "command": _command()},
        "started": now(),
        "finished": None,
        "bundle": bundle_facts(bundle),
        "target": {"kind": kind, **dict.fromkeys(_TARGET)},
        "runner": dict.fromkeys(_RUNNER),
        "conditions": {
            **dict.fromkeys(("power", "battery_percent", "power_saver", "screen_on", "clocks")),
            "thermal": [],
        },
        "protocol": protocol.to_json(),
        "load": {"cold_ms": [], "first_run_ms": None, "compiled_cache": None},
        "graphs": [],
        "pipeline": {f"{step}_ms_p50": None for step in _PIPELINE},
        "memory": dict.fromkeys(("baseline_mb", "peak_mb", "retained_mb", "method")),
    }


def bundle_facts(bundle: Bundle) -> dict[str, Any]:
    """Name, hash of the manifest, and each graph's file; nothing is verified on a device yet."""
    manifest = bundle.manifest
    raw = (bundle.folder / MANIFEST).read_bytes()
    files = []
    for artifact in manifest.graphs.values():
        entry = manifest.files.get(artifact.path)  # a Core ML package is a folder and has no hash of its own
        files.append(
            {
                "graph": str(artifact.graph),
                "path": artifact.path,
                "bytes": artifact.size_bytes,
                "sha256": entry.sha256 if entry else None,
                "verified_on_device": False,
            }
        )
    digest = hashlib.sha256(raw).hexdigest()
    return {"name": manifest.name, "manifest_sha256": digest, "trained": manifest.contract.trained, "files": files}


def summary(samples_ms: Sequence[float]) -> dict[str, Any]:
    """Figures of all samples of a graph; p99 only from 100 samples on, no spread of a single one."""
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
    levels: dict[str, float | None] = {name: quantile(samples_ms, share) for name, share in shares.items()}
    if len(samples_ms) < FEWEST_FOR_P99:
        levels["p99"] = None
    return {
        "n": len(samples_ms),
        "min": min(samples_ms),
        "p50": levels.pop("p50"),
        "mean": fmean(samples_ms),
        **levels,
        "max": max(samples_ms),
        "stdev": stdev(samples_ms) if len(samples_ms) > 1 else 0.0,
    }


def _command() -> list[str]:
    """The words that were typed, without the phone's serial number; of a path, its name."""
    words = sys.argv[1:]
    shown = [Path(word).name if "/" in word else word for word in words]
    for i, word in enumerate(words):
        if word == "--serial":
            shown[i + 1 : i + 2] = ["SERIAL"]
        elif word.startswith("--serial="):
            shown[i] = "--serial=SERIAL"
    return shown


def samples_of(graph: dict[str, Any]) -> list[list[float]]:
    """Rounds of a graph's milliseconds."""
    return [round_["samples_ms"] for round_ in graph["rounds"]]


def now() -> str:
    """This moment, UTC, ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
