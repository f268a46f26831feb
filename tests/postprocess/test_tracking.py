"""Video: the official cuts, links and tracks."""

from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rmpsam_mobile.errors import InputError
from rmpsam_mobile.postprocess import clip_ends, instances, link_queries, top_pairs, track_instances
from tests.conftest import golden, oracle

Numbers = dict[str, NDArray[Any]]


def test_the_official_cuts() -> None:
    numbers: Numbers = golden("postprocess")
    table = {int(name.split(".")[1]): ends for name, ends in numbers.items() if name.startswith("clip_ends.")}
    assert len(table) > 20
    for num_frames, ends in table.items():
        assert clip_ends(num_frames) == ends.tolist(), num_frames


@given(num_frames=st.integers(1, 3000))
def test_clips_cover_the_video_and_none_is_longer_than_its_length(num_frames: int) -> None:
    ends = clip_ends(num_frames)
    lengths = [end - start for start, end in pairwise([0, *ends])]
    longest = 5 if num_frames > 15 else 3
    assert ends[-1] == num_frames
    assert max(lengths) <= longest
    assert min(lengths) >= 1
    assert len(ends) == -(-num_frames // longest)


def test_a_video_without_frames() -> None:
    with pytest.raises(InputError) as caught:
        clip_ends(0)
    assert str(caught.value) == "0 frames; a video needs 1 at least; check that the file has any"


def test_the_official_link() -> None:
    numbers: Numbers = golden("tracking")
    np.testing.assert_array_equal(link_queries(numbers["previous"], numbers["current"]), numbers["order"])


def test_all_official_links() -> None:
    made: Numbers = oracle("postprocess")
    np.testing.assert_array_equal(link_queries(made["link.previous"][0], made["link.current"][0]), made["link.order"])
    video: Numbers = oracle("r18.video")
    assert clip_ends(7) == video["clip_ends"].tolist()
    for link in ("link0", "link1"):
        previous, current = video[f"{link}.previous_queries"][0], video[f"{link}.clip_queries"][0]
        order = link_queries(torch.from_numpy(previous), torch.from_numpy(current))
        np.testing.assert_array_equal(order, video[f"{link}.order"])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), queries=st.integers(1, 5))
def test_a_link_is_the_best_of_all_orders(seed: int, queries: int) -> None:
    generator = np.random.default_rng(seed)
    previous, current = generator.normal(size=(2, queries, 3))
    directions = [values / np.linalg.norm(values, axis=1, keepdims=True) for values in (previous, current)]
    best = max(
        permutations(range(queries)), key=lambda order: float((directions[0] * directions[1][list(order)]).sum())
    )
    assert link_queries(previous, current).tolist() == list(best)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_a_shuffled_and_scaled_clip_is_put_back_in_order(seed: int, scale: float) -> None:
    generator = np.random.default_rng(seed)
    queries = generator.normal(size=(12, 16))
    shuffle = generator.permutation(12)
    order = link_queries(queries, queries[shuffle] * scale)
    assert shuffle[order].tolist() == list(range(12))


def test_a_zero_query_is_linked_to_something() -> None:
    queries = np.eye(3)
    queries[1] = 0
    assert sorted(link_queries(queries, np.eye(3)).tolist()) == [0, 1, 2]


def test_queries_that_cannot_be_linked() -> None:
    with pytest.raises(InputError) as caught:
        link_queries(np.zeros((1, 3, 4)), np.zeros((1, 3, 4)))
    assert str(caught.value) == "queries have shapes (1, 3, 4) and (1, 3, 4); both need the same (Q, D)"
    for bad in (np.nan, np.inf):
        with pytest.raises(InputError) as caught:
            link_queries(np.eye(3), np.full((3, 3), bad))
        assert str(caught.value) == (
            "queries to be linked hold NaN or infinity; run the graph in float32 to find out where"
        )


def test_the_official_pairs_are_ours_in_another_order() -> None:
    numbers: Numbers = golden("tracking")
    pairs = top_pairs(numbers["class_logits"], 100)
    assert sorted(pairs.labels.tolist()) == sorted(numbers["labels"].tolist())


@pytest.mark.parametrize(
    ("frame", "masks"), [("frame0", "first_frame_upsampled.first8"), ("frame6", "last_frame_upsampled.first8")]
)
def test_the_official_tracks_of_the_stored_masks(frame: str, masks: str) -> None:
    video: Numbers = oracle("r18.video")
    class_logits = video["class_logits"][0]
    mask_logits = np.full((100, 64, 64), -1.0)
    mask_logits[:8] = video[masks][0]  # of the other 92 queries the masks are not stored
    tracks = track_instances(class_logits, mask_logits)
    assert tracks.ids.tolist() == list(range(1, 101))

    # The official list is an unsorted top-k; with the same call we know which pair each of its results is.
    probability = torch.from_numpy(class_logits).softmax(dim=-1)[:, :-1].flatten()
    official = [divmod(pair, 40) for pair in probability.topk(100, sorted=False).indices.tolist()]
    assert [label for _, label in official] == video[f"{frame}.labels"].tolist()
    place = {pair: position for position, pair in enumerate(official)}
    num_compared = 0
    for query, label, score, box in zip(tracks.queries, tracks.labels, tracks.scores, tracks.boxes, strict=True):
        position = place.pop((int(query), int(label)))  # each pair is in the official list, and once
        if query < 8:
            num_compared += 1
            assert score == pytest.approx(video[f"{frame}.scores"][position], abs=1e-7)
            assert box.tolist() == video[f"{frame}.boxes"][position].tolist()
    assert num_compared >= 5


def test_ids_name_the_same_pair_in_every_frame_whatever_its_masks() -> None:
    generator = np.random.default_rng(3)
    class_logits = generator.normal(scale=3, size=(6, 5))
    frames = [track_instances(class_logits, generator.normal(size=(6, 4, 4)), 3, 12) for _ in range(2)]
    for name in ("ids", "queries", "labels"):
        np.testing.assert_array_equal(getattr(frames[0], name), getattr(frames[1], name))
    pairs = top_pairs(class_logits, 12)
    assert len(frames[0]) == (pairs.labels < 3).sum() < 12  # ids of stuff stay unused
    np.testing.assert_array_equal(pairs.queries[frames[0].ids - 1], frames[0].queries)
    np.testing.assert_array_equal(pairs.labels[frames[0].ids - 1], frames[0].labels)


def test_a_frame_s_tracks_are_its_instances_in_another_order() -> None:
    generator = np.random.default_rng(4)
    class_logits, masks = generator.normal(size=(6, 5)), generator.normal(size=(6, 4, 4))
    tracks, found = track_instances(class_logits, masks, 3, 12), instances(class_logits, masks, 3, 12)
    order = np.argsort(-tracks.scores, kind="stable")
    for name in ("scores", "labels", "boxes", "masks", "queries"):
        np.testing.assert_array_equal(getattr(tracks, name)[order], getattr(found, name))


def test_tracks_of_shapes_that_do_not_belong_together() -> None:
    with pytest.raises(InputError) as caught:
        track_instances(np.zeros((3, 41)), np.zeros((4, 2, 2)))
    assert str(caught.value) == "mask logits have shape (4, 2, 2); needed is (3, H, W), as many as class logits"
