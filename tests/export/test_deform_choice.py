"""Which form a deformable layer takes, with and without an audit."""

import pytest

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.export.deform_choice import choose_forms
from rmpsam_mobile.export.deform_forms import DeformForm, exact_choice
from rmpsam_mobile.export.offset_audit import BoundEffect, LayerOffsets, OffsetAudit
from tests.models import preset_model, small_model

PATHS = [f"encoder.neck.deconv.deform_conv{i}.dcn" for i in (1, 2, 3)]


def seen(*errors: float) -> OffsetAudit:
    """An audit in which every layer loses so much at radius 1, 2, 3, 4."""
    bounds = tuple(BoundEffect(radius, error / 2, error) for radius, error in enumerate(errors, 1))
    layers = tuple(
        LayerOffsets(path, 8, 4, (2, 2), None, 3.0, (), (), (0.25,) * 18, (0.5,) * 9, bounds) for path in PATHS
    )
    return OffsetAudit("small", (64, 64), 1, "", layers)


@pytest.mark.parametrize(
    ("limit", "form", "radius"),
    [(None, "gather", 0), (1.0, "bounded", 1), (0.5, "bounded", 1), (0.0, "bounded", 1), (2.0, "gather", 0)],
)
def test_a_clamp_makes_bounded_exact_unless_gathers_are_cheaper(limit: float | None, form: str, radius: int) -> None:
    choice = exact_choice(limit)
    assert (choice.form, choice.radius, choice.exact) == (form, radius, True)


def test_without_an_audit_the_model_decides() -> None:
    assert {c.form for c in choose_forms(small_model()).values()} == {DeformForm.GATHER}
    mobile = choose_forms(preset_model("rmpsam-mobile-tiny"))
    assert list(mobile) == PATHS
    assert {(c.form, c.radius, c.exact) for c in mobile.values()} == {(DeformForm.BOUNDED, 1, True)}


@pytest.mark.parametrize(
    ("errors", "threshold", "form", "radius"),
    [
        ((1e-4, 0, 0, 0), 1e-3, "bounded", 1),
        ((1e-2, 1e-4, 0, 0), 1e-3, "gather", 0),  # radius 2 costs more than gathers
        ((1.0, 1.0, 1.0, 0.5), 1e-3, "gather", 0),
        ((0, 0, 0, 0), 0.0, "gather", 0),  # pictures prove no bound
    ],
)
def test_auto_takes_the_cheapest_under_the_threshold(
    errors: tuple[float, ...], threshold: float, form: str, radius: int
) -> None:
    for choice in choose_forms(small_model(), audit=seen(*errors), threshold=threshold).values():
        assert (choice.form, choice.radius, choice.exact) == (form, radius, form == "gather")


@pytest.mark.parametrize(("errors", "radius"), [((1.0, 1e-4, 0, 0), 2), ((1.0, 1.0, 1.0, 1.0), 4)])
def test_bounded_on_request_takes_the_smallest_radius_that_fits(errors: tuple[float, ...], radius: int) -> None:
    for choice in choose_forms(small_model(), DeformForm.BOUNDED, seen(*errors)).values():
        assert (choice.form, choice.radius, choice.exact) == (DeformForm.BOUNDED, radius, False)
    assert "of the layer's output" in choice.because


def test_static_on_request_takes_the_means_and_says_what_it_needs() -> None:
    for choice in choose_forms(small_model(), DeformForm.STATIC, seen(0, 0, 0, 0)).values():
        assert (choice.mean_offsets, choice.mean_modulation) == ((0.25,) * 18, (0.5,) * 9)
        assert (choice.exact, choice.because) == (False, "asked for; needs distillation")


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (DeformForm.BOUNDED, f"{PATHS[0]} has no clamp, so its radius must be measured; add --audit-data PICTURES"),
        (DeformForm.STATIC, f"the static form of {PATHS[0]} needs mean offsets; add --audit-data PICTURES"),
    ],
)
def test_what_needs_an_audit_says_so(form: DeformForm, message: str) -> None:
    with pytest.raises(InputError) as caught:
        choose_forms(small_model(), form)
    assert str(caught.value) == message


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        choose_forms(small_model(), threshold=-1)
    assert str(caught.value) == "an error threshold of -1; at least 0; try 0.001"
