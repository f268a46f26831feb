"""Finding adb, choosing a phone, and reading what an app or a runner answers."""

import base64
import json
import os
from pathlib import Path

import pytest

from rmpsam_mobile.bench.android.adb import choose_serial, find_adb
from rmpsam_mobile.bench.android.commands import guard
from rmpsam_mobile.bench.android.instrumentation import parse_instrumentation, report_of
from rmpsam_mobile.bench.android.native import parse_native
from rmpsam_mobile.bench.android.wishes import PhoneWishes, parse_threads
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.runtime_errors import CODES, explain, explain_text
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import DeviceError, InputError, MissingExtraError
from tests.bench.reports import phone_report

HEAD = "List of devices attached\n"


def test_adb_is_looked_for_where_androids_tools_put_it(tmp_path: Path) -> None:
    for folder in ("sdk/platform-tools", "bin"):
        program = tmp_path / folder / "adb"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
    path = str(tmp_path / "bin")
    assert find_adb({"PATH": path}) == tmp_path / "bin/adb"
    assert find_adb({"PATH": path, "ANDROID_HOME": str(tmp_path / "sdk")}) == tmp_path / "sdk/platform-tools/adb"
    assert find_adb({"PATH": path, "ANDROID_HOME": str(tmp_path)}) == tmp_path / "bin/adb"
    with pytest.raises(
        MissingExtraError, match=r"^adb was not found in .ANDROID_HOME/platform-tools or on PATH; install"
    ):
        find_adb({"PATH": os.devnull})


def test_the_only_phone_is_chosen() -> None:
    listing = HEAD + "R5CT  device product:x model:Paper_9 transport_id:1\nother   offline\n\n"
    assert choose_serial(listing, None) == "R5CT"
    assert choose_serial(HEAD + "a  device\nb  device\n", "b") == "b"


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("", "adb sees no phone; plug one in"),
        ("a  device\nb  device\n", "adb sees 2 phones (a, b); choose one with --serial"),
        ("a  unauthorized usb:1\n", "the phone has not allowed this computer; unlock it, accept its question"),
        ("a  authorizing usb:1\n", "the phone has not allowed this computer; unlock it, accept its question"),
        ("a  connecting\n", "the phone is still connecting; wait a moment, then run again"),
        ("a  offline\n", "the phone is offline; unplug it, plug it in again, or run: adb reconnect"),
        (
            "a  no permissions (user in plugdev group; are your udev rules wrong?); see [http://x]\n",
            "this computer may not use its USB port; add your user to group plugdev",
        ),
        ("a  recovery\n", "the phone is in state 'recovery'; start it normally"),
    ],
)
def test_phones_that_cannot_be_used_each_have_a_sentence(row: str, sentence: str) -> None:
    with pytest.raises(DeviceError) as caught:
        choose_serial(HEAD + row, None)
    assert str(caught.value).startswith(sentence)


def test_another_serial_than_is_there() -> None:
    with pytest.raises(InputError, match=r"^--serial c: adb sees a, b; choose one of them$"):
        choose_serial(HEAD + "a  device\nb  offline\n", "c")


def test_the_guard_restores_what_it_found() -> None:
    was_set = guard("3", app="a.b", folder="/f", fixed_clocks=True)
    never_set = guard("null", app=None, folder=None, fixed_clocks=False)
    assert was_set == (
        "trap '' HUP INT; echo RMPSAM_GUARD; cat >/dev/null; am force-stop a.b; "
        "settings put global stay_on_while_plugged_in 3; cmd power set-fixed-performance-mode-enabled false; "
        "rm -rf /f; echo RMPSAM_RESTORED"
    )
    assert "settings delete global stay_on_while_plugged_in" in never_set
    assert "rm -rf" not in never_set


