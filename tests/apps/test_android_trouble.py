"""Phone, app, runner, cable or person end a measurement: its code, its sentence, the phone as it was."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rmpsam_mobile.bench.schema import check_report
from tests.apps.cable import Cable, adb, error_of, phone
from tests.apps.cable import adb_port as adb_port
from tests.apps.cable import cable as cable
from tests.apps.cable import cables as cables
from tests.apps.cable import encoder_only as encoder_only
from tests.bundles import NEEDS_BUNDLE
from tests.bundles import made as made
from tests.cli.calls import Cli
from tests.cli.calls import cli as cli
from tests.interrupt import press_ctrl_c as press_ctrl_c

pytestmark = [pytest.mark.apps, NEEDS_BUNDLE]

LOST = "; the phone restores its settings by itself; plug it in and run again"


CRASH = "INSTRUMENTATION_RESULT: shortMsg=Process crashed.\nINSTRUMENTATION_CODE: 0\n"
ERROR_20 = '{"event": "loaded", "ms": 1.0}\n{"event": "error", "code": 20}\n'
FAILURES: dict[str, tuple[Callable[[Cable], None], int, str]] = {
    "old API": (
        phone(properties={"ro.build.version.sdk": "28", "ro.build.version.release": "9"}),
        4,
        "Android 9 has API 28; at least 29 (Android 10) is needed; take a newer phone",
    ),
    "not started": (
        phone(properties={"sys.boot_completed": "0"}),
        7,
        "the phone has not finished starting (sys.boot_completed is not 1); wait and run again",
    ),
    "no app": (
        phone(installed=False),
        7,
        "org.rmpsam.demo is not installed on the phone; build and install demo_android, or name yours with --app",
    ),
    "full storage": (
        lambda cable: setattr(cable.peer, "room", 1_000_000),
        7,
        "the phone's storage is full (7,500,896 bytes needed); free some space on it",
    ),
    "app crashes": (
        phone(app=lambda _: CRASH, log="E AndroidRuntime: FATAL EXCEPTION: bench\nE x: java.lang.Error: boom\n"),
        7,
        "org.rmpsam.demo failed: Process crashed.; E AndroidRuntime: FATAL EXCEPTION: bench | "
        "E x: java.lang.Error: boom",
    ),
    "app has no memory": (
        phone(app=lambda _: CRASH, log="E ExecuTorch: Error 0x21 in load\n"),
        7,
        "org.rmpsam.demo failed: Process crashed.; error 33 (MemoryAllocationFailed): not enough memory; "
        "close apps, or export with a smaller --size",
    ),
    "app answers half": (
        phone(app=lambda _: "INSTRUMENTATION_STATUS: round=1\nINSTRUMENTATION_RES"),
        7,
        "org.rmpsam.demo: its answer broke off; see: adb logcat -d",
    ),
    "app answers garbage": (
        phone(app=lambda _: "INSTRUMENTATION_RESULT: report=!?\nINSTRUMENTATION_CODE: -1\n"),
        7,
        "install the app of this version of rmpsam-mobile",
    ),
}


@pytest.mark.parametrize(("change", "code", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_failures_have_their_code_and_sentence(
    cable: Cable, change: Callable[[Cable], None], code: int, message: str
) -> None:
    change(cable)
    done = cable.bench()
    assert done.code == code, done.err
    assert error_of(done).endswith(message)
    if done.out:
        report = check_report(json.loads(done.out), "report")
        assert (report["status"], report["reasons"]) == ("failed", [error_of(done)])
    cable.assert_untouched()


RUNNERS: dict[str, tuple[tuple[int, str, str], str]] = {
    "crashes": ((-11, "", ""), "the runner crashed with signal 11 (exit 139); see: adb logcat -d"),
    "gives up": ((3, "", ""), "the runner ended with exit 3 after 0 timed runs; see: adb logcat -d"),
    "half a line": (
        (0, '{"event": "loaded", "ms": 1.0}\n{"event": "ru', ""),
        'the runner printed half a line: \'{"event": "ru\'; notes belong on its stderr',
    ),
    "garbage": ((0, "hello\n", ""), "the runner printed something else than JSON: 'hello'; notes belong on its stderr"),
    "an error of the runtime": (
        (0, ERROR_20, ""),
        "the runner failed: error 20 (OperatorMissing): the runtime was built without the kernels that the file needs; "
        "link them",
    ),
}


@pytest.mark.parametrize(("answer", "message"), RUNNERS.values(), ids=RUNNERS.keys())
def test_native_runners_that_fail(cable: Cable, tmp_path: Path, answer: tuple[int, str, str], message: str) -> None:
    cable.phone.runner = lambda _arguments, _folder: answer
    done = cable.bench("--runner", cable.runner(tmp_path))
    assert (done.code, error_of(done)) == (7, message)
    cable.assert_untouched()


def test_an_emulated_runner_is_refused(cable: Cable, tmp_path: Path) -> None:
    cable.app.facts = {"emulated": True}
    done = cable.bench("--runner", cable.runner(tmp_path))
    assert json.loads(done.out)["reasons"] == ["emulated"]
    assert done.code == 6


def test_a_runner_that_hangs_is_given_up(cable: Cable) -> None:
    release = threading.Event()
    cable.phone.app = lambda _: str(release.wait(20))
    done = cable.bench("--time-limit", "1")
    release.set()
    assert (done.code, error_of(done)) == (7, "timing encoder: no answer within 1 s" + LOST)
    cable.assert_untouched()


MOMENTS = {
    "while it says who it is": "getprop",
    "while files are copied": "sync:",
    "in the middle of a run": "am instrument",
    "while it cools down": "dumpsys thermalservice",
    "while its files are hashed": "sha256sum",
}


@pytest.mark.parametrize("word", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_cable_that_is_pulled(cable: Cable, word: str) -> None:
    seen: list[str] = []

    def pull(service: str) -> None:
        seen.extend([service] if word in service else [])
        if len(seen) >= (3 if word.startswith("dumpsys") else 1):
            threading.Thread(target=cable.peer.unplug).start()
            time.sleep(0.2)

    cable.peer.before = pull
    done = cable.bench()
    assert done.code == 7, done.err
    assert error_of(done).endswith("the connection to the phone was lost" + LOST)
    assert done.out == "" if word == "getprop" else json.loads(done.out)["status"] == "failed"
    cable.assert_untouched()


def test_a_cable_that_is_pulled_at_the_very_end_is_told(cable: Cable) -> None:
    stops: list[list[str]] = []

    def pull(argv: list[str]) -> None:
        if argv[:2] == ["am", "force-stop"]:
            stops.append(argv)
            cable.peer.unplug()

    cable.phone.on_call = pull
    done = cable.bench()
    assert done.code == 0
    assert "the phone could not say that its settings are back" in done.err
    cable.assert_untouched()
    assert stops


def test_ctrl_c_puts_everything_back(cable: Cable, press_ctrl_c: Callable[[], None]) -> None:
    release = threading.Event()

    def interrupt(_: dict[str, str]) -> str:
        assert cable.phone.settings["stay_on_while_plugged_in"] == "7"
        press_ctrl_c()
        return str(release.wait(10))

    cable.phone.app = interrupt
    done = cable.bench()
    release.set()
    assert (done.code, error_of(done)) == (130, "interrupted; nothing was written")
    cable.assert_untouched()


def test_a_setting_that_was_never_made_is_removed_again(cable: Cable) -> None:
    del cable.phone.settings["stay_on_while_plugged_in"]
    assert cable.bench().code == 0
    assert cable.phone.settings == {"low_power": "0"}


def test_copies_stay_where_they_are_wanted(cable: Cable) -> None:
    assert cable.bench("--keep").code == 0
    (folder,) = (cable.phone.root / "data/local/tmp/rmpsam").iterdir()
    assert (folder / "manifest.json").read_bytes() == (cable.bundle.folder / "manifest.json").read_bytes()


def test_two_phones_want_a_choice(cables: Callable[..., Cable], cli: Cli) -> None:
    first, second = cables(), cables()
    done = cli("bench", first.bundle.folder, "--on", "android")
    assert done.code == 7
    assert done.error.startswith("adb sees 2 phones (127.0.0.1:")
    assert done.error.endswith("); choose one with --serial")
    assert second.phone.calls == []
    assert cli("bench", first.bundle.folder, "--on", "android", "--serial", "nobody").code == 2


def test_no_phone_and_one_that_does_not_trust_this_computer(cables: Callable[..., Cable], cli: Cli) -> None:
    stranger = cables(authorised=False)
    done = stranger.bench()
    assert (done.code, done.error) == (
        7,
        "the phone has not allowed this computer; unlock it, accept its question, then run again",
    )
    adb("disconnect", stranger.peer.serial)
    done = cli("bench", stranger.bundle.folder, "--on", "android")
    assert (done.code, done.error) == (
        7,
        "adb sees no phone; plug one in, turn on USB debugging in its developer options, accept its question",
    )
