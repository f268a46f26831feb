"""From the network's logits to what a person asked for: label maps, instances, tracks. numpy only."""

from rmpsam_mobile.postprocess.instances import Instances, instances, top_pairs
from rmpsam_mobile.postprocess.panoptic import PanopticSegment, panoptic, panoptic_segments
from rmpsam_mobile.postprocess.resample import PictureMasks, masks_to_picture, upsample
from rmpsam_mobile.postprocess.tracking import Tracks, clip_ends, link_queries, track_instances

__all__ = [
    "Instances",
    "PanopticSegment",
    "PictureMasks",
    "Tracks",
    "clip_ends",
    "instances",
    "link_queries",
    "masks_to_picture",
    "panoptic",
    "panoptic_segments",
    "top_pairs",
    "track_instances",
    "upsample",
]
