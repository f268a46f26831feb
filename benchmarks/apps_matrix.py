"""What of the apps and the phone link ran on this machine, what was only compiled, and what nobody ever ran.

python -m benchmarks.apps_matrix [--results JUNIT.xml ...] [--table]

Runs the ladder of ``make test-apps`` (with RMPSAM_SWIFT=1 real Swift too) and reads the outcome of every test; a part's
standing is written only where all tests behind it passed. ``--results`` takes the outcomes of runs that were, as
``pytest --junitxml`` stores them, of a test in several the last; ``--table`` only writes the stored rows into
docs/phones.md.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.marked_text import replace_marked
from rmpsam_mobile.bench.machine import describe_machine
from tests.apps.ladder import RUNGS, tallies

HERE: Final = Path(__file__).parent
REPORT: Final = HERE / "results" / "apps_matrix.json"
DOCUMENT: Final = HERE.parent / "docs" / "phones.md"
MARKER: Final = "apps matrix"
LADDER: Final = ("tests/apps", "tests/test_vectors.py", "tests/bench/test_host.py", "tests/bench/test_ios.py")
RAN, COMPILED, CHECKED, NEVER = "ran here", "compiled here", "checked here", "never run"
_APPS: Final = "tests/apps/test_"
_SWIFT: Final = f"{_APPS}swift_toolchain.py::test_"


class Part(NamedTuple):
    """One part, what may be said of it at best, how that is known, and the tests behind it."""

    name: str
    standing: str
    how: str
    tests: tuple[str, ...] = ()


PARTS: Final = (
    Part(
        "golden vectors in Python, Kotlin and Swift",
        RAN,
        "each language reads the same files; one wrong vector turns all three red",
        ("tests/test_vectors.py", f"{_APPS}wrong_vector.py"),
    ),
    Part(
        "Kotlin core",
        RAN,
        "JUnit on a JVM, with the vectors and a bundle that `export` wrote",
        (f"{_APPS}kotlin_core.py",),
    ),
    Part(
        "Android app: sources",
        COMPILED,
        "kotlinc `-Werror` against stubs; ktlint",
        (f"{_APPS}kotlin_compiles.py", f"{_APPS}kotlin_sources.py", f"{_APPS}kotlin_style.py"),
    ),
    Part(
        "Android app: stubs",
        CHECKED,
        "every signature, constant and API level against two descriptions of API 36",
        (f"{_APPS}android_stubs.py",),
    ),
    Part(
        "Android app: resources, manifest, both languages",
        COMPILED,
        "aapt2 against the framework of API 29; screens drawn from the layouts",
        (f"{_APPS}android_resources.py",),
    ),
    Part(
        "Android app: measuring entry",
        RAN,
        "the compiled `BenchInstrumentation` on a JVM, real `.pte` files behind it",
        (f"{_APPS}android_program.py",),
    ),
    Part("Android app: Gradle build, AAR, screens, camera, TalkBack", NEVER, "no registry here has the Android plugin"),
    Part(
        "`bench --on android`, `app --on android`",
        RAN,
        "Debian's `adb` to a scripted phone on loopback, real `.pte` files behind it, times from a seeded series; "
        "refusals, failures of phone, app and runner, the cable pulled at six moments, Ctrl-C",
        (f"{_APPS}android_bench.py", f"{_APPS}android_trouble.py"),
    ),
    Part("an Android phone or emulator, its `adbd`, any latency of it", NEVER, "none was at hand"),
    Part(
        "SegCore (Swift)",
        RAN,
        "XCTest by Swift 6 on Linux, with the vectors and a bundle that `export` wrote",
        (f"{_SWIFT}the_core", f"{_SWIFT}the_code", f"{_APPS}wrong_vector.py::test_the_wrong_vector_turns_swift"),
    ),
    Part(
        "SegEngine (Swift)", RAN, "its tests by Swift 6 on Linux, with an engine of the tests", (f"{_SWIFT}the_engine",)
    ),
    Part(
        "iOS app: both engines, screens",
        COMPILED,
        "types checked against stubs of Apple's frameworks",
        (f"{_SWIFT}engines_and_screens", f"{_SWIFT}a_wrong_argument", f"{_APPS}swift_syntax.py"),
    ),
    Part(
        "iOS app: project, property lists, privacy manifest, both languages",
        CHECKED,
        "parsed, and every name in the project leads somewhere",
        (f"{_APPS}ios_project.py", f"{_APPS}swift_syntax.py"),
    ),
    Part("iOS app: Xcode build, linkage, screens, VoiceOver, Core ML's numbers", NEVER, "needs a Mac"),
    Part(
        "`bench --on ios`, `app --on ios`",
        RAN,
        "scripts in the place of `xcrun` and `xcodebuild`; their answers are synthetic",
        ("tests/bench/test_ios.py",),
    ),
    Part("`devicectl` and an iPhone, any latency of it", NEVER, "none was at hand"),
    Part("`bench --on host`", RAN, "real files in the wheel's runtime", ("tests/bench/test_host.py",)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run or read the ladder, store what came out, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, nargs="+", help="outcomes of runs, as pytest --junitxml stores them")
    parser.add_argument("--table", action="store_true", help="only write the table")
    options = parser.parse_args(arguments)
    if options.table:
        report = json.loads(REPORT.read_text(encoding="utf-8"))
    else:
        report = report_of(options.results or [_climbed()])
        REPORT.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_marked(text, MARKER, table_of(report)), encoding="utf-8")


def report_of(results: Sequence[Path]) -> dict[str, Any]:
    """Standing of every part and outcome of every rung, by the outcomes in files of pytest's."""
    by_test = {outcome[0]: outcome for path in results for outcome in read_outcomes(path)}
    outcomes = list(by_test.values())
    rungs = [
        {"rung": number, "name": RUNGS[number].name, "told": tally.told()}
        for number, tally in tallies(outcomes).items()
    ]
    return {
        "command": "RMPSAM_SWIFT=1 python -m benchmarks.apps_matrix",
        "machine": describe_machine(),
        "parts": [_row(part, outcomes) for part in PARTS],
        "rungs": rungs,
    }


