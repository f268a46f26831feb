"""Reports without a phone: made by the code that every target uses, from series that a test chooses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.report import SCHEMA, now
from rmpsam_mobile.bundle import Bundle, Manifest, write_bundle
from rmpsam_mobile.contracts import Graph
from tests.bundle.manifests import make_manifest

RIGHT = {"golden_max_abs": 1e-6, "tolerance": 1e-2, "passes": True, "repeatable": True}


def paper_bundle(folder: Path, paths: dict[Graph, str] | None = None) -> Bundle:
    """A bundle whose files hold 12 bytes each: to be copied and hashed, not run."""

    def fill(temporary: Path) -> Manifest:
        made = make_manifest(paths)
        for artifact in made.graphs.values():
            (temporary / artifact.path).write_bytes(b"not a graph.")
        return made

    return write_bundle(folder, fill)


def steady(median: float = 20.0, seed: int = 0, rounds: int = 3, runs: int = 50) -> list[list[float]]:
    """Rounds with 2 % of noise."""
    noise = np.random.default_rng(seed).standard_normal((rounds, runs))
    return (median * (1 + 0.02 * noise)).round(5).tolist()  # type: ignore[no-any-return]


def phone_report(rounds: Sequence[Sequence[float]] | None = None, **parts: Any) -> dict[str, Any]:
    """A report of the encoder on a calm phone, not judged yet; ``parts`` change sections of it."""
    taken = steady() if rounds is None else rounds
    report: dict[str, Any] = {
        **{"schema": SCHEMA, "status": "planned", "reasons": [], "warnings": [], "started": now(), "finished": None},
        "tool": {"name": "rmpsam-mobile", "version": "0.1.0", "git": None, "command": []},
        "bundle": {"name": "small", "manifest_sha256": "0" * 64, "files": []},
        **_phone(),
        "protocol": Protocol().to_json() | {"clock": "CLOCK_MONOTONIC", "clock_step_ns": 52, "cooldown_s": [0.0, 1.0]},
        "load": {"cold_ms": [120.0, 118.0, 119.0], "first_run_ms": 61.0, "compiled_cache": None},
        "graphs": [
            {
                "graph": "encoder",
                "rounds": [{"samples_ms": list(samples), "thermal_status_max": 0} for samples in taken],
                "summary": None,
                "check": dict(RIGHT),
            }
        ],
        "pipeline": {
            **{"preprocess_ms_p50": 4.1, "encoder_ms_p50": 20.0, "prompt_ms_p50": 4.0, "postprocess_ms_p50": 2.2},
            "tap_to_mask_ms_p50": 6.2,
        },
        "memory": {"baseline_mb": 80.0, "peak_mb": 210.0, "retained_mb": 88.0, "method": "pss"},
    }
    for name, changes in parts.items():
        report[name] = {**report[name], **changes}
    return report


def _phone() -> dict[str, Any]:
    looks = [{"at_ms": 1000 * i, "status": 0, "skin_c": 34.0, "cpu_c": 40.0, "battery_c": 30.0} for i in range(4)]
    return {
        "target": {
            **dict.fromkeys(("soc", "fingerprint", "cores", "ram_mb", "serial_hash")),
            **{"kind": "android", "link": "adb", "model": "Paper 9", "os": "15", "api": 35, "abi": "arm64-v8a"},
            "emulated": False,
        },
        "runner": {
            **dict.fromkeys(("cpu_mask", "compute_units", "delegated_share")),
            **{"kind": "app", "id": "org.rmpsam.demo", "version": "1.0", "debuggable": False, "load_mode": "mmap"},
            **{"runtime": "executorch", "runtime_version": "1.4.1", "delegates": ["XnnpackBackend"], "threads": 4},
        },
        "conditions": {
            **{"power": "battery", "battery_percent": 83, "power_saver": False, "screen_on": True, "clocks": "fixed"},
            "thermal": looks,
        },
    }
