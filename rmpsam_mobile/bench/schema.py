"""The shape of ``rmpsam.latency/1``: what a report must hold before any of it is believed."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rmpsam_mobile.bench.report import SCHEMA, SWEEP
from rmpsam_mobile.errors import InputError, UnsupportedError

STATUSES: Final = ("ok", "refused", "failed", "planned")

# Kinds: text, number, flag, list of texts or numbers; a ? allows null. A list of one mapping is a list of such.
_CHECK: Final = {"golden_max_abs": "number?", "tolerance": "number?", "repeatable": "flag"}
_SUMMARY: Final = dict.fromkeys(("n", "min", "p50", "mean", "p90", "p95", "p99", "max", "stdev"), "number?")
_SHAPE: Final[dict[str, Any]] = {
    "schema": "text",
    "status": "text",
    "reasons": "texts",
    "warnings": "texts",
    "tool": {"name": "text", "version": "text?"},
    "started": "text",
    "finished": "text?",
    "bundle": {
        "name": "text",
        "manifest_sha256": "text",
        "files": [
            {"graph": "text", "path": "text", "bytes": "number", "sha256": "text?", "verified_on_device": "flag"}
        ],
    },
    "target": {
        "kind": "text",
        **dict.fromkeys(("link", "serial_hash", "model", "soc", "os", "abi", "fingerprint"), "text?"),
        "api": "number?",
        "emulated": "flag?",
        "ram_mb": "number?",
    },
    "runner": {
        **dict.fromkeys(("kind", "id", "version", "runtime", "runtime_version", "cpu_mask", "compute_units"), "text?"),
        "debuggable": "flag?",
        "delegates": "texts?",
        "delegated_share": "number?",
        "threads": "number?",
        "load_mode": "text?",
    },
    "conditions": {
        "power": "text?",
        "battery_percent": "number?",
        "power_saver": "flag?",
        "screen_on": "flag?",
        "clocks": "text?",
        "thermal": [
            {"at_ms": "number", "status": "number?", "skin_c": "number?", "cpu_c": "number?", "battery_c": "number?"}
        ],
    },
    "protocol": {
        **dict.fromkeys(("rounds", "warmup", "runs", "min_round_s"), "number"),
        "cooldown_s": "numbers",
        "clock": "text?",
        "clock_step_ns": "number?",
        "input": "text?",
    },
    "load": {"cold_ms": "numbers", "first_run_ms": "number?", "compiled_cache": "text?"},
    "graphs": [
        {
            "graph": "text",
            "rounds": [{"samples_ms": "numbers", "thermal_status_max": "number?"}],
            "summary?": _SUMMARY,
            "check?": _CHECK,
        }
    ],
    "pipeline": {
        f"{step}_ms_p50": "number?" for step in ("preprocess", "encoder", "prompt", "postprocess", "tap_to_mask")
    },
    "memory": {"baseline_mb": "number?", "peak_mb": "number?", "retained_mb": "number?", "method": "text?"},
}


def check_report(document: Any, where: str) -> dict[str, Any]:
    """Return the document if it has the shape of a report; keys beyond it are kept.

    Raises:
        InputError: names the first key that is missing or wrong.
        UnsupportedError: another version of the schema.
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, str) and schema != SCHEMA and schema.startswith("rmpsam.latency"):
        raise UnsupportedError(f"{where} has schema {schema}; this version reads {SCHEMA}; update rmpsam-mobile")
    if schema != SCHEMA:
        raise InputError(f"{where} has schema {schema!r}; wanted {SCHEMA}; give what rmpsam-mobile bench -o wrote")
    _expect(_SHAPE, document, where)
    if document["status"] not in STATUSES:
        raise InputError(f"{where}: status {document['status']!r}; known: {', '.join(STATUSES)}")
    found: dict[str, Any] = document
    return found


def read_reports(path: Path) -> list[dict[str, Any]]:
    """The reports of a file: one, or those of a sweep.

    Raises:
        InputError: no such file, no JSON, or another shape.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a report that rmpsam-mobile bench -o wrote") from None
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({str(error)[:60]}); give the .json report") from None
    if isinstance(document, dict) and document.get("schema") == SWEEP and isinstance(document.get("reports"), list):
        return [check_report(report, f"{path}, report {i}") for i, report in enumerate(document["reports"], start=1)]
    return [check_report(document, str(path))]


def _expect(shape: Any, value: Any, where: str) -> None:
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            raise InputError(f"{where} is {value!r:.40}; wanted an object; the report is damaged")
        for key, inner in shape.items():
            name = key.removesuffix("?")
            if name not in value:
                raise InputError(f"{where}: {name} is missing; the report is damaged")
            if not (key.endswith("?") and value[name] is None):
                _expect(inner, value[name], f"{where}: {name}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise InputError(f"{where} is {value!r:.40}; wanted a list; the report is damaged")
        for i, item in enumerate(value):
            _expect(shape[0], item, f"{where}[{i}]")
    elif not _fits(shape, value):
        raise InputError(f"{where} is {value!r:.40}; wanted {shape.replace('?', ' or null')}; the report is damaged")


def _fits(kind: str, value: Any) -> bool:
    if value is None:
        return kind.endswith("?")
    match kind.removesuffix("?"):
        case "text":
            return isinstance(value, str)
        case "flag":
            return isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "texts":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case _:
            # not finite ones too: it is for the verdict to refuse them, by their own code
            return isinstance(value, list) and all(type(item) in (int, float) for item in value)
