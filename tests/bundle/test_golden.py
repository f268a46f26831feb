"""The golden pair: the same everywhere, small, and a judge that lets nothing wrong through."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from rmpsam_mobile.bundle import Golden, GoldenTensor, golden_inputs, judge_golden, read_golden, record_golden
from rmpsam_mobile.bundle.golden import FILE, MAX_VALUES, Array, write_golden
from rmpsam_mobile.contracts import Graph, GraphSizes, PointLabel, Size, graph_spec
from rmpsam_mobile.errors import InputError
from tests.bundle.manifests import SIZES, make_contract

CONTRACT = make_contract()
NAMES = {graph: [tensor.name for tensor in graph_spec(graph, SIZES).outputs] for graph in Graph}


def engine(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """Outputs that depend on every input, of the shapes of the border."""
    spec = graph_spec(graph, SIZES)
    assert [value.shape for value in inputs] == [tensor.shape for tensor in spec.inputs]
    total = sum(float(np.abs(value).sum()) for value in inputs)
    random = np.random.default_rng(int(total))
    return [random.normal(size=tensor.shape).astype(np.float32) for tensor in spec.outputs]


def recorded() -> Golden:
    return record_golden(CONTRACT, NAMES, engine)


def judged(edit: Callable[[str, Array], Array]) -> dict[str, GoldenTensor]:
    """Verdicts when every output was changed by ``edit``."""
    stored = recorded()
    now = Golden({key: edit(key, value.copy()) for key, value in stored.values.items()})
    return {f"{tensor.graph}/{tensor.name}": tensor for tensor in judge_golden(stored, now)}


def test_inputs_are_the_same_on_every_machine() -> None:
    pixels, prompts = golden_inputs(CONTRACT)
    again, _ = golden_inputs(CONTRACT)
    np.testing.assert_array_equal(pixels, again)
    levels = pixels[0].transpose(1, 2, 0) * np.array(CONTRACT.std) + np.array(CONTRACT.mean)
    digest = hashlib.sha256(np.rint(levels).astype(np.uint8).tobytes()).hexdigest()
    assert digest[:16] == "b2e6e8dd772a50d8"  # whoever changes the formula makes all older bundles fail their test
    assert pixels.dtype == np.float32
    assert [value.shape for value in prompts.values()] == [
        tensor.shape for tensor in graph_spec(Graph.PROMPTS, SIZES).inputs[1:]
    ]


def test_inputs_are_a_click_a_box_and_empty_slots() -> None:
    _, prompts = golden_inputs(CONTRACT)
    assert prompts["labels"][0].tolist() == [[1, -1], [-1, 1], [-1, -1], [-1, -1]]
    np.testing.assert_allclose(prompts["points"][0, 0, 0], (38.4, 35.2), rtol=1e-6)
    np.testing.assert_allclose(prompts["boxes"][0, 1], (14.4, 19.2, 62.4, 51.2), rtol=1e-6)
    single, only = golden_inputs(make_contract(GraphSizes(size=Size(64, 64), num_slots=1)))
    assert single.shape == (1, 3, 64, 64)
    assert only["labels"].tolist() == [[[PointLabel.FOREGROUND, PointLabel.EMPTY]]]


def test_every_output_is_kept_and_none_is_large() -> None:
    values = recorded().values
    assert sorted(values) == sorted(f"{graph}/{name}" for graph, names in NAMES.items() for name in names)
    for key, value in values.items():
        graph, _, name = key.partition("/")
        full = next(t.shape for t in graph_spec(Graph(graph), SIZES).outputs if t.name == name)
        assert value.dtype == np.float32
        assert value.shape == (min(int(np.prod(full)), value.size),)
        assert 0 < value.size <= MAX_VALUES


def test_equal_answers_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_golden(recorded(), tmp_path / name)
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()
    read = read_golden(tmp_path / "a")
    assert read.values.keys() == recorded().values.keys()
    for key, value in recorded().values.items():
        np.testing.assert_array_equal(read.values[key], value)


def test_the_same_answers_pass() -> None:
    verdicts = judged(lambda _, value: value)
    assert all(v.passes and v.relative_error == 0 and v.sign_agreement == 1 for v in verdicts.values())


def test_rounding_passes() -> None:
    assert all(v.passes for v in judged(lambda _, value: value * np.float32(1 + 1e-5)).values())


def test_an_encoder_that_is_three_percent_off_fails() -> None:
    verdicts = judged(lambda _, value: value * np.float32(1.03))
    assert {key for key, v in verdicts.items() if not v.passes} == {"encoder/mask_features"}
    assert verdicts["encoder/mask_features"].relative_error == pytest.approx(0.03, rel=1e-3)


def test_masks_are_judged_by_their_signs() -> None:
    def flip(share: float) -> Callable[[str, Array], Array]:
        def edit(_: str, value: Array) -> Array:
            value[: int(share * value.size)] *= -1
            return value

        return edit

    masks = {"objects/mask_logits", "prompts/mask_logits", "clip/mask_logits"}
    assert all(judged(flip(0.015))[key].passes for key in masks)
    assert not any(judged(flip(0.05))[key].passes for key in masks)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_number_that_is_none_fails_every_tensor(value: float) -> None:
    def spoil(_: str, values: Array) -> Array:
        values[:] = value
        return values

    assert not any(v.passes for v in judged(spoil).values())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_number_that_is_none_is_enough(value: float) -> None:
    def spoil(_: str, values: Array) -> Array:
        values[values.size // 2] = value
        return values

    assert not any(v.passes for v in judged(spoil).values())


def test_another_shape_fails() -> None:
    assert not any(v.passes for v in judged(lambda _, value: value[:-1]).values())


def test_the_pair_of_another_bundle_is_refused() -> None:
    stored = recorded()
    other = Golden({key: value for key, value in stored.values.items() if not key.startswith("clip/")})
    with pytest.raises(InputError) as caught:
        judge_golden(other, stored)
    assert str(caught.value) == (
        "the golden pair and the graphs differ in clip/class_logits, clip/mask_logits, clip/queries; "
        "export the bundle again"
    )


@pytest.mark.parametrize("raw", [b"", b"no zip", b"PK\x03\x04 cut"])
def test_a_broken_pair_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / FILE).write_bytes(raw)
    with pytest.raises(InputError, match=r"golden\.npz cannot be read \(.*\); export the bundle again"):
        read_golden(tmp_path)
    (tmp_path / FILE).unlink()
    with pytest.raises(InputError, match="No such file"):
        read_golden(tmp_path)


def test_a_pickle_in_the_pair_is_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / FILE, evil=np.array([print], dtype=object))
    with pytest.raises(InputError, match="cannot be read"):
        read_golden(tmp_path)
