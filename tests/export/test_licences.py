"""Whose terms hold for an export, and that nobody hands on by accident what may not be sold."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmpsam_mobile.checkpoint import Card, Checkpoint, import_checkpoint
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.licences import LINKS, export_command, licence_chain, require_accepted, restricted_links

FREE = {"code": "Apache-2.0", "weights": "MIT", "teacher": "none took part", "data": "CC BY 4.0"}


def test_the_shipped_student_names_teacher_and_data() -> None:
    chain = licence_chain(import_checkpoint("rmpsam-mobile-tiny"))
    assert "EfficientNet-Lite0" in chain["teacher"]
    assert "CamVid CC BY-NC 4.0" in chain["data"]
    assert restricted_links(chain) == ("weights", "data")


def test_a_hint_says_what_the_export_will_ask_for() -> None:
    restricted = export_command(Path("a.quantized"), import_checkpoint("rmpsam-mobile-tiny"), "a.bundle")
    assert restricted == "rmpsam-mobile export a.quantized --accept-licence -o a.bundle"
    free = Checkpoint(preset="small", tensors={}, card=Card(licence="MIT", kind="distilled"))
    assert export_command(Path("b"), free, "b.bundle") == "rmpsam-mobile export b -o b.bundle"


def test_what_nobody_recorded_is_unknown_and_not_free() -> None:
    checkpoint = Checkpoint(preset="small", tensors={}, card=Card(licence="MIT", kind="distilled"))
    chain = licence_chain(checkpoint)
    assert set(chain) == {*LINKS, "source"}
    assert chain["data"].startswith("unknown")
    seeded = replace(checkpoint, card=Card(kind="seeded"))
    assert licence_chain(seeded)["data"] == "none took part"


@pytest.mark.parametrize(
    "terms", ["CC BY-NC 4.0", "CC-BY-NC-SA-4.0", "non-commercial use", "Noncommercial", "research only"]
)
def test_restricted_terms_are_asked_about(terms: str) -> None:
    chain = FREE | {"teacher": terms}
    with pytest.raises(InputError) as caught:
        require_accepted(chain, accepted=False)
    message = f"not for commercial use (teacher: {terms}); if that is what you want, add --accept-licence"
    assert str(caught.value) == message
    require_accepted(chain, accepted=True)


@given(
    st.sampled_from(
        ["Apache-2.0", "MIT", "BSD-3-Clause", "CC BY 4.0", "CC0", "unknown", "synchronous", "none took part"]
    )
)
def test_free_terms_are_not(terms: str) -> None:
    require_accepted(dict.fromkeys(LINKS, terms), accepted=False)
