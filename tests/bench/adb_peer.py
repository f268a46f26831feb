"""The device's side of ``adb`` in Python: a server on loopback that Debian's own ``adb`` connects to.

Wire: 24-byte little-endian headers (command, two arguments, length, byte sum, command inverted), then the payload.
Commands run under the host's ``sh`` in a folder of their own: ``/data``, ``/sdcard``, ``/sys`` and ``/proc`` are mapped
into it, and PATH begins with the scripted tools of a phone.
"""

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

MAX_DATA: Final = 256 * 1024
_HEADER: Final = struct.Struct("<6I")
_MAPPED: Final = re.compile(r"(?<![\w./])/(data|sdcard|sys|proc)/")
_OUT, _ERR, _EXIT, _CLOSE_STDIN = 1, 2, 3, 4


def _word(name: str) -> int:
    return int.from_bytes(name.encode(), "little")


class AdbPeer:
    """One phone on 127.0.0.1; ``serial`` is what adb calls it once it is connected."""

    def __init__(self, root: Path, tools: Path, *, banner: str = "", authorised: bool = True) -> None:
        """Args: root: the phone's file system; tools: scripted programs; authorised: whether it lets adb in."""
        self.root, self.tools, self.authorised = root, tools, authorised
        self.banner = f"device::{banner}features=shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir"
        self.room = 2**40  # bytes that may still be pushed
        self.before: Callable[[str], None] = lambda _: None  # hears each service; may pull the cable
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[_Connection] = []
        self.serial = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            connection = _Connection(self, stream)
            self._connections.append(connection)
            threading.Thread(target=connection.serve, daemon=True).start()

    def unplug(self) -> None:
        """Pull the cable: nothing more is said or heard, and commands on the phone lose their other end."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._listener.close()
        for connection in self._connections:
            connection.drop()

    def inside(self, path: str) -> Path:
        """Where a path of the phone lies here."""
        return self.root / path.lstrip("/")

    def mapped(self, command: str) -> str:
        """A command line with the phone's folders mapped."""
        return _MAPPED.sub(lambda match: f"{self.root}/{match[1]}/", command)


class _Connection:
    """One transport; each stream has a thread."""

    def __init__(self, peer: AdbPeer, stream: socket.socket) -> None:
        self.peer, self.stream = peer, stream
        self.lock = threading.Lock()
        self.streams: dict[int, _Stream] = {}

    def send(self, command: str, first: int, second: int, data: bytes = b"") -> None:
        word = _word(command)
        head = _HEADER.pack(word, first, second, len(data), sum(data) & 0xFFFFFFFF, word ^ 0xFFFFFFFF)
        with self.lock, contextlib.suppress(OSError):
            self.stream.sendall(head + data)

    def serve(self) -> None:
        with contextlib.suppress(OSError, ConnectionError):
            for command, first, second, data in self._packets():
                self._handle(command, first, second, data)
        self.drop()

    def _packets(self) -> Iterator[tuple[str, int, int, bytes]]:
        while True:
            word, first, second, length, _, _ = _HEADER.unpack(self._exactly(_HEADER.size))
            yield word.to_bytes(4, "little").decode(), first, second, self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self.stream.recv(length - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def _handle(self, command: str, first: int, second: int, data: bytes) -> None:
        if command in ("CNXN", "AUTH") and not self.peer.authorised:
            self.send("AUTH", 1, 0, os.urandom(20))  # another token, whatever it was signed with
        elif command == "CNXN":
            self.send("CNXN", 0x01000001, MAX_DATA, self.peer.banner.encode())
        elif command == "OPEN":
            own = len(self.streams) + 1
            self.streams[own] = _Stream(self, own, first, data.rstrip(b"\0").decode())
            threading.Thread(target=self.streams[own].run, daemon=True).start()
        elif second in self.streams:
            self.streams[second].hear(command, data)

    def drop(self) -> None:
        with contextlib.suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)
        self.stream.close()
        for stream in list(self.streams.values()):
            stream.hear("CLSE", b"")


