"""A measurement on a phone, from the first question to the last, with everything put back at its end."""

import contextlib
import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rmpsam_mobile.bench.android import commands, native
from rmpsam_mobile.bench.android.adb import Adb
from rmpsam_mobile.bench.android.collect import Collector
from rmpsam_mobile.bench.android.conditions import BUSY, Heat, too_warm_to_go_on, too_warm_to_start
from rmpsam_mobile.bench.android.files import copies, folder_of, hashes, push_all, wrong_files
from rmpsam_mobile.bench.android.guard import guarded
from rmpsam_mobile.bench.android.identity import big_cores, mask_of
from rmpsam_mobile.bench.android.instrumentation import parse_instrumentation, report_of
from rmpsam_mobile.bench.android.phone import Phone, State, heat_of, is_screen_on, look, meet, wait_until
from rmpsam_mobile.bench.android.wishes import PhoneWishes, thread_counts
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.report import blank_report, now
from rmpsam_mobile.bench.verdict import LOW_BATTERY, judge
from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import RmpSamError


class Outcome(NamedTuple):
    """A report for each number of threads, and what broke the measurement off; None where nothing did."""

    reports: list[dict[str, Any]]
    error: RmpSamError | None


@dataclass(frozen=True)
class Listener:
    """Who hears of command lines before they run, of notes for a person, and of calls that are done."""

    said: Callable[[str], None] = field(default=lambda _: None)
    note: Callable[[str], None] = field(default=lambda _: None)
    progress: Callable[[int], None] = field(default=lambda _: None)


class _Refused(Exception):  # noqa: N818 - not an error: it ends the measurement with a refused report
    """A reason not to go on, as a code."""


def bench_on_android(bundle: Bundle, wishes: PhoneWishes, protocol: Protocol, listener: Listener) -> Outcome:
    """Measure a bundle on the phone behind ``adb``.

    Args:
        bundle: opened, made for ExecuTorch.
        wishes: what to measure, and by which runner.
        protocol: rounds and runs.
        listener: hears what happens.

    Returns:
        Reports whose status is ``ok``, ``refused`` or ``failed``; with the last comes the error.

    Raises:
        DeviceError: no phone that can be used; nothing was measured or changed.
        UnsupportedError: its Android is too old.
        MissingExtraError: there is no ``adb``.
    """
    adb = Adb.connect(wishes.serial, listener.said)
    phone = meet(adb, None if wishes.runner else wishes.app)
    return _Session(adb, bundle, wishes, protocol, listener).run(phone)


