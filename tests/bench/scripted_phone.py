"""A phone that follows a script: its tools answer from its state, its app runs real ``.pte`` files.

Tools are tiny programs on the peer's PATH that ask this process; so a test sees every call and can change the phone at
any of them. Times come from a seeded series, because the machine of a test is no quiet phone; outputs are real.
"""

import json
import os
import socket
import socketserver
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.bench import phone_texts as texts

TOOLS: Final = (
    "getprop",
    "dumpsys",
    "settings",
    "cmd",
    "am",
    "pm",
    "input",
    "wm",
    "logcat",
    "settaskprofile",
    "scripted-runner",
)
_STUB: Final = """#!{python} -IS
import json, os, socket, sys
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
link.sendall((json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:], os.getcwd()]) + "\\n").encode())
answer = json.loads(link.makefile().readline() or '[1, "", ""]')
sys.stdout.write(answer[1])
sys.stderr.write(answer[2])
sys.stdout.flush()
if answer[0] < 0:
    os.kill(os.getpid(), -answer[0])
sys.exit(answer[0])
"""
Answer = tuple[int, str, str]  # exit status, or minus a signal; both streams


@dataclass
class ScriptedPhone:
    """State and script; the defaults are a calm phone of 8 cores with the app installed."""

    root: Path
    properties: dict[str, str] = field(default_factory=lambda: dict(texts.PROPERTIES))
    settings: dict[str, str] = field(default_factory=lambda: {"stay_on_while_plugged_in": "0", "low_power": "0"})
    heat: Callable[[int], tuple[int, float]] = lambda _: (0, 34.0)  # look number -> status, skin in degrees
    thermal_service: bool = True
    thermal_override: bool = False
    battery: dict[str, int] = field(default_factory=lambda: {"level": 83, "temperature": 301})
    awake: bool = False
    wakes: bool = True
    locked: bool = False
    installed: bool = True
    debuggable: bool = False
    app: Callable[[dict[str, str]], str] = lambda _: ""
    runner: Callable[[dict[str, str], Path], Answer] = lambda _arguments, _folder: (1, "", "")
    log: str = ""
    task_profiles: bool = True
    calls: list[list[str]] = field(default_factory=list)
    looks: int = 0
    stopped: list[str] = field(default_factory=list)
    on_call: Callable[[list[str]], None] = lambda _: None

    def __post_init__(self) -> None:
        """Write the files that are read by path, and start answering."""
        for name, text in texts.files().items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.root / "data/local/tmp").mkdir(parents=True)
        self._home = tempfile.TemporaryDirectory(prefix="phone")  # a short path: sockets have no room for long ones
        address = os.path.join(self._home.name, "tools")  # noqa: PTH118
        self._server = _Server(address, self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.tools = self.root / "tools"
        self.tools.mkdir()
        for name in TOOLS:
            (self.tools / name).write_text(_STUB.format(python=sys.executable, address=address))
        (self.tools / "taskset").write_text('#!/bin/sh\nshift\nexec "$@"\n')
        for path in self.tools.iterdir():
            path.chmod(0o755)

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._home.cleanup()

    def answer(self, argv: list[str], folder: str) -> Answer:
        """What a tool prints."""
        self.calls.append(argv)
        self.on_call(argv)
        tool, rest = argv[0], argv[1:]
        if tool == "scripted-runner":
            pairs = dict(zip(rest[::2], rest[1::2], strict=True))
            return self.runner({key.removeprefix("--"): value for key, value in pairs.items()}, Path(folder))
        if tool == "settaskprofile":
            return (0, "", "") if self.task_profiles else (1, "", "no such profile\n")
        tools: dict[str, Callable[[], str]] = {
            "getprop": lambda: texts.getprop(self.properties),
            "dumpsys": lambda: self._dumpsys(rest),
            "settings": lambda: self._settings(rest),
            "am": lambda: self._am(rest),
            "input": self._wake,
            "logcat": lambda: self.log,
        }
        return (0, tools.get(tool, lambda: "Success\n")(), "")

    def _dumpsys(self, argv: list[str]) -> str:
        match argv[0]:
            case "thermalservice" if not self.thermal_service:
                return "Can't find service: thermalservice\n"
            case "thermalservice":
                self.looks += 1
                return texts.thermal(*self.heat(self.looks), override=self.thermal_override)
            case "battery":
                return texts.battery(self.battery["level"], self.battery["temperature"])
            case "power":
                return f"Power Manager State:\n  mWakefulness={'Awake' if self.awake else 'Asleep'}\n"
            case "trust":
                locked = int(self.locked)
                return f'Trust manager state:\n User "Owner" (id=0, flags=0x13) (current): deviceLocked={locked}\n'
            case "package" if not self.installed:
                return f"Unable to find package: {argv[1]}\n"
            case "package":
                return texts.package(argv[1], debuggable=self.debuggable)
        return "Can't find service\n"

    def _settings(self, argv: list[str]) -> str:
        verb, _, key, *value = argv
        if verb == "put":
            self.settings[key] = value[0]
        elif verb == "delete":
            self.settings.pop(key, None)
        return f"{self.settings.get(key, 'null')}\n" if verb == "get" else ""

    def _am(self, argv: list[str]) -> str:
        if argv[0] == "force-stop":
            self.stopped.append(argv[1])
            return ""
        places = [i for i, word in enumerate(argv) if word == "-e"]
        return self.app({argv[i + 1]: argv[i + 2] for i in places})

    def _wake(self) -> str:
        self.awake = self.awake or self.wakes
        return ""


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, address: str, phone: ScriptedPhone) -> None:
        super().__init__(address, _Handler)
        self.phone = phone

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A tool whose other end is gone is no error here."""
        if not isinstance(sys.exception(), BrokenPipeError | ConnectionError):
            super().handle_error(request, client_address)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server, request = self.server, self.request
        assert isinstance(server, _Server)
        assert isinstance(request, socket.socket)
        root = str(server.phone.root)
        *argv, folder = json.loads(self.rfile.readline())
        code, out, err = server.phone.answer([word.replace(root, "") for word in argv], folder)
        self.wfile.write((json.dumps([code, out, err]) + "\n").encode())
