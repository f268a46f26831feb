"""Pictures and videos with masks, from the layouts that people have."""

from rmpsam_mobile.data.coco import read_coco_instances, read_coco_panoptic
from rmpsam_mobile.data.folder import read_folder
from rmpsam_mobile.data.manifest import read_eval_manifest, read_manifest
from rmpsam_mobile.data.records import ObjectLabel, Prompted, Record, Skipped
from rmpsam_mobile.data.youtube_vis import Clip, read_youtube_vis

__all__ = [
    "Clip",
    "ObjectLabel",
    "Prompted",
    "Record",
    "Skipped",
    "read_coco_instances",
    "read_coco_panoptic",
    "read_eval_manifest",
    "read_folder",
    "read_manifest",
    "read_youtube_vis",
]
