"""Engines that hold their tongue: what they say while they start concerns nobody who uses them."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

_CHATTY = ("coremltools", "torchao", "torch", "torch.utils._pytree", "executorch")


@contextlib.contextmanager
def muted_start() -> Iterator[None]:
    """Hide warnings, log lines and what C++ writes to stderr; RMPSAM_TRACEBACK=1 shows all of it.

    For imports and first calls only: the file descriptor is the whole process's.
    """
    if os.environ.get("RMPSAM_TRACEBACK"):
        yield
        return
    os.environ.setdefault("TQDM_DISABLE", "1")  # coremltools draws bars of its own
    sys.stderr.flush()
    before, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(void)
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)


@contextlib.contextmanager
def muted_warnings() -> Iterator[None]:
    """Hide Python warnings while engines work on one another's old calls; RMPSAM_TRACEBACK=1 shows all of them."""
    with warnings.catch_warnings():
        if not os.environ.get("RMPSAM_TRACEBACK"):
            warnings.simplefilter("ignore")
        yield
