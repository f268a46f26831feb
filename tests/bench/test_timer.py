"""Timing in turn, and the figures that come of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmpsam_mobile.bench import Summary, summarise, time_interleaved
from rmpsam_mobile.errors import InputError


@pytest.mark.parametrize(("runs", "warmup"), [(1, 0), (3, 2), (5, 0)])
def test_actions_run_in_turn(runs: int, warmup: int) -> None:
    called: list[str] = []
    rounds: list[int] = []
    samples = time_interleaved(
        {name: lambda name=name: called.append(name) for name in "abc"},  # type: ignore[misc]
        runs=runs,
        warmup=warmup,
        progress=rounds.append,
    )
    assert "".join(called) == "abc" * (runs + warmup)
    assert rounds == [1] * (runs + warmup)
    assert list(samples) == ["a", "b", "c"]
    assert all(len(times) == runs and min(times) >= 0 for times in samples.values())


def test_the_warm_up_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**12, 10**6))  # a millisecond a look
    monkeypatch.setattr("time.perf_counter_ns", lambda: next(clock))
    samples = time_interleaved({"a": lambda: next(clock)}, runs=3, warmup=4)
    assert samples == {"a": [2.0, 2.0, 2.0]}


@pytest.mark.parametrize(("runs", "warmup"), [(0, 5), (-1, 5), (3, -1)])
def test_nothing_to_time(runs: int, warmup: int) -> None:
    with pytest.raises(InputError) as caught:
        time_interleaved({"a": lambda: None}, runs=runs, warmup=warmup)
    assert str(caught.value) == (f"{runs} runs after {warmup} of warm-up; at least 1 run; try --runs 30 --warmup 5")


def test_an_error_of_an_action_comes_through() -> None:
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        time_interleaved({"a": fail}, runs=1, warmup=0)


@given(st.lists(st.floats(1e-3, 1e5), min_size=2, max_size=50))
def test_a_summary_is_numpys(samples: list[float]) -> None:
    found = summarise(samples)
    assert (found.n, found.min, found.max) == (len(samples), min(samples), max(samples))
    assert found.p50 == pytest.approx(float(np.quantile(samples, 0.5)))
    assert found.p90 == pytest.approx(float(np.quantile(samples, 0.9)))
    assert found.mean == pytest.approx(float(np.mean(samples)))
    assert found.stdev == pytest.approx(float(np.std(samples, ddof=1)), abs=1e-9)


def test_one_run_has_no_spread() -> None:
    assert summarise([3.5]) == Summary(n=1, min=3.5, p50=3.5, mean=3.5, p90=3.5, max=3.5, stdev=0.0)
