"""Where class scores become names: panoptic quality of training pictures by both thresholds, for choosing them.

python -m benchmarks.panoptic_thresholds MODEL --data PANOPTIC [--split train] [--limit N]

A network that has seen few objects is rarely sure, and the official 0.8 leaves most of what it finds without a name.
What is chosen is stored with the weights: rmpsam-mobile import MODEL --object-mask 0.5 --iou 0.6 -o FILE. Choose on
pictures of the training part, never on those that are reported.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

from rmpsam_mobile.checkpoint import named_weights
from rmpsam_mobile.cli.console import counter, print_table, table
from rmpsam_mobile.evaluate import open_panoptic
from rmpsam_mobile.evaluate.panoptic import ids_of_classes
from rmpsam_mobile.evaluate.panoptic_quality import Tally, average, segment_outcomes
from rmpsam_mobile.evaluate.panoptic_truth import PanopticTruth, TruePicture
from rmpsam_mobile.picture import read_picture
from rmpsam_mobile.runtime import Segmenter

RESULTS: Final = Path(__file__).parent / "results"
SCORES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
SHARES: Final = (0.4, 0.6, 0.8)
ALL: Final = "all"

Pair = tuple[float, float]


def main() -> None:
    """Measure, store and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder in COCO's panoptic layout")
    parser.add_argument("--split", default="train")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the report")
    options = parser.parse_args()
    segmenter = Segmenter.open(named_weights(options.model))
    rows = sweep(segmenter, open_panoptic(options.data, options.split, options.limit).content)
    report = {"model": segmenter.contract.preset, "split": options.split, "pq": rows}
    name = f"panoptic_thresholds_{options.model.stem}.json"
    (options.results / name).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    show(f"PQ in % on {options.split}, by source", rows)


def sweep(segmenter: Segmenter, truth: PanopticTruth) -> list[dict[str, Any]]:
    """Panoptic quality, 0..1, of every pair of thresholds: over all pictures and by source."""
    category_ids = ids_of_classes(segmenter.contract, truth)
    tallies: dict[Pair, dict[str, defaultdict[int, Tally]]] = {
        pair: defaultdict(lambda: defaultdict(Tally)) for pair in product(SCORES, SHARES)
    }
    with counter("pictures", len(truth.pictures)) as progress:
        for picture in truth.pictures:
            segmenter.set_image(read_picture(picture.picture))
            for pair, found in tallies.items():
                for category, tally in _named(segmenter, picture, category_ids, pair):
                    for source in (ALL, picture.source):
                        found[source][category] += tally
            progress(1)
    return [
        {"object_mask": score, "iou": share}
        | {source: average(counts, list(counts)).pq for source, counts in sorted(tallies[score, share].items())}
        for score, share in tallies
    ]


def _named(
    segmenter: Segmenter, picture: TruePicture, category_ids: list[int | None], pair: Pair
) -> Iterable[tuple[int, Tally]]:
    found = segmenter.panoptic(object_mask_thr=pair[0], iou_thr=pair[1])
    named = {segment.id: category_ids[segment.label] for segment in found.segments}
    known = {value: category for value, category in named.items() if category is not None}
    for outcome in segment_outcomes(picture.map(), picture.segments, found.map, known):
        yield outcome.category, outcome.tally


def show(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """A line a pair."""
    sources = sorted({name for row in rows for name in row} - {"object_mask", "iou"})
    shown = table(title, "score", "kept share", *sources)
    for row in rows:
        cells = (f"{100 * row[source]:.2f}" if row.get(source) is not None else "" for source in sources)
        shown.add_row(f"{row['object_mask']:g}", f"{row['iou']:g}", *cells)
    print_table(shown)


if __name__ == "__main__":
    main()
