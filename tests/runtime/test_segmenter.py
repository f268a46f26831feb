"""The Segmenter over files and over the eager model: one API, the same answers."""

from pathlib import Path

import numpy as np
import pytest

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.runtime import EagerRunner, Prompt, PteRunner, Segmenter
from tests.bundles import NEEDS_BUNDLE, SIZE, SLOTS, Made, photo

pytestmark = NEEDS_BUNDLE
HEIGHT, WIDTH = 427, 640
CLICK, BOX = [[205.0, 215.0]], [62.0, 28.0, 374.0, 388.0]


@pytest.fixture(scope="module")
def eager(made: Made) -> Segmenter:
    opened = Segmenter.open(made.checkpoint, size=str(SIZE))
    opened.set_image(photo())
    return opened


@pytest.fixture
def ready(segmenter: Segmenter) -> Segmenter:
    segmenter.set_image(photo())
    return segmenter


def test_open_tells_a_bundle_from_a_checkpoint(made: Made, eager: Segmenter) -> None:
    opened = Segmenter.open(made.bundle)
    assert isinstance(opened.runner, PteRunner)
    assert isinstance(eager.runner, EagerRunner)
    assert opened.contract.preset == eager.contract.preset == "rmpsam-seaformer-tiny"
    assert opened.contract.sizes.size == eager.contract.sizes.size == SIZE
    assert opened.contract.class_names == eager.contract.class_names
    assert len(opened.contract.class_names) == 133


def test_open_refuses_what_belongs_to_the_other(made: Made, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Segmenter.open(made.bundle, size=512)
    assert str(caught.value) == (
        f"{made.bundle} is a bundle, whose size and classes are fixed; leave size and classifier away"
    )
    with pytest.raises(InputError, match=r"has no manifest\.json; it is no bundle"):
        Segmenter.open(tmp_path)
    with pytest.raises(InputError, match="no such file; check the path"):
        Segmenter.open(tmp_path / "gone")


def test_nothing_works_before_set_image(segmenter: Segmenter) -> None:
    for call in (segmenter.predict, segmenter.panoptic, segmenter.instances, segmenter.everything):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == "no picture is set; call set_image(picture) first"
    with pytest.raises(InputError, match="no picture is set"):
        _ = segmenter.picture


def test_predict_gives_masks_at_the_pictures_size(ready: Segmenter) -> None:
    for masks, scores in (ready.predict(CLICK), ready.predict(np.array(CLICK), [1]), ready.predict(box=BOX)):
        assert masks.shape == (1, HEIGHT, WIDTH)
        assert masks.dtype == bool
        assert scores.shape == (1,)
        assert np.isfinite(scores).all()
    logits, _ = ready.predict(CLICK, return_logits=True)
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits > 0, ready.predict(CLICK)[0])
    np.testing.assert_array_equal(ready.picture, photo())


def test_the_file_answers_as_the_eager_model(ready: Segmenter, eager: Segmenter) -> None:
    for arguments in ({"point_coords": CLICK}, {"box": BOX}):
        got, score = ready.predict(**arguments, return_logits=True)
        wanted, wanted_score = eager.predict(**arguments, return_logits=True)
        scale = float(np.abs(wanted).max())
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-4 * scale)
        np.testing.assert_allclose(score, wanted_score, rtol=1e-3)
    mine, theirs = (s.instances(max_per_image=20) for s in (ready, eager))
    np.testing.assert_allclose(mine.scores, theirs.scores, atol=1e-4)
    np.testing.assert_array_equal(mine.labels, theirs.labels)


def test_many_prompts_are_cut_into_slots(ready: Segmenter) -> None:
    prompts = [Prompt(((float(x), 100 + x / 3),), (1,)) for x in range(10, 640, 60)]
    prompts.insert(3, Prompt(box=(10, 10, 200, 300)))
    assert len(prompts) > 2 * SLOTS
    done: list[int] = []
    masks, scores = ready.predict_many(prompts, progress=done.append)
    assert masks.shape == (len(prompts), HEIGHT, WIDTH)
    assert done == [SLOTS, SLOTS, len(prompts) - 2 * SLOTS]
    for prompt, mask, score in zip(prompts, masks, scores, strict=True):
        alone, alone_score = ready.predict_many([prompt])
        np.testing.assert_array_equal(alone[0], mask)
        np.testing.assert_allclose(alone_score[0], score, rtol=1e-5)


def test_no_prompt_at_all(ready: Segmenter) -> None:
    with pytest.raises(InputError, match="no prompt given; give at least one point or box"):
        ready.predict_many([])
    with pytest.raises(InputError, match="no point and no box; give at least one"):
        ready.predict()


