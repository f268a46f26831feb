"""The classifier in operators that a delegate takes, each text row once.

before:  normalise; cosine with K x P rows, of which classes with few synonyms repeat one; amax over P; append a zero
after:   x * rsqrt(sum of squares); one product with the R different rows, scaled; a running maximum over levels;
         one product with a permutation that puts the classes back in order and the zero of "no object" behind them

Classes are sorted by their number of rows, so that level p, the p-th row of every class that has one, is a slice.
"""

from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rmpsam_mobile.export.rewrites.swap import swap_modules
from rmpsam_mobile.export.split import SplitModel
from rmpsam_mobile.model.classifier import LOGIT_SCALE, TextClassifier

TINY = 1e-24  # square of the length below which the original stops dividing


class MergedClassifier(nn.Module):
    """``TextClassifier`` with R rows instead of K x P."""

    rows: Tensor  # [R, D], level by level
    ones: Tensor  # [1, D]
    order: Tensor  # [K + 1, K]

    def __init__(self, classifier: TextClassifier) -> None:
        super().__init__()
        different = [_different(rows) for rows in classifier.text_embeddings.detach()]  # K times [n, D]
        order = sorted(range(len(different)), key=lambda k: -len(different[k]))
        depth = len(different[order[0]])
        levels = [[different[k][level] for k in order if len(different[k]) > level] for level in range(depth)]
        self.ends = list(accumulate(len(level) for level in levels))
        table = torch.stack([row for level in levels for row in level])
        self.register_buffer("rows", (table.double() * LOGIT_SCALE).to(table.dtype))
        self.register_buffer("ones", table.new_ones(1, table.shape[1]))
        places = table.new_zeros(len(order) + 1, len(order))
        places[order, range(len(order))] = 1
        self.register_buffer("order", places)

    def forward(self, embeddings: Tensor) -> Tensor:
        """[1, Q, D] -> [1, Q, K + 1]."""
        length = F.linear(embeddings * embeddings, self.ones).clamp(min=TINY)
        logits = F.linear(embeddings * length.rsqrt(), self.rows)  # [1, Q, R]
        largest = logits[..., : self.ends[0]]
        for start, end in pairwise(self.ends):
            count = end - start
            deeper = torch.maximum(largest[..., :count], logits[..., start:end])
            largest = torch.cat((deeper, largest[..., count:]), -1) if count < self.ends[0] else deeper
        return F.linear(largest, self.order)


def merge_text_rows(split: SplitModel) -> list[str]:
    """Replace every classifier."""
    return swap_modules(split, TextClassifier, lambda classifier, _: MergedClassifier(classifier))


def _different(rows: Tensor) -> list[Tensor]:
    """Rows [P, D] that no earlier one equals."""
    kept: list[Tensor] = []
    for row in rows:
        if not any(torch.equal(row, other) for other in kept):
            kept.append(row)
    return kept
