"""Classes by cosine similarity with text embeddings."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmpsam_mobile.model.classifier import LOGIT_SCALE, TextClassifier
from tests.models import random_tensor, relative_error, small_model, unit_rows


def test_the_scale_is_the_exponential_of_a_single_precision_number() -> None:
    assert pytest.approx(100.00296, abs=5e-6) == LOGIT_SCALE
    assert math.exp(4.6052) != LOGIT_SCALE


@given(classes=st.integers(1, 6), synonyms=st.integers(1, 4), queries=st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_a_class_logit_is_the_best_cosine_over_its_synonyms(classes: int, synonyms: int, queries: int) -> None:
    table, embeddings = unit_rows(classes, synonyms, 8), 5 * random_tensor(1, queries, 8, seed=3)
    got = TextClassifier(table)(embeddings)
    assert got.shape == (1, queries, classes + 1)
    for q in range(queries):
        e = embeddings[0, q]
        for k in range(classes):
            best = max(float(e @ row / e.norm()) for row in table[k])
            assert float(got[0, q, k]) == pytest.approx(LOGIT_SCALE * best, abs=1e-9)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_void_is_always_exactly_zero(seed: int) -> None:
    assert not TextClassifier(unit_rows(3, 2, 8))(random_tensor(2, 4, 8, seed=seed))[..., -1].any()


def test_an_embedding_of_zeros_is_like_no_class_and_no_nan() -> None:
    assert not TextClassifier(unit_rows(3, 2, 8))(torch.zeros(1, 2, 8).double()).any()


def test_the_length_of_an_embedding_does_not_matter() -> None:
    classifier, embeddings = TextClassifier(unit_rows(5, 2, 8)), random_tensor(1, 4, 8)
    assert relative_error(classifier(1e3 * embeddings), classifier(embeddings)) < 1e-12


def test_repeated_synonyms_change_nothing() -> None:
    table, embeddings = unit_rows(4, 1, 8), random_tensor(1, 3, 8)
    assert torch.equal(TextClassifier(table.repeat(1, 5, 1))(embeddings), TextClassifier(table)(embeddings))


def test_swapping_rows_swaps_classes() -> None:
    table, embeddings, order = unit_rows(5, 3, 8), random_tensor(1, 3, 8), torch.tensor([3, 1, 4, 0, 2])
    swapped, plain = TextClassifier(table[order])(embeddings), TextClassifier(table)(embeddings)
    torch.testing.assert_close(swapped[..., :-1], plain[..., order])


def test_embeddings_are_no_part_of_the_weights_and_come_back_as_given() -> None:
    table = unit_rows(4, 3, 8)
    classifier = TextClassifier(table)
    assert dict(classifier.state_dict()) == {}
    assert torch.equal(classifier.text_embeddings, table)
    table.zero_()
    assert classifier.text_embeddings.any()  # a copy


def test_other_classes_leave_masks_and_queries_alone() -> None:
    encoding = small_model().encode(random_tensor(1, 3, 32, 64))
    few, many = small_model(2).objects(encoding), small_model(9).objects(encoding)
    assert torch.equal(few.mask_logits, many.mask_logits)
    assert torch.equal(few.queries, many.queries)
    assert (few.class_logits.shape[-1], many.class_logits.shape[-1]) == (3, 10)