def encoded(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


def test_an_apps_report_is_read_from_its_last_lines() -> None:
    report = phone_report()
    text = (
        "INSTRUMENTATION_STATUS: graph=encoder\nINSTRUMENTATION_STATUS: round=1\nINSTRUMENTATION_STATUS_CODE: 0\n"
        f"INSTRUMENTATION_RESULT: report={encoded(report)}\nINSTRUMENTATION_CODE: -1\n"
    )
    found = parse_instrumentation(text)
    assert found.statuses == [{"graph": "encoder", "round": "1"}]
    assert found.code == -1
    assert report_of(found, "a.b", "") == report


def test_a_value_of_several_lines_stays_one() -> None:
    found = parse_instrumentation("INSTRUMENTATION_RESULT: error=x: a\n\n  at b.c\nINSTRUMENTATION_CODE: 0\n")
    assert found.results == {"error": "x: a\n  at b.c"}


MISSING = "INSTRUMENTATION_STATUS: Error=Unable to find instrumentation info for: ComponentInfo{a.b/x}\n"


@pytest.mark.parametrize(
    ("text", "log", "message"),
    [
        (
            MISSING + "INSTRUMENTATION_STATUS_CODE: -1\n",
            "",
            "a.b is not installed on the phone, or has no bench entry; ",
        ),
        ("INSTRUMENTATION_FAILED: a.b/.bench.X\n", "", "a.b is not installed on the phone, or has no bench entry; "),
        ("", "", "a.b: its answer broke off; see: adb logcat -d"),
        ("INSTRUMENTATION_CODE: 0\n", "", "a.b: its answer ended with code 0 and no report; see: adb logcat -d"),
        (
            "INSTRUMENTATION_RESULT: error=executorch error code 20: x\nINSTRUMENTATION_CODE: 0\n",
            "",
            "a.b failed: executorch error code 20: x; error 20 (OperatorMissing): the runtime was built without",
        ),
        ("INSTRUMENTATION_ABORTED: System has crashed.\n", "", "a.b failed: System has crashed.; see: adb logcat -d"),
        (f"INSTRUMENTATION_RESULT: report={encoded({'a': 1})}\n", "", "a.b answered no report (the report of a.b has "),
        (f"INSTRUMENTATION_RESULT: report={encoded('x')[:-3]}\n", "", "a.b answered no report ("),
    ],
)
def test_an_app_that_answers_otherwise(text: str, log: str, message: str) -> None:
    with pytest.raises(DeviceError) as caught:
        report_of(parse_instrumentation(text), "a.b", log)
    assert str(caught.value).startswith(message)


LOADED = '{"event": "loaded", "ms": 120.5, "runtime": "executorch", "clock_step_ns": 52}\n'


def test_a_native_runners_lines() -> None:
    text = LOADED + '{"event": "first", "ms": 61}\n\n{"event": "run", "ms": 30.1}\n{"event": "done", "peak_mb": 80}\n'
    run = parse_native(text, 0)
    assert (run.load_ms, run.first_ms, run.samples_ms, run.peak_mb) == (120.5, 61.0, [30.1], 80)
    assert run.facts["runtime"] == "executorch"


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        (LOADED, 0, "the runner stopped without saying loaded and done after 0 timed runs; see: adb logcat -d"),
        (LOADED + '{"event": "dance"}\n', 0, "the runner said event 'dance'; known: loaded, first, run, done, error"),
        (LOADED + '{"event": "run"}\n', 0, 'the runner printed {"event": "run"}; wanted a number in \'ms\''),
        ("[1]\n", 0, "the runner printed '[1]'; wanted a JSON object a line"),
        ("", 134, "the runner crashed with signal 6 (exit 134); see: adb logcat -d"),
    ],
)
def test_a_native_runner_that_answers_otherwise(text: str, status: int, message: str) -> None:
    with pytest.raises(DeviceError) as caught:
        parse_native(text, status)
    assert str(caught.value) == message


def test_the_error_table_is_executorchs_own() -> None:
    import re

    import executorch

    header = Path(next(iter(executorch.__path__)), "include/executorch/runtime/core/error.h").read_text()
    listed = re.findall(r"^  (\w+) = (0x\w+),$", header, re.MULTILINE)
    assert {int(code, 16): name for name, code in listed} == {0: "Ok"} | {
        code: known.name for code, known in CODES.items()
    }


def test_codes_are_found_in_logs() -> None:
    assert explain(99) == "error 99, which is not one of ExecuTorch's"
    for text in ("failed with error 0x14", "errorCode=20", "executorch error code 20: x", "Error::OperatorMissing"):
        assert (explain_text(text) or "").startswith("error 20 (OperatorMissing): ")
    assert explain_text("12:20:20 all is well") is None


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_threads_are_a_number_or_sweep(text: str) -> None:
    assert (parse_threads(None), parse_threads("4"), parse_threads("sweep")) == (None, 4, "sweep")
    with pytest.raises(InputError, match="is neither a number from 1 on nor sweep"):
        parse_threads(text)


def test_wishes_that_cannot_be() -> None:
    with pytest.raises(InputError, match="no such file; give a program built for the phone"):
        PhoneWishes(graphs=(Graph.ENCODER,), runner=Path("gone"))
    with pytest.raises(InputError, match="a native runner needs the encoder's output; add --graph encoder"):
        PhoneWishes(graphs=(Graph.PROMPTS,), runner=Path(__file__))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"runs": 0}, "0 runs after 5 of warm-up; at least 1 run; try --runs 50 --warmup 5"),
        ({"warmup": -1}, "50 runs after -1 of warm-up; at least 1 run; try --runs 50 --warmup 5"),
        ({"rounds": 0}, "0 rounds; the limit is 1 to 20; try --rounds 3"),
        ({"min_round_s": 700}, "a round of 700 to 60 s; wanted 0 <= least <= 600"),
        ({"cooldown_s": -1}, "a rest of -1 s; the limit is 0 to 3600; try --cooldown 300"),
    ],
)
def test_a_protocol_that_cannot_be_run(numbers: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Protocol(**numbers)
    assert str(caught.value) == message
