"""A phone as it stands: who it is and what it is doing, asked in a fixed order."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from rmpsam_mobile.bench.android import commands
from rmpsam_mobile.bench.android.adb import Adb
from rmpsam_mobile.bench.android.conditions import (
    Battery,
    Heat,
    parse_battery,
    parse_heat,
    parse_load,
    parse_saver,
    parse_screen,
)
from rmpsam_mobile.bench.android.identity import (
    AppFacts,
    Core,
    Identity,
    identify,
    parse_cores,
    parse_memory_mb,
    parse_package,
    parse_properties,
)
from rmpsam_mobile.errors import DeviceError


@dataclass(frozen=True, kw_only=True)
class Phone:
    """What does not change while it is measured."""

    identity: Identity
    cores: list[Core] | None
    ram_mb: int | None
    app: AppFacts | None

    def target_json(self, serial: str) -> dict[str, Any]:
        """The report's ``target`` but for its kind."""
        cores = None if self.cores is None else [asdict(core) for core in self.cores]
        return {**self.identity.to_json(serial), "cores": cores, "ram_mb": self.ram_mb}


@dataclass(frozen=True, kw_only=True)
class State:
    """What it was doing when the measurement began."""

    battery: Battery
    saver: bool | None
    heat: Heat
    load: float | None


def meet(adb: Adb, app: str | None) -> Phone:
    """Ask who the phone is.

    Args:
        adb: the phone.
        app: package that will measure; None for a native runner.

    Raises:
        DeviceError: not started, or the app is not installed.
        UnsupportedError: its Android is too old.
    """
    doing = "asking the phone who it is"
    identity = identify(parse_properties(adb.shell(commands.PROPERTIES, doing=doing).out))
    cores = parse_cores(adb.shell(commands.CORES, doing=doing).out)
    ram = parse_memory_mb(adb.shell(commands.MEMORY, doing=doing).out)
    facts = parse_package(adb.shell(commands.package(app), doing=doing).out) if app else None
    if app and facts is None:
        raise DeviceError(
            f"{app} is not installed on the phone; build and install demo_android, or name yours with --app"
        )
    return Phone(identity=identity, cores=cores, ram_mb=ram, app=facts)


def look(adb: Adb, cores: int | None) -> State:
    """Ask what the phone is doing."""
    doing = "asking the phone for its state"
    return State(
        battery=parse_battery(adb.shell(commands.BATTERY, doing=doing).out),
        saver=parse_saver(adb.shell(commands.SAVER, doing=doing).out),
        heat=heat_of(adb),
        load=parse_load(adb.shell(commands.LOAD, doing=doing).out, cores),
    )


def heat_of(adb: Adb) -> Heat:
    """The phone's temperatures now."""
    return parse_heat(adb.shell(commands.HEAT, doing="asking for temperatures").out)


def is_screen_on(adb: Adb) -> bool | None:
    """Whether the screen is on and unlocked."""
    doing = "asking for the screen"
    return parse_screen(adb.shell(commands.SCREEN, doing=doing).out, adb.shell(commands.TRUST, doing=doing).out)


def wait_until(
    calm: Callable[[Heat], str | None], adb: Adb, limit_s: float, poll_s: float, note: Callable[[str], None]
) -> tuple[Heat, str | None]:
    """Look at the temperatures until ``calm`` has no objection, or time is up.

    Args:
        calm: the code of what forbids to go on, or None.
        adb: the phone.
        limit_s: the longest wait; at 0 there is one look.
        poll_s: between two looks.
        note: hears once that there is a wait.

    Returns:
        The last look, and its objection or None.
    """
    end, told = time.monotonic() + limit_s, False
    while True:
        heat = heat_of(adb)
        objection = calm(heat)
        left = end - time.monotonic()
        if objection is None or left <= 0:
            return heat, objection
        if not told:
            skin = "" if heat.skin_c is None else f", skin {heat.skin_c:.1f} °C"
            note(f"the phone is warm ({objection}{skin}); waiting up to {limit_s:.0f} s for it to cool")
            told = True
        time.sleep(min(poll_s, left))
