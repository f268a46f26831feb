"""The classifier with each text row once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from rmpsam_mobile.contracts import Graph, Size
from rmpsam_mobile.export.rewrites.merge_text_rows import MergedClassifier, merge_text_rows
from rmpsam_mobile.model.classifier import TextClassifier
from tests.export.parts import DTYPES, LIMITS, cut, graph_error, operators
from tests.models import random_tensor, relative_error, small_model


def table(counts: list[int], width: int, dtype: torch.dtype) -> Tensor:
    """[K, P, D]: class k has ``counts[k]`` different rows and repeats its first."""
    rows = F.normalize(random_tensor(len(counts), max(counts), width, dtype=dtype), dim=-1)
    for k, count in enumerate(counts):
        rows[k, count:] = rows[k, 0]
    return rows


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=7), width=st.integers(2, 9), num=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_classes_stay_in_their_order(dtype: torch.dtype, counts: list[int], width: int, num: int) -> None:
    classifier = TextClassifier(table(counts, width, dtype))
    embeddings = 10 * random_tensor(1, num, width, seed=2, dtype=dtype)
    embeddings[:, 0] = 0  # a query of length nothing
    merged = MergedClassifier(classifier)
    assert len(merged.rows) == sum(counts)
    assert relative_error(merged(embeddings), classifier(embeddings)) <= LIMITS[dtype]


def test_the_object_graph_stays_without_what_no_delegate_takes() -> None:
    model = small_model()
    parts = cut(model, Size(32, 64))
    assert merge_text_rows(parts) == ["objects.classifier"]
    assert graph_error(parts, model, Graph.OBJECTS) <= LIMITS[torch.float64]
    part = parts.parts[Graph.OBJECTS]
    left = operators(part.module, part.example_inputs())
    assert not [name for name in left for word in ("amax", "vector_norm", "zeros_like", "clamp_min") if word in name]
    assert merge_text_rows(parts) == []
