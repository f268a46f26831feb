"""Classes by cosine similarity with fixed text embeddings: swap the embeddings, swap the classes."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# The official constant scale: exp of a float32 parameter that holds 4.6052; about 100.003.
LOGIT_SCALE = math.exp(float(torch.tensor(4.6052, dtype=torch.float32)))


class TextClassifier(nn.Module):
    """Largest cosine similarity over the synonyms of each class; the last class, void, is a constant logit of 0.

    The embeddings are a non-persistent buffer: official checkpoints do not hold them.
    """

    table: Tensor  # [K * P, D]

    def __init__(self, text_embeddings: Tensor) -> None:
        """Args: text_embeddings: [K, P, D], rows of unit length, classes with few synonyms repeat one."""
        super().__init__()
        self.num_classes, self.num_synonyms = text_embeddings.shape[:2]
        self.register_buffer("table", text_embeddings.flatten(0, 1).clone(), persistent=False)

    @property
    def text_embeddings(self) -> Tensor:
        """[K, P, D], as they were given."""
        return self.table.unflatten(0, (self.num_classes, self.num_synonyms))

    def forward(self, embeddings: Tensor) -> Tensor:
        """[B, Q, D] of any length -> class logits [B, Q, K + 1]."""
        unit = F.normalize(embeddings, dim=-1, eps=1e-12)
        cosine = F.linear(unit, self.table).unflatten(-1, (self.num_classes, self.num_synonyms))
        logits = LOGIT_SCALE * cosine.amax(-1)
        return torch.cat((logits, torch.zeros_like(logits[..., :1])), -1)  # quirk 8: a row of zeros is void
