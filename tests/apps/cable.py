"""Scripted phones behind Debian's real ``adb``, and calls of ``bench`` on them."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Graph
from tests.apps.tools import debian_program
from tests.bench.adb_peer import AdbPeer
from tests.bench.scripted_app import ScriptedApp
from tests.bench.scripted_phone import ScriptedPhone
from tests.bench.slim_bundle import slim_bundle
from tests.bundles import Made
from tests.bundles import made as made
from tests.cli.calls import Cli, Result
from tests.cli.calls import cli as cli


@dataclass
class Cable:
    """A scripted phone that adb has connected to, and calls of ``bench`` on it."""

    phone: ScriptedPhone
    app: ScriptedApp
    peer: AdbPeer
    bundle: Bundle
    cli: Cli

    def bench(self, *options: str, bundle: Bundle | None = None) -> Result:
        """Two rounds, little patience for heat."""
        chosen = (bundle or self.bundle).folder
        short = ["--rounds", "2", "--cooldown", "0.2", "--serial", self.peer.serial]
        return self.cli("bench", chosen, "--on", "android", *short, "--json", *options)

    def assert_untouched(self) -> None:
        """Settings as before, copies gone, the app not running; a phone without its cable may take a moment."""
        end = time.monotonic() + 5
        while time.monotonic() < end and not self._is_untouched():
            time.sleep(0.02)
        assert self.phone.settings == {"stay_on_while_plugged_in": "0", "low_power": self.phone.settings["low_power"]}
        assert self._is_untouched()

    def _is_untouched(self) -> bool:
        folder = self.phone.root / "data/local/tmp/rmpsam"
        return self.phone.settings["stay_on_while_plugged_in"] == "0" and not any(folder.glob("*"))

    def runner(self, place: Path) -> str:
        """A native program, which is a script here."""
        file = place / "runner"
        file.write_text('#!/bin/sh\nexec scripted-runner "$@"\n')
        return str(file)


@pytest.fixture(scope="module")
def adb_port() -> Iterator[int]:
    """A server of adb's own for these tests."""
    debian_program("adb", "adb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "ANDROID_ADB_SERVER_PORT": str(port), "HOME": home}
        yield port
        subprocess.run(["adb", "kill-server"], env=environment, capture_output=True, check=False)


@pytest.fixture(scope="module")
def encoder_only(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return slim_bundle(made.opened, tmp_path_factory.mktemp("slim") / "slim.bundle", [Graph.ENCODER])


@pytest.fixture(scope="module")
def pair(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    graphs = [Graph.ENCODER, Graph.PROMPTS]
    return slim_bundle(made.opened, tmp_path_factory.mktemp("pair") / "pair.bundle", graphs)


@pytest.fixture
def cables(
    adb_port: int, encoder_only: Bundle, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Cable]]:
    """Plugs phones in."""
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb_port))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT", "ANDROID_SERIAL"):
        monkeypatch.delenv(name, raising=False)
    plugged: list[Cable] = []

    def plug(*, authorised: bool = True) -> Cable:
        root = tmp_path / f"phone{len(plugged)}"
        root.mkdir()
        phone, app = ScriptedPhone(root), ScriptedApp(root)
        phone.app, phone.runner = app.instrument, app.native
        peer = AdbPeer(root, phone.tools, authorised=authorised)
        plugged.append(Cable(phone, app, peer, encoder_only, cli))
        adb("connect", peer.serial)
        return plugged[-1]

    yield plug
    for cable in plugged:
        cable.peer.unplug()
        adb("disconnect", cable.peer.serial)
        cable.phone.close()


@pytest.fixture
def cable(cables: Callable[..., Cable]) -> Cable:
    return cables()


def adb(*arguments: str) -> str:
    return subprocess.run(["adb", *arguments], capture_output=True, text=True, timeout=20, check=False).stdout


def error_of(done: Result) -> str:
    """The last line, which is the message; notes may stand before it."""
    return done.err.splitlines()[-1].removeprefix("ERROR ")


def heat_after(look: int, status: int, skin: float) -> Callable[[int], tuple[int, float]]:
    """Calm until a look at the temperature, then not."""
    return lambda now: (0, 34.0) if now <= look else (status, skin)


def phone(**changes: Any) -> Callable[[Cable], None]:
    def change(cable: Cable) -> None:
        for name, value in changes.items():
            if isinstance(value, dict):
                getattr(cable.phone, name).update(value)
            else:
                setattr(cable.phone, name, value)

    return change


def app(**changes: Any) -> Callable[[Cable], None]:
    def change(cable: Cable) -> None:
        for name, value in changes.items():
            setattr(cable.app, name, value)

    return change
