"""The shipped student as ``rmpsam-mobile export`` writes it, and what Python reads in it."""

import fcntl
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bench.report import bundle_facts
from rmpsam_mobile.bundle import Bundle, open_bundle, read_golden


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """``rmpsam-mobile-tiny`` at 256 x 256, exported once for all workers of a run."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    place = Path(os.environ.get("RMPSAM_TEST_BUNDLE", shared))
    folder = place / "exported.bundle"
    with (place / "exported.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            options = ["--accept-licence", "--size", "256", "-o", str(folder)]
            command = [sys.executable, "-m", "rmpsam_mobile", "export", "rmpsam-mobile-tiny", *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    return open_bundle(folder)


def read_here(bundle: Bundle) -> dict[str, Any]:
    """What the tests of Kotlin and Swift print of a bundle, by Python."""
    manifest, golden = bundle.manifest, read_golden(bundle.folder).values
    return {
        "name": manifest.name,
        "manifest_sha256": bundle_facts(bundle)["manifest_sha256"],
        "graphs": {name: artifact.path for name, artifact in manifest.graphs.items()},
        "classes": len(manifest.contract.class_names),
        "golden": {key: [values.size, float(values.min()), float(values.max())] for key, values in golden.items()},
    }


def read_there(said: str) -> dict[str, Any]:
    """The line that those tests printed."""
    (line,) = re.findall(r"BUNDLE (\{.*\})$", said, re.MULTILINE)
    found: dict[str, Any] = json.loads(line)
    return found
