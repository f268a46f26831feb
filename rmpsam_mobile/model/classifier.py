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

    text_embeddings: Tensor

    def __init__(self, text_embeddings: Tensor) -> None:
        """Args: text_embeddings: [K, P, D], rows of unit length, classes with few synonyms repeat one."""
        super().__init__()
        self.register_buffer("text_embeddings", text_embeddings.clone(), persistent=False)

    @property
    def num_classes(self) -> int:
        """Classes without void."""
        return self.text_embeddings.shape[0]

    def forward(self, embeddings: Tensor) -> Tensor:
        """[B, Q, D] of any length -> class logits [B, Q, K + 1]."""
        classes, synonyms, depth = self.text_embeddings.shape
        unit = F.normalize(embeddings, dim=-1, eps=1e-12)
        table = self.text_embeddings.reshape(classes * synonyms, depth)
        cosine = F.linear(unit, table).unflatten(-1, (classes, synonyms))
        logits = LOGIT_SCALE * cosine.amax(-1)
        return torch.cat((logits, torch.zeros_like(logits[..., :1])), -1)  # quirk 8: a row of zeros is void
