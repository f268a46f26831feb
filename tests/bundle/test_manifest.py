"""The manifest as JSON: equal after a round trip, and every damage refused with the place where it is."""

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmpsam_mobile.bundle import SCHEMA, FileEntry, Recipe, to_json
from rmpsam_mobile.bundle.manifest import manifest_from_json
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError, UnsupportedError
from tests.bundle.manifests import make_manifest

TEXT = st.text(max_size=12)
WHOLE = st.integers(0, 2**53)
Place = tuple[str | int, ...]


def document() -> dict[str, Any]:
    """A manifest as an app would read it."""
    read: dict[str, Any] = json.loads(json.dumps(to_json(make_manifest())))
    return read


def test_round_trip_keeps_everything() -> None:
    assert manifest_from_json(document(), "manifest.json") == make_manifest()


@given(
    files=st.dictionaries(TEXT, st.builds(FileEntry, sha256=TEXT, size_bytes=WHOLE), max_size=4),
    words=st.dictionaries(TEXT, TEXT, max_size=4),
    counts=st.dictionaries(TEXT, WHOLE, max_size=4),
    recipe=st.builds(Recipe, name=TEXT, calibration_sha256=st.none() | TEXT, calibration_pictures=WHOLE),
    share=st.floats(allow_nan=False, allow_infinity=False),
)
def test_round_trip_of_any_values(
    files: dict[str, FileEntry], words: dict[str, str], counts: dict[str, int], recipe: Recipe, share: float
) -> None:
    made = replace(make_manifest(), files=files, left_out=words, rewrites=counts, recipe=recipe)
    made = replace(made, contract=replace(made.contract, click_half_width=share, class_names=tuple(words)))
    text = json.dumps(to_json(made), ensure_ascii=False)
    assert manifest_from_json(json.loads(text), "manifest.json") == made


def test_a_whole_number_is_a_float_where_one_is_wanted() -> None:
    read = document()
    read["contract"]["mean"] = [124, 116, 104]
    assert manifest_from_json(read, "m").contract.mean == (124.0, 116.0, 104.0)


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where every value of a document is: keys and indices from the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*place, key)
        yield from places(item, (*place, key))


PLACES = list(places(document()))
FREE = {"graphs", "rewrites", "left_out", "versions", "lowest_runtime", "licences", "files"}  # mappings by any name


def is_field(place: Place) -> bool:
    """Whether the last key is the field of a record, which can be neither missing nor renamed."""
    return isinstance(place[-1], str) and (len(place) == 1 or place[-2] not in FREE)


def edited(place: Place, edit: Any) -> dict[str, Any]:
    """A document with ``edit(container, key)`` done at a place."""
    read = copy.deepcopy(document())
    container: Any = read
    for key in place[:-1]:
        container = container[key]
    edit(container, place[-1])
    return read


@pytest.mark.parametrize("place", [p for p in PLACES if is_field(p) and p != ("schema",)], ids=str)
def test_a_missing_key_is_named(place: Place) -> None:
    with pytest.raises(InputError, match=f"{place[-1]} missing or unknown; the manifest is damaged"):
        manifest_from_json(edited(place, lambda container, key: container.pop(key)), "here")


@pytest.mark.parametrize("place", sorted({p[:-1] for p in PLACES if is_field(p)}, key=str), ids=str)
def test_an_unknown_key_is_named(place: Place) -> None:
    with pytest.raises(InputError, match="colour missing or unknown; the manifest is damaged") as caught:
        manifest_from_json(edited((*place, "colour"), lambda container, key: container.update({key: 1})), "here")
    assert str(caught.value).startswith("here")


@pytest.mark.parametrize("place", [p for p in PLACES if p != ("schema",)], ids=str)
def test_a_wrong_type_is_shown_with_its_place(place: Place) -> None:
    def spoil(container: Any, key: Any) -> None:
        container[key] = {"odd": 1} if not isinstance(container[key], dict) else 3.5

    with pytest.raises(InputError) as caught:
        manifest_from_json(edited(place, spoil), "here")
    message = str(caught.value)
    assert message.startswith("here.")
    assert "damaged" in message
    assert next(key for key in reversed(place) if isinstance(key, str)) in message


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_numbers_of_another_kind_are_no_integers(value: object) -> None:
    read = document()
    read["files"]["encoder.pte"]["size_bytes"] = value
    with pytest.raises(InputError, match="wanted int; the manifest is damaged"):
        manifest_from_json(read, "here")


def test_an_unknown_target_lists_the_known_ones() -> None:
    read = document()
    read["graphs"]["encoder"]["target"] = "tpu"
    with pytest.raises(InputError) as caught:
        manifest_from_json(read, "here")
    assert str(caught.value) == (
        "here.graphs.encoder.target is 'tpu'; known: xnnpack, portable, coreml, coreml-package, vulkan, qnn, onnx; "
        "the manifest is damaged or newer"
    )


@pytest.mark.parametrize("side", [0, 48, 4096])
def test_a_size_that_no_model_has_is_refused(side: int) -> None:
    read = document()
    read["contract"]["sizes"]["size"] = [side, 96]
    with pytest.raises(InputError, match=f"size {side}x96: {side} is no multiple of 32 from 32 to 2048"):
        manifest_from_json(read, "here")


@pytest.mark.parametrize("schema", [SCHEMA + 1, 99])
def test_a_future_schema_is_unsupported(schema: int) -> None:
    with pytest.raises(UnsupportedError) as caught:
        manifest_from_json(document() | {"schema": schema, "new": 1}, "b/manifest.json")
    assert caught.value.exit_code == 4
    assert str(caught.value) == (
        f"b/manifest.json has schema {schema}; this version reads up to {SCHEMA}; "
        "update rmpsam-mobile, or export it again"
    )


@pytest.mark.parametrize("schema", [0, -1, None, "1", 1.5])
def test_a_past_or_odd_schema_is_no_manifest(schema: object) -> None:
    with pytest.raises(InputError) as caught:
        manifest_from_json(document() | {"schema": schema}, "here")
    assert str(caught.value) == (f"here has schema {schema!r}; wanted {SCHEMA}; it is no bundle's manifest, or damaged")


@pytest.mark.parametrize("value", [None, [], 3, "text", {}])
def test_what_is_no_manifest_at_all(value: object) -> None:
    with pytest.raises(InputError, match="here has schema None; wanted 2"):
        manifest_from_json(value, "here")


def test_shares_of_nothing_are_zero() -> None:
    delegation = make_manifest().graphs[Graph.ENCODER].delegation
    assert (delegation.operator_share, delegation.mac_share) == (7 / 9, 0.9)
    empty = replace(delegation, operators_delegated=0, operators_total=0, macs_delegated=0, macs_total=0)
    assert (empty.operator_share, empty.mac_share) == (0.0, 0.0)
