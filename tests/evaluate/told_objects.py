"""A model that answers from the picture's brightness, here or in another process; all but its network is real."""

import time
from collections.abc import Sequence

import numpy as np

from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, PointLabel, Size, graph_spec
from rmpsam_mobile.errors import UnsupportedError
from rmpsam_mobile.preprocess import MEAN, STD
from rmpsam_mobile.runtime import Array, Segmenter

NAMES = ("person", "car", "sky-other-merged")


class ToldRunner:
    """Two queries: a person in the picture's left half, a car in its right half; prompts get their own box or disc."""

    engine = "told"
    graphs = (Graph.ENCODER, Graph.OBJECTS, Graph.PROMPTS)

    def __init__(self, *, slow_ms: float = 0.0) -> None:
        sizes = GraphSizes(size=Size(64, 64), channels=3, num_queries=2, num_classes=len(NAMES), num_points=8)
        self.contract = ModelContract(
            preset="told",
            trained=True,
            sizes=sizes,
            mean=MEAN,
            std=STD,
            click_half_width=3.0,
            class_names=NAMES,
            num_things=2,
        )
        self._slow_ms = slow_ms

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """What the borders promise, from closed forms."""
        if graph not in self.graphs:
            raise UnsupportedError(f"no {graph}")
        for spec, value in zip(graph_spec(graph, self.contract.sizes).inputs, inputs, strict=True):
            assert value.shape == spec.shape
        if graph is Graph.ENCODER:
            return (inputs[0][:, :, ::4, ::4].astype(np.float32),)
        if graph is Graph.OBJECTS:
            return self._objects(inputs[0])
        time.sleep(self._slow_ms / 1e3)
        return self._prompts(*inputs)

    def _objects(self, features: Array) -> tuple[Array, ...]:
        columns = np.arange(16) + 0 * np.arange(16)[:, None]
        masks = np.where(np.stack((columns < 6, columns >= 8)), 3.0, -3.0).astype(np.float32)
        classes = np.array([[5, 0, 0, 0], [0, 3, 0, 0]], np.float32)
        return classes[None], masks[None], np.zeros((1, 2, 3), np.float32) + features.mean()

    def _prompts(self, features: Array, points: Array, labels: Array, boxes: Array, _: Array) -> tuple[Array, Array]:
        y, x = (4 * axis + 2 for axis in np.ogrid[:16, :16])
        masks = np.zeros((1, labels.shape[1], 16, 16), np.float32)
        for mask, ((px, py), *_rest), label, (x1, y1, x2, y2) in zip(
            masks[0], points[0], labels[0], boxes[0], strict=True
        ):
            if label[-1] == PointLabel.FOREGROUND:
                mask[:] = np.where((x > x1) & (x < x2) & (y > y1) & (y < y2), 3, -3)
            elif label[0] == PointLabel.FOREGROUND:
                mask[:] = 4 - np.hypot(x - px, y - py) / 3
        iou = masks.mean((2, 3)) / 4 + features.std()
        return masks, iou.astype(np.float32)


def opened(slow_ms: float = 0.0) -> Segmenter:
    """By name, so that other processes can open it too."""
    return Segmenter(ToldRunner(slow_ms=slow_ms))
