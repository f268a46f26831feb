"""The eager model as a Runner: the reference that every file is compared with."""

from collections.abc import Sequence

import torch

from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, Size
from rmpsam_mobile.errors import UnsupportedError
from rmpsam_mobile.model.graphs import build_graph
from rmpsam_mobile.model.rmpsam import RmpSam
from rmpsam_mobile.preprocess import MEAN, STD
from rmpsam_mobile.runtime.base import Array


class EagerRunner:
    """Runs an ``RmpSam`` graph by graph, in the model's own dtype; any number of slots and frames."""

    engine = "eager"

    def __init__(self, model: RmpSam, contract: ModelContract) -> None:
        self._model = model.eval()
        self.contract = contract
        with_classes = (Graph.OBJECTS, Graph.CLIP) if model.classifier is not None else ()
        self.graphs = (Graph.ENCODER, Graph.PROMPTS, *with_classes)

    def run(self, graph: Graph, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """See ``Runner.run``."""
        if graph not in self.graphs:
            raise UnsupportedError(f"{self.contract.preset} has no {graph} graph: it has no class embeddings")
        dtype = self._model.panoptic_head.kernels.weight.dtype
        frames = inputs[0].shape[2] // self.contract.sizes.size.grid[0] if graph is Graph.CLIP else 0
        with torch.inference_mode():
            outputs = build_graph(self._model, graph, frames)(*(torch.as_tensor(x, dtype=dtype) for x in inputs))
        return tuple(out.numpy() for out in (outputs if isinstance(outputs, tuple) else (outputs,)))


def contract_of(model: RmpSam, sizes: GraphSizes) -> ModelContract:
    """The contract of an eager model; its classes and queries replace those in ``sizes``."""
    names = () if model.vocabulary is None else model.vocabulary.names
    return ModelContract(
        preset=model.preset,
        trained=model.trained,
        sizes=sizes_of(model, sizes),
        mean=MEAN,
        std=STD,
        click_half_width=model.config.click_half_width,
        class_names=names,
        num_things=0 if model.vocabulary is None else model.vocabulary.num_things,
        thresholds=model.thresholds,
    )


def sizes_of(model: RmpSam, sizes: GraphSizes) -> GraphSizes:
    """``sizes`` with the widths and counts of this model."""
    return GraphSizes(
        size=Size(*sizes.size),
        channels=model.config.width,
        query_width=None,
        num_queries=model.config.num_queries,
        num_classes=0 if model.classifier is None else model.classifier.num_classes,
        num_slots=sizes.num_slots,
        num_points=model.config.num_points,
        clip_frames=sizes.clip_frames,
    )
