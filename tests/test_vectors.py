"""The golden vectors: what Kotlin and Swift are tested with is what Python answers today."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmpsam_mobile.bench.series import quantile
from rmpsam_mobile.bundle import open_bundle
from rmpsam_mobile.errors import InputError, UnsupportedError
from tests.golden.renew_vectors import VECTORS, WRITERS, text_of


def vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == set(WRITERS)


@pytest.mark.parametrize("name", WRITERS)
def test_the_files_are_what_the_code_answers(name: str) -> None:
    stored = (VECTORS / f"{name}.json").read_text(encoding="utf-8")
    assert stored == text_of(name), "if it is meant: python -m tests.golden.renew_vectors, then run the apps' tests"


@pytest.mark.parametrize("case", vectors("manifests")["bad"], ids=lambda case: case["name"])
def test_bad_manifests_are_refused(case: Any, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(case["manifest"]), encoding="utf-8")
    with pytest.raises({"input": InputError, "unsupported": UnsupportedError}[case["error"]]):
        open_bundle(tmp_path)


@pytest.mark.parametrize("case", vectors("latencies")["quantiles"])
def test_quantiles_are_numpys(case: Any) -> None:
    wanted = float(np.quantile(case["values"], case["share"]))
    assert quantile(case["values"], case["share"]) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("case", vectors("latencies")["series"], ids=lambda case: case["name"])
def test_series_are_sorted_as_their_names_say(case: Any) -> None:
    wanted = {
        "heating up": "slows-down",
        "cold start": "still-warming-up",
        "rounds disagree": "rounds-disagree",
        "constant": "samples-repeat",
        "few": "too-few-samples",
        "below the clock": "below-timer-resolution",
        "a zero": "nonpositive-sample",
        "no round": "too-few-samples",
        "spread": "spread",
        "long tail": "long-tail",
    }
    said = case["refusals"] + case["warnings"]
    assert wanted[case["name"]] in said if case["name"] in wanted else not said
