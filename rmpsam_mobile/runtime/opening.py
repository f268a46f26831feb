"""Which Runner a bundle gets."""

import torch

from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.contracts import Target
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.runtime.base import Runner
from rmpsam_mobile.runtime.mil import MilRunner
from rmpsam_mobile.runtime.onnx import OnnxRunner
from rmpsam_mobile.runtime.pte import PteRunner, set_threads


def open_runner(bundle: Bundle, *, threads: int | None = None) -> Runner:
    """A runner for an opened bundle: ExecuTorch, the reference interpreter for Core ML packages, or onnxruntime.

    Args:
        bundle: opened, and so verified.
        threads: of the engine, for the whole process; None leaves them at their default.

    Raises:
        InputError: fewer than one thread.
        UnsupportedError: files that do not run on this machine, or for several engines.
    """
    if threads is not None and threads < 1:
        raise InputError(f"{threads} threads; at least 1; leave --threads away for all cores")
    targets = {artifact.target for artifact in bundle.manifest.graphs.values()}
    if targets == {Target.COREML_PACKAGE}:
        if threads is not None:
            torch.set_num_threads(threads)
        return MilRunner.of(bundle)
    if targets == {Target.ONNX}:
        return OnnxRunner.of(bundle, threads=threads)
    if threads is not None:
        set_threads(threads)
    return PteRunner.of(bundle)
