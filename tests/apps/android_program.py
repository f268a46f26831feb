"""The app's measuring entry, compiled from its real sources and run on a plain JVM as ``am instrument`` does."""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal

from tests.apps.kotlin_compiler import app_classes, built, core_classes, kotlinc, library, stub_classes
from tests.apps.tools import debian_program, run
from tests.conftest import REPOSITORY

_SOURCE: Final = Path(__file__).parent / "android_program" / "Program.kt"
_PHONE: Final = {
    "SDK_INT": "36",
    "PSS": "92160",
    "MODEL": "Stub 1",
    "HARDWARE": "stub",
    "SUPPORTED_ABIS": "arm64-v8a",
    "RELEASE": "16",
    "FINGERPRINT": "stub/stub/stub:16",
}


def instrument(
    arguments: Mapping[str, str],
    runtime: Literal["pte", "golden"] = "pte",
    phone: Mapping[str, str] | None = None,
) -> str:
    """Run ``BenchInstrumentation`` and return what ``am instrument -w -r`` prints.

    Args:
        arguments: as after ``-e``; ``bundle`` is a folder of this machine.
        runtime: what answers the runs: the real files, or the golden pair's numbers.
        phone: what differs from a cool phone of API 36, such as ``{"thermal": "2"}``.
    """
    command = "\n".join([sys.executable, "-m", "tests.apps.android_runtime", runtime])
    properties = [f"-Dstub.{key}={value}" for key, value in {**_PHONE, **(phone or {})}.items()]
    classes = ":".join(map(str, [_program_classes(), *_classpath(), library("kotlin-stdlib")]))
    extras = [f"{key}={value}" for key, value in arguments.items()]
    options = [f"-Dprogram.runtime={command}", *properties, "-cp", classes]
    java = debian_program("java", "default-jdk-headless")
    done = run([java, *options, "org.rmpsam.program.ProgramKt", *extras], cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def _program_classes() -> Path:
    return built("program", [_SOURCE, *_classpath()], lambda out: kotlinc([_SOURCE], _classpath(), out))


def _classpath() -> list[Path]:
    return [app_classes(), core_classes(), stub_classes()]
