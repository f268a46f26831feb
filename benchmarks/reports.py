"""Reports of benchmarks: a JSON file that says which command made it, on which machine."""

import json
from pathlib import Path
from typing import Any

from rmpsam_mobile.atomic import write_file
from rmpsam_mobile.bench import HOST_NOTE
from rmpsam_mobile.bench.machine import describe_machine


def store_report(path: Path, command: str, **content: Any) -> dict[str, Any]:
    """Write a host's figures and return the whole document."""
    report = {"command": command, "note": HOST_NOTE, "machine": describe_machine(), **content}
    path.parent.mkdir(exist_ok=True)
    write_file(path, (json.dumps(report, indent=1) + "\n").encode())
    return report
