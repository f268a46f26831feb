"""The separately run parts of the network as modules: encoder, object decoder, prompt decoder, clip decoder.

They recombine trained parts; the network itself does not know that it is exported. Borders are those of
``contracts.graph_spec``. Letters as in contracts.py.
"""

from torch import Tensor, nn

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.model.clip import unstack_masks
from rmpsam_mobile.model.prompt import PromptSet
from rmpsam_mobile.model.rmpsam import RmpSam


class EncoderGraph(nn.Module):
    """``encoder(pixel_values) -> mask_features``."""

    def __init__(self, model: RmpSam) -> None:
        super().__init__()
        self.backbone, self.neck = model.backbone, model.neck

    def forward(self, pixel_values: Tensor) -> Tensor:
        """[1, 3, H, W] -> [1, C, h, w]."""
        return self.neck(self.backbone(pixel_values))


class ObjectsGraph(nn.Module):
    """``objects(mask_features) -> class_logits, mask_logits, queries``."""

    def __init__(self, model: RmpSam) -> None:
        super().__init__()
        if model.classifier is None:
            raise InputError(
                f"{model.preset} has no class embeddings for its object graph; import it with --classifier FILE"
            )
        self.panoptic_head, self.classifier = model.panoptic_head, model.classifier

    def forward(self, mask_features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[1, C, h, w] -> [1, Q, K + 1], [1, Q, h, w], [1, Q, C]."""
        state = self.panoptic_head.objects(mask_features)
        return self.classifier(state.class_embeddings), state.mask_logits, state.queries


class ClipGraph(ObjectsGraph):
    """``clip(mask_features) -> class_logits, mask_logits, queries`` over frames laid under one another.

    A clip with fewer frames is filled up with zero features, which is exact: their mask logits are 0, so no mask
    covers them and nothing of them is pooled.
    """

    def __init__(self, model: RmpSam, num_frames: int) -> None:
        super().__init__(model)
        self.num_frames = num_frames

    def forward(self, mask_features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[1, C, T * h, w] -> [1, Q, K + 1], [1, Q, T, h, w], [1, Q, C]."""
        class_logits, mask_logits, queries = super().forward(mask_features)
        return class_logits, unstack_masks(mask_logits, self.num_frames), queries


class PromptsGraph(nn.Module):
    """``prompts(mask_features, points, labels, boxes, image_size) -> mask_logits, iou`` in N fixed slots.

    A slot holds P labelled points and at most one box; official models have P = 1 and read the box where there is one,
    else the point. An empty slot gives zeros and never changes another slot.
    """

    def __init__(self, model: RmpSam) -> None:
        super().__init__()
        self.panoptic_head = model.panoptic_head

    def forward(
        self, mask_features: Tensor, points: Tensor, labels: Tensor, boxes: Tensor, image_size: Tensor
    ) -> tuple[Tensor, Tensor]:
        """[1, C, h, w], [1, N, P, 2], [1, N, P + 1], [1, N, 4], [1, 2] -> [1, N, h, w], [1, N]."""
        state = self.panoptic_head.answer(mask_features, PromptSet(points, labels, boxes), image_size)
        return state.mask_logits, state.iou


def build_graph(model: RmpSam, graph: Graph, clip_frames: int = 0) -> nn.Module:
    """Wrap the part of ``model`` that ``graph`` names; weights are shared with it."""
    if graph is Graph.CLIP:
        return ClipGraph(model, clip_frames).eval()
    return {Graph.ENCODER: EncoderGraph, Graph.OBJECTS: ObjectsGraph, Graph.PROMPTS: PromptsGraph}[graph](model).eval()