def read_outcomes(results: Path) -> Iterator[tuple[str, str, str]]:
    """Node id, ``passed``, ``failed`` or ``skipped``, and the reason."""
    for case in ET.parse(results).getroot().iter("testcase"):
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield test, "failed", ""
        elif skipped is not None:
            yield test, "skipped", re.sub(r"^Skipped: ", "", skipped.get("message", ""))
        else:
            yield test, "passed", ""


def _row(part: Part, outcomes: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    own = [(outcome, reason) for test, outcome, reason in outcomes if test.startswith(part.tests or "\0")]
    failed = sum(outcome == "failed" for outcome, _ in own)
    reasons = list(dict.fromkeys(reason for outcome, reason in own if outcome == "skipped"))
    standing = part.standing
    if failed:
        standing = f"failed ({failed} tests)"
    elif part.tests and (reasons or not own):
        standing = f"not run: {'; '.join(reasons) or 'no such test'}"
    return {"part": part.name, "standing": standing, "how": part.how, "tests": len(own)}


def table_of(report: Mapping[str, Any]) -> str:
    """Parts, then rungs, as Markdown."""
    machine = report["machine"]
    about = (
        f"[Evidence](../benchmarks/results/{REPORT.name}), by `{report['command']}` on "
        f"{machine['system'].split()[0]} with {machine['cores']} cores."
    )
    parts = ["| part | standing | how | tests |", "|---|---|---|---|"]
    parts += [
        f"| {row['part']} | {row['standing']} | {row['how']} | {row['tests'] or '-'} |" for row in report["parts"]
    ]
    rungs = ["| rung | what | outcome, tests |", "|---|---|---|"]
    rungs += [f"| {row['rung']} | {row['name']} | {row['told']} |" for row in report["rungs"]]
    return "\n".join([about, "", *parts, "", *rungs])


def _climbed() -> Path:
    results = Path(tempfile.mkdtemp()) / "ladder.xml"
    command = [sys.executable, "-m", "pytest", "-q", *LADDER, f"--junitxml={results}"]
    subprocess.run(command, cwd=HERE.parent, check=False)
    return results


if __name__ == "__main__":
    main()
