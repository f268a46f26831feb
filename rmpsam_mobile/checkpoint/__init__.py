"""Files to weights: official, ImageNet and own checkpoints, read without running anything from them."""

from rmpsam_mobile.checkpoint.classifier import read_classifier
from rmpsam_mobile.checkpoint.layout import Kind, Recognised, recognise
from rmpsam_mobile.checkpoint.load import build_model, import_checkpoint, load_checkpoint, seeded_checkpoint
from rmpsam_mobile.checkpoint.shipped import named_weights, shipped_weights
from rmpsam_mobile.checkpoint.store import Card, Checkpoint, halved, read_checkpoint, save_checkpoint, weights_sha256
from rmpsam_mobile.checkpoint.unpickle import read_tensors
from rmpsam_mobile.checkpoint.vocabulary import read_vocabulary

__all__ = [
    "Card",
    "Checkpoint",
    "Kind",
    "Recognised",
    "build_model",
    "halved",
    "import_checkpoint",
    "load_checkpoint",
    "named_weights",
    "read_checkpoint",
    "read_classifier",
    "read_tensors",
    "read_vocabulary",
    "recognise",
    "save_checkpoint",
    "seeded_checkpoint",
    "shipped_weights",
    "weights_sha256",
]