class _Session:
    def __init__(self, adb: Adb, bundle: Bundle, wishes: PhoneWishes, protocol: Protocol, listener: Listener) -> None:
        self.adb, self.bundle, self.wishes, self.protocol, self.listener = adb, bundle, wishes, protocol, listener
        self.began = time.monotonic()
        self.first = blank_report("android", bundle, protocol)
        self.report = self.first
        self.folder = folder_of(self.first["bundle"]["manifest_sha256"])

    def run(self, phone: Phone) -> Outcome:
        """Prepare, measure every number of threads, put everything back."""
        self.phone = phone
        done: list[dict[str, Any]] = []
        self._describe()
        try:
            self._check_state()
            with self._guard():
                self._prepare()
                for threads in thread_counts(self.wishes.threads, phone.cores):
                    self.report = self._next_report(threads)
                    done.append(self.report)
                    self._measure(threads)
        except _Refused as refusal:
            self.report["reasons"].append(str(refusal))
        except RmpSamError as error:
            self.report.update(status="failed", reasons=[str(error)], finished=now())
            return Outcome(self._judged(done or [self.report]), error)
        return Outcome(self._judged(done or [self.report]), None)

    def _judged(self, reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for report in reports:
            if report["status"] != "failed":
                flags = {"strict": self.wishes.strict, "allow_emulator": self.wishes.allow_emulator}
                judge(report, self.bundle.manifest, **flags)
        return reports

    def _describe(self) -> None:
        self.first["target"].update(self.phone.target_json(self.adb.serial))
        runner = self.first["runner"]
        runner["kind"], runner["id"] = ("native", "runner") if self.wishes.runner else ("app", self.wishes.app)
        if self.phone.app:
            runner.update(version=self.phone.app.version, debuggable=self.phone.app.debuggable)

    def _check_state(self) -> None:
        """Refuse what no waiting mends, before anything on the phone is touched."""
        cores = len(self.phone.cores) if self.phone.cores else None
        self.state = look(self.adb, cores)
        self._see(self.state.heat)
        conditions = self.first["conditions"]
        conditions.update(
            power=self.state.battery.power,
            battery_percent=self.state.battery.percent,
            power_saver=self.state.saver,
            clocks="fixed" if self.wishes.fixed_clocks else "governor",
        )
        if self.state.load is not None and self.state.load > BUSY:
            self.first["warnings"].append("background-load")
        refusal = self._refusal(self.state)
        if refusal:
            raise _Refused(refusal)

    def _refusal(self, state: State) -> str | None:
        percent = state.battery.percent
        found = {
            "emulator": self.phone.identity.emulated and not self.wishes.allow_emulator,
            "power-saver": state.saver,
            "low-battery": percent is not None and percent < LOW_BATTERY,
            "thermal-override": state.heat.is_override,
            "no-thermal-data": state.heat.status is None and self.wishes.strict,
            "debuggable": self.wishes.strict and self.phone.app is not None and self.phone.app.debuggable,
        }
        return next((code for code, holds in found.items() if holds), None)

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """From here on things are changed on the phone; whatever happens, they are put back."""
        stay_on = self.adb.shell(commands.GET_STAY_ON, doing="reading a setting").out.strip()
        command = commands.guard(
            stay_on,
            app=None if self.wishes.runner else self.wishes.app,
            folder=None if self.wishes.keep else self.folder,
            fixed_clocks=self.wishes.fixed_clocks,
        )
        with guarded(self.adb, command, self.listener.note):
            yield

    def _prepare(self) -> None:
        """Screen, heat, files, clocks; each may refuse."""
        adb, app = self.adb, None if self.wishes.runner else self.wishes.app
        adb.shell(commands.HOLD_SCREEN, doing="holding the screen on")
        adb.shell(commands.WAKE, doing="waking the screen")
        self.first["conditions"]["screen_on"] = is_screen_on(adb)
        if app and self.first["conditions"]["screen_on"] is False:
            raise _Refused("screen-off")
        self.start = self._cool_down(lambda heat: too_warm_to_start(heat, self.state.battery))
        with tempfile.TemporaryDirectory() as temporary:
            extra: dict[str, Path] = {}
            if self.wishes.runner:
                native.write_inputs(self.bundle, Path(temporary))
                extra = {name: Path(temporary, name) for name in native.INPUT_NAMES}
                extra["runner"] = self.wishes.runner
            push_all(adb, copies(self.bundle, extra), self.folder)
        wrong = wrong_files(self.bundle, hashes(adb, self.folder))
        for entry in self.first["bundle"]["files"]:
            entry["verified_on_device"] = entry["path"] not in wrong
        if wrong:
            self.listener.note(f"not the bundle's on the phone: {', '.join(wrong)}")
            raise _Refused("wrong-file")
        if app:
            adb.shell(commands.compile_app(app), doing="compiling the app", seconds=120.0)
        elif self.phone.identity.api >= commands.TASK_PROFILE_API:
            tried = adb.shell(commands.TRY_PROFILE, doing="asking for a task profile")
            self.first["runner"]["task_profile"] = None if tried.code else commands.TASK_PROFILE
        if self.wishes.fixed_clocks:
            adb.shell(commands.FIX_CLOCKS, doing="fixing the clocks")

    def _next_report(self, threads: int | None) -> dict[str, Any]:
        """The description of the phone with room for the figures of one setting."""
        report = copy.deepcopy(self.first)
        report["runner"]["threads"] = threads
        report["runner"]["cpu_mask"] = self._mask(threads) if self.wishes.runner else None
        return report

    def _measure(self, threads: int | None) -> None:
        collector = Collector(self.report)
        for round_ in range(self.protocol.rounds):
            began = time.monotonic()
            self._cool_down(lambda heat: too_warm_to_go_on(heat, self.start))
            self.report["protocol"]["cooldown_s"].append(round(time.monotonic() - began, 1))
            for graph in self.wishes.graphs:
                self._call(collector, graph, round_, threads)
                self.listener.progress(1)
        if self.wishes.runner:
            collector.set_checks(native.judge_outputs(self.adb, self.bundle, self.wishes.graphs, self.folder))
        collector.finish()

    def _call(self, collector: Collector, graph: Graph, round_: int, threads: int | None) -> None:
        """One process on the phone: load one graph, warm up, time it; then look at the temperature."""
        options = call_options(self.wishes, self.protocol, threads)
        doing, limit = f"timing {graph}", self.wishes.limit_s
        if self.wishes.runner:
            arguments = native.arguments(self.bundle, graph) | options
            runner = self.report["runner"]
            line = commands.native(self.folder, runner["cpu_mask"], runner["task_profile"], arguments)
            answer = self.adb.shell(line, doing=doing, seconds=limit)
            collector.add_native(graph, round_, native.parse_native(answer.out, answer.code), self._status())
            return
        arguments = {"bundle": self.folder, "graph": str(graph), **options}
        answer = self.adb.shell(commands.instrument(self.wishes.app, arguments), doing=doing, seconds=limit)
        found = parse_instrumentation(answer.out)
        healthy = found.code is not None and "report" in found.results
        log = "" if healthy else self.adb.shell(commands.LOG, doing="reading the phone's log").out
        collector.add_app(graph, round_, report_of(found, self.wishes.app, log), self._status())

    def _status(self) -> int | None:
        """The thermal status right after a call, kept in the report."""
        heat = heat_of(self.adb)
        self._see(heat)
        return heat.status

    def _cool_down(self, calm: Callable[[Heat], str | None]) -> Heat:
        heat, objection = wait_until(calm, self.adb, self.protocol.cooldown_s, self.wishes.poll_s, self.listener.note)
        self._see(heat)
        if objection:
            raise _Refused(objection)
        return heat

    def _see(self, heat: Heat) -> None:
        at_ms = round(1000 * (time.monotonic() - self.began))
        self.report["conditions"]["thermal"].append(heat.to_json(at_ms))

    def _mask(self, threads: int | None) -> str | None:
        """The big cores, where they are known and enough."""
        big = big_cores(self.phone.cores)
        return mask_of(big) if big and (threads or 1) <= len(big) else None


def call_options(wishes: PhoneWishes, protocol: Protocol, threads: int | None) -> dict[str, str | int | float]:
    """What every call of a runner is told besides its graph."""
    options: dict[str, str | int | float] = {"warmup": protocol.warmup, "runs": protocol.runs}
    if wishes.runner:
        options |= {"min-seconds": protocol.min_round_s, "max-seconds": protocol.max_round_s}
    else:
        # one round a process, so that every round has a cold load, and this computer decides on rests
        options |= {"rounds": 1, "cooldown_s": 0.0}
        options |= {"min_round_s": protocol.min_round_s, "max_round_s": protocol.max_round_s}
    return options | ({"threads": threads} if threads else {})
