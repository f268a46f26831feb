"""The .pte runner: what it refuses, and that its answers are the caller's own."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rmpsam_mobile.bundle import Bundle, golden_inputs
from rmpsam_mobile.contracts import Graph, Target
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.runtime import PteRunner
from rmpsam_mobile.runtime.pte import load_method, set_threads
from tests.bundles import NEEDS_BUNDLE, Made

pytestmark = NEEDS_BUNDLE


def test_outputs_have_the_shapes_of_the_border(made: Made, runner: PteRunner) -> None:
    pixels, prompts = golden_inputs(runner.contract)
    (features,) = runner.run(Graph.ENCODER, [pixels])
    inputs = {
        Graph.ENCODER: [pixels],
        Graph.OBJECTS: [features],
        Graph.PROMPTS: [features, *prompts.values()],
        Graph.CLIP: [np.concatenate([features] * 3, axis=2)],
    }
    assert runner.graphs == (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS, Graph.CLIP)
    for graph in runner.graphs:
        outputs = runner.run(graph, inputs[graph])
        spec = made.opened.manifest.graphs[graph].outputs
        assert [out.shape for out in outputs] == [tensor.shape for tensor in spec]
        assert {str(out.dtype) for out in outputs} == {"float32"}
        assert all(np.isfinite(out).all() for out in outputs)
        assert runner.load_ms[graph] > 0


def test_outputs_are_the_callers_own(runner: PteRunner) -> None:
    pixels, _ = golden_inputs(runner.contract)
    (first,) = runner.run(Graph.ENCODER, [pixels])
    kept = first.copy()
    (second,) = runner.run(Graph.ENCODER, [np.zeros_like(pixels)])
    np.testing.assert_array_equal(first, kept)
    assert not np.array_equal(first, second)


def test_memory_order_and_dtype_of_inputs_do_not_matter(runner: PteRunner) -> None:
    pixels, _ = golden_inputs(runner.contract)
    (wanted,) = runner.run(Graph.ENCODER, [pixels])
    for odd in (np.asfortranarray(pixels), pixels.astype(np.float64), pixels[:, :, ::-1].copy()[:, :, ::-1]):
        (got,) = runner.run(Graph.ENCODER, [odd])
        np.testing.assert_array_equal(got, wanted)


def test_another_shape_is_refused_with_both(runner: PteRunner) -> None:
    with pytest.raises(InputError) as caught:
        runner.run(Graph.ENCODER, [np.zeros((1, 3, 96, 64), np.float32)])
    assert str(caught.value) == ("encoder: pixel_values has shape (1, 3, 96, 64); the file takes (1, 3, 64, 96)")


def test_a_graph_that_was_not_given(made: Made) -> None:
    contract = made.opened.manifest.contract
    lone = PteRunner({Graph.ENCODER: made.opened.path(Graph.ENCODER)}, contract)
    with pytest.raises(UnsupportedError) as caught:
        lone.run(Graph.OBJECTS, [np.zeros(1)])
    assert str(caught.value) == "rmpsam-seaformer-tiny_64x96 has no objects graph; it has encoder"


def test_a_bundle_for_another_engine_is_refused(made: Made) -> None:
    manifest = made.opened.manifest
    graphs = {name: replace(a, target=Target.COREML_PACKAGE) for name, a in manifest.graphs.items()}
    with pytest.raises(UnsupportedError) as caught:
        PteRunner.of(Bundle(made.bundle, replace(manifest, graphs=graphs)))
    assert caught.value.exit_code == 4
    assert str(caught.value) == (
        "small.bundle is made for coreml-package, which does not run on this machine; "
        "run it on a Mac or phone, or export with --target xnnpack"
    )


@pytest.mark.parametrize("raw", [b"", b"no program at all", bytes(4096)])
def test_a_file_that_is_no_program(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.pte"
    path.write_bytes(raw)
    with pytest.raises(InputError) as caught:
        load_method(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ExecuTorch refuses this file (")
    assert message.endswith("); export it with this version")


@pytest.mark.parametrize("threads", [0, -2])
def test_a_pool_without_threads(threads: int) -> None:
    with pytest.raises(InputError) as caught:
        set_threads(threads)
    assert str(caught.value) == f"{threads} threads; at least 1; leave --threads away for all cores"


def test_the_pool_cannot_change_under_loaded_graphs(runner: PteRunner) -> None:
    from executorch.extension.pybindings import _portable_lib

    present = _portable_lib._threadpool_get_thread_count()
    runner.load(Graph.ENCODER)
    set_threads(present)
    with pytest.raises(UnsupportedError) as caught:
        set_threads(present + 1)
    message = str(caught.value)
    assert message.startswith(f"{present + 1} threads: ")
    assert message.endswith(
        f" graphs of this process are loaded with {present}; "
        "set threads before the first picture, or in a process of its own"
    )
    pixels, _ = golden_inputs(runner.contract)
    runner.run(Graph.ENCODER, [pixels])


THREADS = """
import sys
from rmpsam_mobile import Segmenter
from rmpsam_mobile.runtime.pte import set_threads
import numpy as np
answers = []
for threads in (1, 2):
    segmenter = Segmenter.open(sys.argv[1], threads=threads)
    segmenter.set_image(np.tile(np.arange(0, 240, 2, dtype=np.uint8), (80, 1)))
    answers.append(segmenter.predict([[60, 40]], return_logits=True)[0])
    del segmenter
print(float(np.abs(answers[0] - answers[1]).max() / np.abs(answers[0]).max()))
"""


def test_the_number_of_threads_changes_no_answer(made: Made) -> None:
    done = subprocess.run([sys.executable, "-c", THREADS, str(made.bundle)], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1e-5