def test_odd_prompts_are_refused_or_finite(ready: Segmenter) -> None:
    for point in ([[0, 0]], [[WIDTH, HEIGHT]], [[0, HEIGHT]]):
        logits, _ = ready.predict(point, return_logits=True)
        assert np.isfinite(logits).all()
    for box in ([-50, -50, 10, 10], [600, 400, 9999, 9999], [-9e9, -9e9, 9e9, 9e9]):
        logits, _ = ready.predict(box=box, return_logits=True)
        assert np.isfinite(logits).all()
    for refused in ({"box": [5, 5, 5, 5]}, {"box": [-9, -9, -1, -1]}, {"point_coords": [[WIDTH + 1, 5]]}):
        with pytest.raises(InputError):
            ready.predict(**refused)
    with pytest.raises(UnsupportedError):
        ready.predict([[1, 2], [3, 4]])


def test_one_bad_prompt_among_many_stops_all_before_anything_runs(ready: Segmenter) -> None:
    with pytest.raises(InputError, match="lies outside of the picture"):
        ready.predict_many([Prompt(((1, 1),), (1,)), Prompt(((-1, 1),), (1,))])


def test_a_new_picture_replaces_the_old_one(segmenter: Segmenter) -> None:
    segmenter.set_image(photo("flower.jpg"))
    flower = segmenter.instances(max_per_image=5)
    segmenter.set_image(photo("china.jpg")[:200, :300])
    assert segmenter.predict([[299, 199]])[0].shape == (1, 200, 300)
    again = segmenter.instances(max_per_image=5)
    assert not np.array_equal(again.scores, flower.scores)
    alone = Segmenter(segmenter.runner)
    alone.set_image(photo("china.jpg")[:200, :300])
    np.testing.assert_array_equal(again.scores, alone.instances(max_per_image=5).scores)
    with pytest.raises(InputError, match="lies outside of the picture of 300 x 200 px"):
        segmenter.predict([[301, 10]])


def test_a_refused_picture_leaves_the_old_one(ready: Segmenter, tmp_path: Path) -> None:
    before = ready.predict(CLICK)[0]
    with pytest.raises(InputError):
        ready.set_image(tmp_path / "gone.jpg")
    np.testing.assert_array_equal(ready.predict(CLICK)[0], before)


def test_panoptic_names_every_pixel_once(ready: Segmenter) -> None:
    found = ready.panoptic(object_mask_thr=0.02, iou_thr=0.1)
    assert found.map.shape == (HEIGHT, WIDTH)
    assert len(found.segments) >= 2
    assert sorted({s.id for s in found.segments} | {133}) == sorted(set(np.unique(found.map).tolist()) | {133})
    for segment in found.segments:
        mask = found.map == segment.id
        assert segment.area == mask.sum() > 0
        x1, y1, x2, y2 = segment.box
        assert mask[y1:y2, x1:x2].sum() == segment.area
        assert segment.is_thing == (segment.label < 80)
    covered = (found.map == 133).sum() + sum(segment.area for segment in found.segments)
    assert covered == HEIGHT * WIDTH


def test_panoptic_is_void_where_nothing_is_sure(ready: Segmenter) -> None:
    nothing = ready.panoptic(object_mask_thr=1.0)
    assert nothing.segments == ()
    assert (nothing.map == 133).all()


def test_thresholds_of_the_contract_are_the_default(ready: Segmenter) -> None:
    limits = ready.contract.thresholds
    given = ready.panoptic(object_mask_thr=limits.object_mask, iou_thr=limits.iou)
    np.testing.assert_array_equal(ready.panoptic().map, given.map)


def test_instances_fall_by_score(ready: Segmenter) -> None:
    found = ready.instances(max_per_image=12)
    assert 0 < len(found) <= 12
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert (found.labels < 80).all()
    for mask, box in zip(found.masks, found.boxes, strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if rows.size:
            assert box.tolist() == [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def test_the_object_graph_runs_once_a_picture(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Segmenter.open(made.bundle)
    calls: list[Graph] = []
    run = counted.runner.run

    def counting(graph: Graph, inputs: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        calls.append(graph)
        return run(graph, inputs)

    monkeypatch.setattr(counted.runner, "run", counting)
    counted.set_image(photo())
    counted.panoptic()
    counted.instances()
    counted.predict(CLICK)
    counted.predict(box=BOX)
    assert calls == [Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS, Graph.PROMPTS]


def test_everything_proposes_each_object_once(ready: Segmenter) -> None:
    found = ready.everything(max_proposals=12, overlap=0.99)
    assert 0 < len(found) <= 12
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    for proposal in found:
        assert proposal.mask.shape == (HEIGHT, WIDTH)
        assert proposal.area == proposal.mask.sum() > 0
        x1, y1, x2, y2 = map(int, proposal.box)
        assert proposal.mask[y1:y2, x1:x2].sum() == proposal.area
    assert len(ready.everything(max_proposals=12, overlap=0.5)) <= len(found)
    assert len(ready.everything(max_proposals=1)) == 1
