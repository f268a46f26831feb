"""A bundle put where the sample app finds it: copied beside its place, hashed there, then renamed."""

import shlex
from collections.abc import Callable

from rmpsam_mobile.bench.android import commands
from rmpsam_mobile.bench.android.adb import Adb
from rmpsam_mobile.bench.android.files import copies, hashes, make_folders, push_all, wrong_files
from rmpsam_mobile.bench.android.phone import meet
from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.errors import DeviceError, InputError


def place_of(bundle: Bundle, app: str) -> str:
    """The folder on the phone; the app lists what is in ``models``."""
    return f"/sdcard/Android/data/{app}/files/models/{_name(bundle)}"


def install_plan(bundle: Bundle, app: str) -> list[str]:
    """Every command line, in order."""
    place = place_of(bundle, app)
    part, files = _part(place), copies(bundle, {})
    lines = [commands.PROPERTIES, commands.CORES, commands.MEMORY, commands.package(app), _exists(place)]
    said = ["adb devices -l", *(f"adb shell {shlex.quote(line)}" for line in lines)]
    said.append(f"adb shell {shlex.quote(make_folders(part, [name for _, name in files], top=_top(place)))}")
    said += [f"adb push {shlex.quote(str(path))} {part}/{name}" for path, name in files]
    ends = (commands.open_up(part), commands.sums(part), _swap(part, place))
    return said + [f"adb shell {shlex.quote(line)}" for line in ends]


def install_on_android(
    bundle: Bundle, app: str, serial: str | None, said: Callable[[str], None], *, force: bool = False
) -> str:
    """Copy a bundle into the app's own files.

    Args:
        bundle: opened.
        app: package of the installed app.
        serial: which phone, where there are several.
        said: hears every command line.
        force: replace a bundle of the same name.

    Returns:
        The folder on the phone.

    Raises:
        DeviceError: no phone, no app, full storage, a copy that is not the bundle's.
        InputError: a bundle of that name is there already.
    """
    adb = Adb.connect(serial, said)
    meet(adb, app)
    place = place_of(bundle, app)
    part = _part(place)
    if adb.shell(_exists(place), doing="looking for the bundle on the phone").code == 0 and not force:
        raise InputError(f"{place} is on the phone already; replace it with --force")
    try:
        push_all(adb, copies(bundle, {}), part, top=_top(place))
        wrong = wrong_files(bundle, hashes(adb, part))
        if wrong:
            raise DeviceError(f"{', '.join(wrong)}: the copy on the phone is not the bundle's; run again")
    except DeviceError:
        _clean(adb, part)
        raise
    adb.shell(_swap(part, place), doing="renaming the copy")
    return place


def _clean(adb: Adb, part: str) -> None:
    """Remove half a copy; where the phone is gone, the app does not list it: its name begins with a dot."""
    try:
        adb.shell(f"rm -rf {part}", doing="removing the copy")
    except DeviceError:
        return


def _name(bundle: Bundle) -> str:
    name = bundle.folder.resolve().name.removesuffix(".bundle")
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in name).lstrip(".") or "bundle"


def _part(place: str) -> str:
    top, _, name = place.rpartition("/")
    return f"{top}/.{name}.part"


def _top(place: str) -> str:
    return place.rpartition("/")[0]


def _exists(place: str) -> str:
    return f"test -e {place}"


def _swap(part: str, place: str) -> str:
    return f"rm -rf {place} && mv {part} {place}"