class _Stream:
    """One service: a shell command or file synchronisation. One WRTE is under way at a time."""

    def __init__(self, connection: _Connection, own: int, other: int, service: str) -> None:
        self.connection, self.own, self.other, self.service = connection, own, other, service
        self.peer = connection.peer
        self.granted = threading.Semaphore(1)
        self.reader, self.writer = os.pipe()
        self.closed = threading.Event()
        self.on_close: Callable[[], None] = lambda: None

    def hear(self, command: str, data: bytes) -> None:
        if command == "OKAY":
            self.granted.release()
        elif command == "WRTE":
            with contextlib.suppress(OSError):
                os.write(self.writer, data)
            self.connection.send("OKAY", self.own, self.other)
        elif command == "CLSE" and not self.closed.is_set():
            self.closed.set()
            self.granted.release()
            with contextlib.suppress(OSError):
                os.close(self.writer)
            self.on_close()

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), MAX_DATA):
            self.granted.acquire()
            if self.closed.is_set():
                return
            self.connection.send("WRTE", self.own, self.other, data[start : start + MAX_DATA])

    def exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = os.read(self.reader, length - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def run(self) -> None:
        self.connection.send("OKAY", self.own, self.other)
        self.peer.before(self.service)
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            kind, _, command = self.service.partition(":")
            if kind.startswith("shell,v2"):
                self._shell(command)
            elif kind == "sync":
                _Sync(self).serve()
        os.close(self.reader)
        self.granted.acquire(timeout=5)
        if not self.closed.is_set():
            self.connection.send("CLSE", self.own, self.other)

    def _shell(self, command: str) -> None:
        environment = {**os.environ, "PATH": f"{self.peer.tools}:{os.environ['PATH']}"}
        process = subprocess.Popen(
            ["sh", "-c", self.peer.mapped(command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.peer.root,
            env=environment,
            start_new_session=True,
        )
        assert process.stdin
        assert process.stdout
        assert process.stderr
        stdin = process.stdin

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                process.send_signal(signal.SIGHUP)
            with contextlib.suppress(OSError):
                stdin.close()

        self.on_close = hang_up
        lock = threading.Lock()
        pumps = [
            threading.Thread(target=self._pump, args=(stream, number, lock), daemon=True)
            for stream, number in ((process.stdout, _OUT), (process.stderr, _ERR))
        ]
        feeder = threading.Thread(target=self._feed, args=(stdin,), daemon=True)
        for thread in (*pumps, feeder):
            thread.start()
        for thread in pumps:
            thread.join()
        code = process.wait()
        process.stdout.close()
        process.stderr.close()
        self.write(struct.pack("<BIB", _EXIT, 1, code & 0xFF if code >= 0 else 128 - code))

    def _pump(self, source: IO[bytes], number: int, lock: threading.Lock) -> None:
        while data := os.read(source.fileno(), 65536):
            said = data.replace(str(self.peer.root).encode(), b"")
            with lock:
                self.write(struct.pack("<BI", number, len(said)) + said)

    def _feed(self, stdin: IO[bytes]) -> None:
        with contextlib.suppress(ConnectionError, OSError, ValueError):
            while True:
                number, length = struct.unpack("<BI", self.exactly(5))
                data = self.exactly(length)
                if number == _CLOSE_STDIN:
                    break
                stdin.write(data)
                stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()


class _Sync:
    """File synchronisation: STAT, STA2, LST2, SEND, RECV, QUIT."""

    def __init__(self, stream: _Stream) -> None:
        self.stream, self.peer = stream, stream.peer

    def serve(self) -> None:
        while True:
            word = self.stream.exactly(4).decode()
            (length,) = struct.unpack("<I", self.stream.exactly(4))
            if word == "QUIT":
                return
            path = self.stream.exactly(length).decode()
            if word in ("STAT", "LSTA"):
                self._stat(path)
            elif word in ("STA2", "LST2"):
                self._stat2(word, path)
            elif word == "SEND":
                self._receive(path.rpartition(",")[0])
            elif word == "RECV":
                self._give(path)
            else:
                self._fail(f"unknown {word}")

    def _stat(self, path: str) -> None:
        local = self.peer.inside(path)
        values = (local.stat().st_mode, local.stat().st_size, 0) if local.exists() else (0, 0, 0)
        self.stream.write(b"STAT" + struct.pack("<3I", *values))

    def _stat2(self, word: str, path: str) -> None:
        local = self.peer.inside(path)
        if not local.exists():
            self.stream.write(word.encode() + struct.pack("<I", 2) + b"\0" * 64)
            return
        about = local.stat()
        body = struct.pack("<IQQIIIIQqqq", 0, 1, 1, about.st_mode, 1, 0, 0, about.st_size, 0, 0, 0)
        self.stream.write(word.encode() + body)

    def _receive(self, path: str) -> None:
        local = self.peer.inside(path)
        problem = None if local.parent.is_dir() else "No such file or directory"
        parts = []
        while True:
            word = self.stream.exactly(4)
            (length,) = struct.unpack("<I", self.stream.exactly(4))
            if word == b"DONE":
                break
            data = self.stream.exactly(length)
            parts.append(data)
            self.peer.room -= length
            if self.peer.room < 0:
                problem = "No space left on device"
        if problem:
            self._fail(f"couldn't create file: {problem}")
            return
        local.write_bytes(b"".join(parts))
        self.stream.write(b"OKAY" + struct.pack("<I", 0))

    def _give(self, path: str) -> None:
        local = self.peer.inside(path)
        if not local.is_file():
            self._fail(f"open failed: No such file or directory: {path}")
            return
        raw = local.read_bytes()
        for start in range(0, len(raw), 64 * 1024):
            part = raw[start : start + 64 * 1024]
            self.stream.write(b"DATA" + struct.pack("<I", len(part)) + part)
        self.stream.write(b"DONE" + struct.pack("<I", 0))

    def _fail(self, why: str) -> None:
        self.stream.write(b"FAIL" + struct.pack("<I", len(why)) + why.encode())
