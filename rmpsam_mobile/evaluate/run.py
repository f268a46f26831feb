"""The loop over a measuring set: picture by picture, in one process or several, kept in a journal.

Each picture's result is by itself, and plain JSON. So one process and several give the same bytes, and a run that was
killed ends with the report that it would have had.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from rmpsam_mobile.evaluate.journal import Journal
from rmpsam_mobile.runtime import Segmenter

Json = Any
Measure = Callable[[Segmenter, Any], Json]
Open = Callable[[], Segmenter]


def measure_units(
    measure: Measure,
    units: Sequence[Any],
    opened: Open,
    *,
    segmenter: Segmenter | None = None,
    processes: int = 1,
    journal: Journal | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Json]:
    """Measure every picture or clip.

    Args:
        measure: gives the result of one; with several processes it and ``opened`` must pickle.
        units: pictures or clips.
        opened: opens the model, once a process. The same threads a process give the same results.
        segmenter: the model where this process has opened it already.
        processes: how many measure at a time; with 1, this one.
        journal: what it holds is not measured again.
        progress: called with how many are done since the last call.

    Returns:
        Results in the order of ``units``.
    """
    done: dict[int, Json] = {i: journal.done[i] for i in range(len(units)) if journal and i in journal.done}
    if progress is not None and done:
        progress(len(done))
    left = {i: unit for i, unit in enumerate(units) if i not in done}
    if processes == 1 or len(left) < 2:
        results = _one_by_one(measure, left, segmenter or opened())
    else:
        results = _side_by_side(measure, left, opened, processes)
    for place, result in results:
        done[place] = result
        if journal is not None:
            journal.append(place, result)
        if progress is not None:
            progress(1)
    return [done[i] for i in range(len(units))]


def _one_by_one(measure: Measure, units: Mapping[int, Any], segmenter: Segmenter) -> Iterator[tuple[int, Json]]:
    for place, unit in units.items():
        yield place, measure(segmenter, unit)


def _side_by_side(
    measure: Measure, units: Mapping[int, Any], opened: Open, processes: int
) -> Iterator[tuple[int, Json]]:
    """In fresh processes: a fork would copy engines that hold threads."""
    pool = ProcessPoolExecutor(
        min(processes, len(units)), multiprocessing.get_context("spawn"), _start_worker, (measure, opened)
    )
    try:
        places = {pool.submit(_measure_here, unit): place for place, unit in units.items()}
        for future in as_completed(places):
            yield places[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


_here: dict[str, Any] = {}  # of a worker: what it measures with


def _start_worker(measure: Measure, opened: Open) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells when to stop
    threading.Thread(target=_follow_parent, daemon=True).start()
    _here.update(measure=measure, segmenter=opened())


def _measure_here(unit: Any) -> Json:
    return _here["measure"](_here["segmenter"], unit)


def _follow_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
