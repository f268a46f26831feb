"""Results on disk, a line a picture, so that an evaluation that was killed goes on where it stopped.

The first line binds the file to model, data and options; whatever else was measured is refused, not mixed in.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rmpsam_mobile.errors import InputError

SCHEMA = "rmpsam.results/1"


class Journal:
    """An append-only JSONL file: what was measured, then ``[place of the picture, its result]`` a line.

    Attributes:
        done: results so far by the picture's place in the set.
    """

    def __init__(self, path: Path, binding: Mapping[str, Any]) -> None:
        """Start a file, or go on with one.

        Args:
            path: it may exist.
            binding: what fixes the results, ready for JSON.

        Raises:
            InputError: the file holds results of something else, is no journal, or cannot be written.
        """
        self._path = path
        header = {"schema": SCHEMA, **binding}
        try:
            lines = self._whole_lines()
            if not lines:
                path.write_text(json.dumps(header) + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror or error}); choose another file") from None
        self.done = self._read(lines, header) if lines else {}

    def append(self, place: int, result: Any) -> None:
        """Store the result of the picture at ``place``; on disk when this returns.

        Raises:
            InputError: the disk is full, or the file cannot be written.
        """
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([place, result]) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written ({error.strerror or error}); free some space") from None

    def _whole_lines(self) -> list[str]:
        """Lines of the file; one that a kill cut off is taken away, and its picture is measured again."""
        if not self._path.exists():
            return []
        raw = self._path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw) and not raw.startswith(b'{"schema"'[: len(raw)]):
            raise InputError(f"{self._path} holds no results of an evaluation; choose another file")
        if len(whole) < len(raw):
            os.truncate(self._path, len(whole))
        return whole.decode("utf-8", "replace").splitlines()

    def _read(self, lines: list[str], header: Mapping[str, Any]) -> dict[int, Any]:
        try:
            stored = json.loads(lines[0])
            if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
                raise ValueError("no header")
            done = {int(place): result for place, result in map(json.loads, lines[1:])}
        except (ValueError, TypeError):
            raise InputError(f"{self._path} holds no results of an evaluation; choose another file") from None
        for key in dict.fromkeys((*header, *stored)):
            if stored.get(key) != header.get(key):
                raise InputError(
                    f"{self._path} holds results of another {key} ({stored.get(key)!s:.40}, not "
                    f"{header.get(key)!s:.40}); choose another file"
                )
        return done
