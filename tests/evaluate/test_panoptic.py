"""A panoptic split from disk to figures: names, collections, and what does not meet."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError, UnsupportedError
from rmpsam_mobile.evaluate import (
    NamedPicture,
    Tally,
    measure_panoptic,
    open_panoptic,
    panoptic_report,
    require_classes,
)
from rmpsam_mobile.postprocess import panoptic_segments
from rmpsam_mobile.runtime import Panoptic
from tests.evaluate.measuring_sets import HEIGHT, WIDTH, contract, noise, write_panoptic

CAR, TOASTER, PERSON, SKY = range(4)
NAMES = ("car", "toaster", "person", "sky-other-merged")
VOID = len(NAMES)

STREET = np.zeros((HEIGHT, WIDTH), int)  # a person, a car, sky, a space ship, void
STREET[20:, :10], STREET[20:, 10:20], STREET[:20], STREET[20:, 20:30] = 300, 70_000, 5, 6
SEGMENTS = [(300, 1, 0), (70_000, 2, 0), (5, 90, 0), (6, 91, 0)]


class Drawn:
    """Answers with these maps, one a picture: class + 1000 * instance."""

    def __init__(self, *maps: NDArray[np.int_], names: tuple[str, ...] = NAMES) -> None:
        self.contract = contract(class_names=names, num_things=3)
        self._maps = iter(maps)

    def set_image(self, image: NDArray[np.uint8], /) -> None:
        assert image.shape == (HEIGHT, WIDTH, 3)
        self._map = next(self._maps).astype(np.int32)

    def panoptic(self) -> Panoptic:
        return Panoptic(self._map, tuple(panoptic_segments(self._map, 3, len(self.contract.class_names))))


def drawn_street() -> NDArray[np.int_]:
    found = np.full((HEIGHT, WIDTH), VOID)
    found[20:, :10], found[20:, 10:20], found[:20] = PERSON + 1000, CAR + 2000, SKY
    return found


def measured(folder: Path, model: Drawn) -> tuple[list[NamedPicture], dict[str, object]]:
    truth = open_panoptic(folder, "val").content
    scores = measure_panoptic(model, truth)
    return scores, panoptic_report(scores, truth, model.contract)


def tallies(picture: NamedPicture) -> dict[int, Tally]:
    """Counts by category of a picture without two segments of one category."""
    return {outcome.category: outcome.tally for outcome in picture.outcomes}


def test_classes_meet_categories_by_name(tmp_path: Path) -> None:
    scores, report = measured(write_panoptic(tmp_path / "set", {"coco": (STREET, SEGMENTS)}), Drawn(drawn_street()))
    assert [picture.source for picture in scores] == ["coco"]
    assert tallies(scores[0]) == {1: Tally(1, 1), 2: Tally(1, 1), 90: Tally(1, 1), 91: Tally(missed=1)}
    assert report["unknown_categories"] == [{"id": 91, "name": "spaceship", "segments": 1}]
    assert report["all"] == {"pq": 0.75, "sq": 0.75, "rq": 0.75, "categories": 4}
    assert report["things"] == pytest.approx({"pq": 2 / 3, "sq": 2 / 3, "rq": 2 / 3, "categories": 3})
    assert report["stuff"] == {"pq": 1, "sq": 1, "rq": 1, "categories": 1}
    assert isinstance(report["by_category"], list)
    assert report["by_category"][0].items() >= {"id": 1, "name": "person", "pq": 1.0, "matched": 1}.items()
    assert report["foreign_segments"] == 0


def test_a_class_that_the_data_does_not_have(tmp_path: Path) -> None:
    found = drawn_street()
    found[20:, :10] = TOASTER + 1000
    scores, _ = measured(write_panoptic(tmp_path / "set", {"coco": (STREET, SEGMENTS)}), Drawn(found))
    assert scores[0].foreign_segments == 1
    assert tallies(scores[0]) == {1: Tally(missed=1), 2: Tally(1, 1), 90: Tally(1, 1), 91: Tally(missed=1)}


def test_collections_by_themselves_the_largest_first(tmp_path: Path) -> None:
    folder = write_panoptic(tmp_path / "set", {"few": (STREET, SEGMENTS), "a": (STREET, SEGMENTS), "b": (STREET, [])})
    annotations = folder / "annotations" / "panoptic_val.json"
    document = json.loads(annotations.read_text())
    document["images"][2]["source"] = "a"
    document["annotations"][2]["segments_info"] = document["annotations"][1]["segments_info"]
    annotations.write_text(json.dumps(document))
    nothing = np.full((HEIGHT, WIDTH), VOID)
    _, report = measured(folder, Drawn(nothing, drawn_street(), nothing))
    by_source = report["by_source"]
    assert isinstance(by_source, dict)
    assert [(name, row["pictures"]) for name, row in by_source.items()] == [("a", 2), ("few", 1)]
    assert by_source["few"]["all"]["pq"] == 0
    assert by_source["a"]["stuff"]["pq"] == pytest.approx(1 / 1.5)  # one found, one missed
    assert report["stuff"] == {"pq": 0.5, "sq": 1, "rq": 0.5, "categories": 1}
    assert report["pictures"] == 3


def test_quality_by_size(tmp_path: Path) -> None:
    """Person and car 10 %, ship 10 %, sky half of the picture; of the sky a car of 0.5 % is taken by mistake."""
    found = drawn_street()
    found[:2, :5] = CAR + 3000
    _, report = measured(write_panoptic(tmp_path / "set", {"coco": (STREET, SEGMENTS)}), Drawn(found))
    by_size = report["by_size"]
    assert isinstance(by_size, dict)
    assert by_size["<1%"]["all"] == {"pq": 0, "sq": 0, "rq": 0, "categories": 1}
    assert by_size["1-5%"]["all"] == {"pq": None, "sq": None, "rq": None, "categories": 0}
    assert by_size["5-20%"]["all"] == pytest.approx({"pq": 2 / 3, "sq": 2 / 3, "rq": 2 / 3, "categories": 3})
    assert by_size[">20%"]["all"] == pytest.approx({"pq": 0.99, "sq": 0.99, "rq": 1, "categories": 1})
    assert report["things"] == pytest.approx(
        {"pq": (1 + 2 / 3) / 3, "sq": 2 / 3, "rq": (1 + 2 / 3) / 3, "categories": 3}
    )


def test_crowds_come_from_the_file(tmp_path: Path) -> None:
    segments = [(300, 1, 1), *SEGMENTS[1:]]
    found = drawn_street()
    found[30:, :10] = VOID  # half of the crowd is found as one person: not held against the model
    scores, _ = measured(write_panoptic(tmp_path / "set", {"coco": (STREET, segments)}), Drawn(found))
    assert 1 not in tallies(scores[0])


def test_no_common_name(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        measured(
            write_panoptic(tmp_path / "set", {"coco": (STREET, SEGMENTS)}),
            Drawn(drawn_street(), names=("class 0", "class 1", "class 2", "class 3")),
        )
    assert str(caught.value) == (
        "none of the model's 4 classes is among the 4 categories of the data set; "
        "give data with its names, or a --classifier for these"
    )


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    folder = write_panoptic(tmp_path / "set", {"coco": (STREET, SEGMENTS[:3])})
    with pytest.raises(InputError, match=r"0\.png: holds the id 6, which the annotations do not name; copy the "):
        measured(folder, Drawn(drawn_street()))
    Image.fromarray(noise(0)[:30]).save(folder / "val" / "0.png")
    folder_of_all = write_panoptic(tmp_path / "other", {"coco": (STREET, SEGMENTS)})
    (folder / "val" / "0.png").replace(folder_of_all / "val" / "0.png")
    with pytest.raises(InputError) as caught:
        measured(folder_of_all, Drawn(drawn_street()))
    assert str(caught.value) == "0.png: the picture is 50 x 30 px, its map 50 x 40 px; leave it out"


def test_a_category_that_is_not_listed(tmp_path: Path) -> None:
    folder = write_panoptic(tmp_path / "set", {"coco": (STREET, [*SEGMENTS[:3], (6, 77, 0)])})
    with pytest.raises(InputError, match=r"segments have the category 77, which it does not list; copy the data set"):
        open_panoptic(folder, "val")


def test_a_model_without_classes_says_so() -> None:
    message = (
        "told has no class embeddings here, so it names and follows nothing; give a checkpoint with "
        "--classifier FILE, or measure --protocol box"
    )
    for names, graphs in ((NAMES, (Graph.ENCODER, Graph.PROMPTS)), ((), tuple(Graph))):
        with pytest.raises(UnsupportedError) as caught:
            require_classes(contract(class_names=names), graphs)
        assert str(caught.value) == message
    require_classes(contract(class_names=NAMES), (Graph.ENCODER, Graph.OBJECTS))
