"""A measurement on an iPhone: Apple's tools carry, the app measures, this Mac judges again."""

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rmpsam_mobile.bench.android.session import Outcome
from rmpsam_mobile.bench.ios import steps
from rmpsam_mobile.bench.ios.devicectl import Device, Devicectl, choose_device
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.report import blank_report, bundle_facts
from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.bench.verdict import judge
from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import DeviceError, InputError, UnsupportedError

UNITS: Final = ("all", "cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine")
LOADS: Final = 3
_DONE: Final = re.compile(r"^RMPSAM_BENCH_(DONE|FAILED) (.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class IosWishes:
    """Which graphs (None for all that the app runs), by which units, on which phone; ``app`` is a built one.

    Raises:
        InputError: units that Core ML does not know, an app that is not there.
    """

    graphs: tuple[Graph, ...] | None = None
    udid: str | None = None
    app: Path | None = None
    team: str | None = None
    units: str = "all"
    strict: bool = False
    limit_s: float = 300.0
    record: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.units not in UNITS:
            raise InputError(f"--units {self.units!r}; known: {', '.join(UNITS)}")
        if self.app is not None and not self.app.is_dir():
            raise InputError(f"{self.app}: no such app; give the .app folder that Xcode built, or leave --app away")


def request(bundle: Bundle, wishes: IosWishes, protocol: Protocol) -> dict[str, Any]:
    """What the app is asked: ``rmpsam.bench-request/1``."""
    return {
        "schema": "rmpsam.bench-request/1",
        "bundle": f"bundle/{_name(bundle)}",
        "graphs": None if wishes.graphs is None else [str(graph) for graph in wishes.graphs],
        "rounds": protocol.rounds,
        "warmup": protocol.warmup,
        "runs": protocol.runs,
        "min_round_s": protocol.min_round_s,
        "max_round_s": protocol.max_round_s,
        "cooldown_s": protocol.cooldown_s,
        "loads": LOADS,
        "compute_units": wishes.units,
        "strict": wishes.strict,
    }


def planned_commands(bundle: Bundle, wishes: IosWishes, protocol: Protocol) -> list[str]:  # noqa: ARG001 - as on Android
    """Command lines in order; what only the Mac and the phone can tell stands as names in capitals."""
    import shlex

    lines = [steps.find_devicectl(), steps.xcode_version(), steps.list_devices()]
    if wishes.app is None:
        lines.append(
            steps.build(
                next(iter(_projects()), Path("demo_ios/PROJECT.xcodeproj")),
                wishes.udid or "UDID",
                "DERIVED_DATA",
                wishes.team,
            )
        )
    device, app = "DEVICE", str(wishes.app or "APP")
    lines += [
        steps.install(device, app),
        steps.copy_to(device, "STAGED/bundle", "APP_ID", "Documents/bundle"),
        steps.launch(device, "APP_ID"),
        steps.copy_from(device, "APP_ID", "report.json"),
    ]
    return [shlex.join(line) for line in lines]


def bench_on_ios(
    bundle: Bundle,
    wishes: IosWishes,
    protocol: Protocol,
    note: Callable[[str], None] = lambda _: None,
    *,
    platform: str = sys.platform,
) -> Outcome:
    """Measure a bundle on the iPhone behind this Mac.

    Args:
        bundle: opened.
        wishes: what to measure, and where.
        protocol: rounds and runs; the app rests between them by itself.
        note: hears every command line.
        platform: of this computer; a parameter so that it can be tried elsewhere.

    Returns:
        One report, or a failed one with its error.

    Raises:
        MissingExtraError: no Mac, or no Xcode.
        DeviceError: no iPhone that can be used.
    """
    tools = Devicectl(note, wishes.record)
    tools.require(platform)
    found = tools.call(steps.list_devices, "listing devices")
    device = choose_device(found.answer, wishes.udid)
    blank = blank_report("ios", bundle, protocol)
    try:
        report = _measure(tools, bundle, wishes, protocol, device)
    except (DeviceError, UnsupportedError, InputError) as error:
        blank["target"].update(_target(device))
        blank.update(status="failed", reasons=[str(error)])
        return Outcome([blank], error)
    report["tool"], report["target"] = blank["tool"], report["target"] | _target(device)
    if report["bundle"]["manifest_sha256"] != blank["bundle"]["manifest_sha256"]:
        report["reasons"].append("wrong-file")
    judge(report, bundle.manifest, strict=wishes.strict)
    return Outcome([report], None)


def _measure(tools: Devicectl, bundle: Bundle, wishes: IosWishes, protocol: Protocol, device: Device) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        app = wishes.app or _build(tools, wishes, device, folder / "derived")
        installed = tools.call(
            lambda file: steps.install(device.identifier, str(app), file), "installing the app", 600.0
        )
        app_id = _app_id(installed.answer)
        staged = folder / "bundle"
        shutil.copytree(bundle.folder, staged / _name(bundle))
        (staged / "request.json").write_text(json.dumps(request(bundle, wishes, protocol)), encoding="utf-8")
        tools.call(
            lambda file: steps.copy_to(device.identifier, str(staged), app_id, "Documents/bundle", file),
            "copying the bundle to the phone",
            30.0 + bundle.size_bytes / 2**20,
        )
        graphs = len(wishes.graphs or bundle.manifest.graphs)
        longest = wishes.limit_s + protocol.rounds * (protocol.cooldown_s + graphs * protocol.max_round_s)
        ran = tools.call(lambda file: steps.launch(device.identifier, app_id, file), "measuring", longest)
        wanted = _digest(ran.out)
        target = folder / "report.json"
        tools.call(lambda file: steps.copy_from(device.identifier, app_id, str(target), file), "fetching the report")
        return _read(target, wanted)


def _build(tools: Devicectl, wishes: IosWishes, device: Device, derived: Path) -> Path:
    command = steps.build(_project(), device.udid, str(derived), wishes.team)
    tools.run(command, "building the app", 1800.0)
    apps = sorted(derived.glob("Build/Products/Release-iphoneos/*.app"))
    if not apps:
        raise DeviceError("building the app: Xcode left no .app; build it in Xcode and give it with --app")
    return apps[0]


def _projects() -> list[Path]:
    return sorted(Path("demo_ios").glob("*.xcodeproj"))


def _project() -> Path:
    found = _projects()
    if not found:
        raise InputError(
            "there is no demo_ios project here; run this in the repository's folder, or give a built --app"
        )
    return found[0]


def _app_id(answer: dict[str, Any]) -> str:
    try:
        return str(answer["result"]["installedApplications"][0]["bundleID"])
    except (KeyError, IndexError, TypeError):
        raise DeviceError("installing the app: devicectl told no bundle ID; install the app with Xcode once") from None


def _digest(out: str) -> str:
    """The hash that the app printed for its report."""
    said = _DONE.findall(out)
    if not said:
        raise DeviceError("the app ended without a word; unlock the phone, leave the app in front, then run again")
    kind, text = said[-1]
    if kind == "FAILED":
        raise DeviceError(f"the app failed: {text}")
    return str(text)


def _read(file: Path, wanted: str) -> dict[str, Any]:
    raw = file.read_bytes() if file.is_file() else b""
    if hashlib.sha256(raw).hexdigest() != wanted:
        raise DeviceError(
            f"the report that was fetched ({len(raw)} bytes) is not the one that the app wrote; run again"
        )
    try:
        return check_report(json.loads(raw), "the app's report")
    except (ValueError, InputError) as error:
        raise DeviceError(f"the app wrote no report ({str(error)[:120]}); install the app of this version") from None


def _target(device: Device) -> dict[str, Any]:
    digest = hashlib.sha256(device.udid.encode()).hexdigest()[:16]
    known = {"model": device.model, "os": device.os}
    return {"kind": "ios", "link": "devicectl", "serial_hash": digest} | {k: v for k, v in known.items() if v}


def _name(bundle: Bundle) -> str:
    """A folder's name that any file system takes."""
    return f"bundle_{bundle_facts(bundle)['manifest_sha256'][:16]}"
