"""Every command of a measurement, in order, without a phone: what ``--dry-run`` prints.

A run on a calm phone says exactly these lines; a warm one is looked at more often.
"""

import shlex

from rmpsam_mobile.bench.android import commands, native
from rmpsam_mobile.bench.android.files import copies, folder_of, make_folders
from rmpsam_mobile.bench.android.session import call_options
from rmpsam_mobile.bench.android.wishes import SWEEP, PhoneWishes
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.report import bundle_facts
from rmpsam_mobile.bundle import Bundle

OLD: str = "OLD_VALUE"  # what only the phone knows
MASK: str = "MASK_OF_BIG_CORES"
INPUTS: str = "GOLDEN_INPUTS"


def planned_commands(bundle: Bundle, wishes: PhoneWishes, protocol: Protocol) -> list[str]:
    """Command lines in order; the old value of the setting and the mask of cores stand as names in capitals."""
    folder = folder_of(bundle_facts(bundle)["manifest_sha256"])
    app = None if wishes.runner else wishes.app
    said = ["adb devices -l"]
    first = [commands.PROPERTIES, commands.CORES, commands.MEMORY, *([commands.package(app)] if app else [])]
    first += [commands.BATTERY, commands.SAVER, commands.HEAT, commands.LOAD, commands.GET_STAY_ON]
    kept = None if wishes.keep else folder
    first.append(commands.guard(OLD, app=app, folder=kept, fixed_clocks=wishes.fixed_clocks))
    first += [commands.HOLD_SCREEN, commands.WAKE, commands.SCREEN, commands.TRUST]
    said += _shell(*first, commands.HEAT)
    said += _copying(bundle, wishes, folder)
    said += _shell(*([commands.compile_app(app)] if app else []))
    said += _shell(*([commands.TRY_PROFILE] if wishes.runner else []))
    said += _shell(*([commands.FIX_CLOCKS] if wishes.fixed_clocks else []))
    counts = SWEEP if wishes.threads == "sweep" else (wishes.threads,)
    for threads in counts:
        said += _measuring(bundle, wishes, protocol, threads)
    return said


def _copying(bundle: Bundle, wishes: PhoneWishes, folder: str) -> list[str]:
    files = [(str(path), name) for path, name in copies(bundle, {})]
    if wishes.runner:
        files += [(f"{INPUTS}/{name}", name) for name in native.INPUT_NAMES]
        files.append((str(wishes.runner), "runner"))
    said = _shell(make_folders(folder, [name for _, name in files]))
    said += [f"adb push {shlex.quote(path)} {folder}/{name}" for path, name in files]
    return said + _shell(commands.open_up(folder), commands.sums(folder))


def _measuring(bundle: Bundle, wishes: PhoneWishes, protocol: Protocol, threads: int | None) -> list[str]:
    folder = folder_of(bundle_facts(bundle)["manifest_sha256"])
    options = call_options(wishes, protocol, threads)
    said = []
    for _ in range(protocol.rounds):
        said += _shell(commands.HEAT)
        for graph in wishes.graphs:
            if wishes.runner:
                call = commands.native(folder, MASK, commands.TASK_PROFILE, native.arguments(bundle, graph) | options)
            else:
                call = commands.instrument(wishes.app, {"bundle": folder, "graph": str(graph), **options})
            said += _shell(call, commands.HEAT)
    if wishes.runner:
        for when in ("first", "last"):
            for graph in wishes.graphs:
                outputs = range(len(bundle.manifest.graphs[graph].outputs))
                said += [f"adb pull {folder}/outputs/{graph}/{when}_{i}.f32" for i in outputs]
    return said


def _shell(*lines: str) -> list[str]:
    return [f"adb shell {shlex.quote(line)}" for line in lines]
