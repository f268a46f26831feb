"""Frames of a clip as one tall map, and back: how the object path sees time (RMP-SAM, section 3.2).

Letters: B clips, T frames, C width, Q queries, h x w the mask grid of one frame.
"""

from torch import Tensor


def stack_frames(features: Tensor, num_frames: int) -> Tensor:
    """Lay frames under one another: [B * T, C, h, w] -> [B, C, T * h, w]."""
    total, channels, height, width = features.shape
    frames = features.reshape(total // num_frames, num_frames, channels, height, width)
    return frames.transpose(1, 2).reshape(-1, channels, num_frames * height, width)


def unstack_masks(mask_logits: Tensor, num_frames: int) -> Tensor:
    """Cut tall masks into frames: [B, Q, T * h, w] -> [B, Q, T, h, w]."""
    return mask_logits.unflatten(2, (num_frames, mask_logits.shape[2] // num_frames))
