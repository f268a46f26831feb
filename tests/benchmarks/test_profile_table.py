"""The table of operator profiles: kinds by shapes, shares that sum to one, and the document as it was generated."""

import pytest

from benchmarks.marked_text import marked
from benchmarks.profile_table import DOCUMENT, KINDS, MARKER, kind_of, shares, stored_profiles, table_of


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("conv2d 1x3x32x32 8x3x1x1 8 -> 1x8x32x32", "1x1"),
        ("conv2d 1x8x32x32 8x1x3x3 8 -> 1x8x32x32", "depthwise"),
        ("conv2d 1x3x32x32 8x3x3x3 8 -> 1x8x32x32", "other convolutions"),
        ("conv_transpose2d 1x8x32x32 8x8x4x4 -> 1x8x64x64", "other convolutions"),
        ("bmm 4x16x16 4x16x16 -> 4x16x16", "products"),
        ("upsample_bilinear2d 1x8x32x32 -> 1x8x64x64", "resizes"),
        ("permute_copy 1x8x32x32 -> 1x32x32x8", "copies"),
        ("relu 1x8x32x32 -> 1x8x32x32", "the rest"),
        ("inputs", "the rest"),
    ],
)
def test_a_step_has_a_kind(label: str, kind: str) -> None:
    assert kind_of(label) == kind


def test_shares_are_of_the_whole() -> None:
    steps = [{"label": "inputs", "ms": 1.0}, {"label": "bmm 1x2x2 1x2x2 -> 1x2x2", "ms": 3.0}]
    found = shares(steps)
    assert list(found) == list(KINDS)
    assert (found["products"], found["the rest"], sum(found.values())) == (0.75, 0.25, 1.0)


def test_the_document_holds_the_stored_profiles() -> None:
    profiles = stored_profiles()
    assert len(profiles) >= 6
    assert marked(DOCUMENT.read_text(encoding="utf-8"), MARKER) == table_of(profiles)
