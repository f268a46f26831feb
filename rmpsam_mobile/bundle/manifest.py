"""The manifest: the JSON contract between Python and the apps. It has a schema version."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from rmpsam_mobile.contracts import Graph, GraphSpec, ModelContract, Size, Target, TensorSpec
from rmpsam_mobile.errors import InputError, UnsupportedError

SCHEMA: Final = 2  # 2: queries may be wider than mask features


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """An operator that the delegate did not take: how often, and its share of the graph's multiply-adds."""

    operator: str
    count: int
    mac_share: float


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """How much of a graph the delegate took, by operators and by multiply-adds, and what it left, by name."""

    delegate: str
    subgraphs: int
    operators_delegated: int
    operators_total: int
    macs_delegated: int
    macs_total: int
    leftovers: tuple[Leftover, ...] = ()

    @property
    def operator_share(self) -> float:
        """Delegated share of the operators, 0..1."""
        return self.operators_delegated / max(self.operators_total, 1)

    @property
    def mac_share(self) -> float:
        """Delegated share of the multiply-adds, 0..1."""
        return self.macs_delegated / max(self.macs_total, 1)


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One lowered graph: its file or folder below the bundle, its border, and what is known of it."""

    path: str
    graph: Graph
    target: Target
    precision: str
    size_bytes: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    delegation: Delegation
    planned_memory_bytes: int | None = None  # without the delegate's own workspace; None where the engine does not tell

    @property
    def spec(self) -> GraphSpec:
        """The border as a GraphSpec."""
        return GraphSpec(graph=self.graph, inputs=self.inputs, outputs=self.outputs)


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """Hash and length of one file of the bundle."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How weights and activations are stored: ``fp32``, ``fp16`` or a quantization recipe with its calibration."""

    name: str
    calibration_sha256: str | None = None
    calibration_pictures: int = 0


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """All that an app reads. ``files`` lists every file but the manifest, ``left_out`` every graph that is not here."""

    name: str
    contract: ModelContract
    checkpoint_sha256: str
    graphs: Mapping[str, Artifact]
    rewrites: Mapping[str, int]
    recipe: Recipe
    left_out: Mapping[str, str]
    versions: Mapping[str, str]
    lowest_runtime: Mapping[str, str]
    licences: Mapping[str, str]
    golden_source: str  # who made the golden outputs: the "files" themselves, or "eager" where they cannot run
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    schema: int = SCHEMA


def to_json(value: Any) -> Any:
    """Turn a manifest, or any part of it, into plain JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value


def manifest_from_json(document: Any, where: str) -> Manifest:
    """Read a manifest.

    Raises:
        UnsupportedError: a newer schema.
        InputError: a key is missing, unknown or of the wrong type; ``where`` names the file.
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise UnsupportedError(
            f"{where} has schema {schema}; this version reads up to {SCHEMA}; update rmpsam-mobile, or export it again"
        )
    if schema != SCHEMA:
        raise InputError(f"{where} has schema {schema!r}; wanted {SCHEMA}; it is no bundle's manifest, or damaged")
    manifest: Manifest = _read(Manifest, document, where)
    return manifest


def _read(kind: Any, value: Any, where: str) -> Any:
    """Read ``value`` as the annotated type ``kind``: dataclasses, mappings, tuples, unions, scalars."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _read(arguments[0], value, where)
    if origin is tuple:
        items = _expect(list, value, where)
        kinds = [arguments[0]] * len(items) if arguments[-1] is Ellipsis else arguments
        if len(kinds) != len(items):
            raise InputError(f"{where} holds {len(items)} values; wanted {len(kinds)}; the manifest is damaged")
        return tuple(_read(k, item, f"{where}[{i}]") for i, (k, item) in enumerate(zip(kinds, items, strict=True)))
    if origin is not None and issubclass(origin, Mapping):
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in _expect(dict, value, where).items()}
    if kind is Size:
        return Size(*_read(tuple[int, int], value, where))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise InputError(f"{where} is {value!r}; known: {', '.join(kind)}; the manifest is damaged or newer")
        return kind(value)
    return _expect(kind, value, where)


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    given = _expect(dict, value, where)
    hints = typing.get_type_hints(kind)
    required = {f.name for f in dataclasses.fields(kind)}
    if given.keys() != required:
        wrong = sorted(given.keys() ^ required)
        raise InputError(f"{where}: {', '.join(wrong)} missing or unknown; the manifest is damaged")
    return kind(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in given.items()})


def _expect(kind: type, value: Any, where: str) -> Any:
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise InputError(f"{where} is {value!r:.60}; wanted {kind.__name__}; the manifest is damaged")
    return value
