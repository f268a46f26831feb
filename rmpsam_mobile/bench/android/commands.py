"""Every command line that runs on the phone, in one place: what a dry run prints is what a run does."""

import shlex
from typing import Final

FOLDER: Final = "/data/local/tmp/rmpsam"  # readable by apps, writable without root
STAY_ON: Final = "stay_on_while_plugged_in"
GUARDED: Final = "RMPSAM_GUARD"
RESTORED: Final = "RMPSAM_RESTORED"
DEFAULT_APP: Final = "org.rmpsam.demo"

PROPERTIES: Final = "getprop"
CORES: Final = (
    "grep -H . /sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq "
    "/sys/devices/system/cpu/cpu[0-9]*/cpu_capacity"
)
MEMORY: Final = "cat /proc/meminfo"
LOAD: Final = "cat /proc/loadavg"
HEAT: Final = "dumpsys thermalservice"
BATTERY: Final = "dumpsys battery"
SAVER: Final = "settings get global low_power"
SCREEN: Final = "dumpsys power"
TRUST: Final = "dumpsys trust"
WAKE: Final = "input keyevent KEYCODE_WAKEUP; wm dismiss-keyguard"
LOG: Final = "logcat -d -t 40 *:E"
GET_STAY_ON: Final = f"settings get global {STAY_ON}"
HOLD_SCREEN: Final = f"settings put global {STAY_ON} 7"
FIX_CLOCKS: Final = "cmd power set-fixed-performance-mode-enabled true"
TASK_PROFILE: Final = "MaxPerformance"  # Android's own name; it places a process as it places the app in front
TASK_PROFILE_API: Final = 33
TRY_PROFILE: Final = f"settaskprofile $$ {TASK_PROFILE}"
_FREE_CLOCKS: Final = "cmd power set-fixed-performance-mode-enabled false"


def package(app: str) -> str:
    """What is known of an installed app."""
    return f"dumpsys package {shlex.quote(app)}"


def compile_app(app: str) -> str:
    """Compile the app's own code now, so that no round meets the compiler."""
    return f"cmd package compile -m speed -f {shlex.quote(app)}"


def guard(stay_on: str, *, app: str | None, folder: str | None, fixed_clocks: bool) -> str:
    """A command that waits on the phone and puts everything back once this computer is gone.

    Its standard input ends when this program ends, however it ends, and when the cable is pulled: then it restores.

    Args:
        stay_on: the old value of the setting; ``null`` where it was never set.
        app: to stop; None for a native runner.
        folder: to remove; None to keep what was copied.
        fixed_clocks: whether the clocks were fixed.
    """
    undo = [f"am force-stop {shlex.quote(app)}"] if app else []
    undo.append(
        f"settings delete global {STAY_ON}" if stay_on in ("null", "") else f"settings put global {STAY_ON} {stay_on}"
    )
    undo += [_FREE_CLOCKS] if fixed_clocks else []
    undo += [f"rm -rf {folder}"] if folder else []
    return f"trap '' HUP INT; echo {GUARDED}; cat >/dev/null; {'; '.join(undo)}; echo {RESTORED}"


def make_folder(folder: str, top: str) -> str:
    """An empty folder that apps may read."""
    return f"rm -rf {folder}; mkdir -p {folder}; chmod 755 {top} {folder}"


def open_up(folder: str) -> str:
    """Let apps read what was copied, and run what is a program."""
    return f"chmod -R a+rX {folder}"


def sums(folder: str) -> str:
    """SHA-256 of every file below a folder."""
    return f"cd {folder} && find . -type f -exec sha256sum {{}} +"


def instrument(app: str, arguments: dict[str, str | int | float]) -> str:
    """The sample app's own entry for measurements."""
    extras = " ".join(f"-e {key} {shlex.quote(str(value))}" for key, value in arguments.items())
    return f"am instrument -w -r {extras} {app}/.bench.BenchInstrumentation"


def native(folder: str, mask: str | None, profile: str | None, arguments: dict[str, str | int | float]) -> str:
    """A runner of the user's own, on chosen cores where they are known, placed by a task profile where there is one.

    A profile is set for a shell of its own, which then becomes the runner.
    """
    options = " ".join(f"--{key} {shlex.quote(str(value))}" for key, value in arguments.items())
    call = f"taskset {mask} ./runner {options}" if mask else f"./runner {options}"
    if profile:
        call = f"sh -c {shlex.quote(f'settaskprofile $$ {profile} && exec {call}')}"
    return f"cd {folder} && chmod 755 runner && mkdir -p outputs && {call}"
