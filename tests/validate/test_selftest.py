"""A bundle's test of itself: the golden pair, and the same answer twice."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from rmpsam_mobile.bundle import GoldenTensor, write_golden
from rmpsam_mobile.bundle.golden import Golden, read_golden
from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import GateError, InputError
from rmpsam_mobile.runtime import Array, PteRunner
from rmpsam_mobile.validate import SelfTest, self_test
from tests.bundles import NEEDS_BUNDLE, Made

pytestmark = NEEDS_BUNDLE


class Wrapped:
    """The files, with a small number added to what one graph answers: another one at each call, or the same."""

    engine = "executorch"

    def __init__(self, runner: PteRunner, graph: Graph, steps: Sequence[float]) -> None:
        self.contract, self.graphs = runner.contract, runner.graphs
        self._runner, self._graph, self._steps = runner, graph, itertools.cycle(steps)

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        outputs = self._runner.run(graph, inputs)
        if graph is not self._graph:
            return outputs
        step = next(self._steps)
        return tuple(out + np.float32(step) for out in outputs)


def test_a_fresh_bundle_passes(made: Made, runner: PteRunner) -> None:
    found = self_test(made.opened, runner)
    assert found.require() is found
    assert found.is_repeatable
    assert len(found.tensors) == 9
    assert all(tensor.relative_error == 0 for tensor in found.tensors)


@pytest.mark.parametrize("graph", list(Graph))
def test_an_engine_that_does_not_repeat_itself(made: Made, runner: PteRunner, graph: Graph) -> None:
    found = self_test(made.opened, Wrapped(runner, graph, (0.0, 1e-3)))
    assert not found.is_repeatable
    assert not found.passes
    with pytest.raises(GateError) as caught:
        found.require()
    assert caught.value.exit_code == 6
    assert str(caught.value) == ("two runs on the same input differ; this engine cannot be trusted on this machine")


def test_other_answers_than_the_stored_ones(made: Made, runner: PteRunner) -> None:
    found = self_test(made.opened, Wrapped(runner, Graph.PROMPTS, (1e3,)))
    assert found.is_repeatable
    with pytest.raises(GateError) as caught:
        found.require()
    assert str(caught.value) == ("golden pair: prompts/mask_logits answer otherwise than when the bundle was made")


def test_not_a_number_fails(made: Made, runner: PteRunner) -> None:
    found = self_test(made.opened, Wrapped(runner, Graph.OBJECTS, (float("nan"),)))
    assert not found.passes  # NaN is unequal to itself, so this engine does not repeat itself either


def test_the_pair_of_another_bundle_is_refused(made: Made, runner: PteRunner, copy: object) -> None:
    from pathlib import Path

    assert isinstance(copy, Path)
    values = read_golden(copy).values
    write_golden(Golden({key: value for key, value in values.items() if not key.startswith("clip")}), copy)
    opened = made.opened
    with pytest.raises(InputError, match="the golden pair and the graphs differ in clip/class_logits"):
        self_test(type(opened)(copy, opened.manifest), runner)


def test_every_failing_tensor_is_named() -> None:
    bad = [
        GoldenTensor(graph=Graph.ENCODER, name="mask_features", relative_error=0.03, sign_agreement=1, is_mask=False),
        GoldenTensor(graph=Graph.CLIP, name="mask_logits", relative_error=0.1, sign_agreement=0.9, is_mask=True),
    ]
    with pytest.raises(GateError, match=r"^golden pair: encoder/mask_features, clip/mask_logits answer otherwise"):
        SelfTest(tuple(bad), is_repeatable=True).require()
