"""Pictures and videos with masks, from the layouts that people have, and the stream of samples to train on."""

from rmpsam_mobile.data.augment import Augmentation, augment
from rmpsam_mobile.data.coco import read_coco_instances, read_coco_panoptic
from rmpsam_mobile.data.folder import read_folder
from rmpsam_mobile.data.manifest import read_eval_manifest, read_manifest
from rmpsam_mobile.data.records import ObjectLabel, Prompted, Record, Skipped
from rmpsam_mobile.data.sa1b import read_sa1b, stream_sa1b
from rmpsam_mobile.data.samples import Sample, Task
from rmpsam_mobile.data.sources import DataSources, hold_out, open_data
from rmpsam_mobile.data.stream import SampleStream, StreamSettings
from rmpsam_mobile.data.youtube_vis import Clip, read_youtube_vis

__all__ = [
    "Augmentation",
    "Clip",
    "DataSources",
    "ObjectLabel",
    "Prompted",
    "Record",
    "Sample",
    "SampleStream",
    "Skipped",
    "StreamSettings",
    "Task",
    "augment",
    "hold_out",
    "open_data",
    "read_coco_instances",
    "read_coco_panoptic",
    "read_eval_manifest",
    "read_folder",
    "read_manifest",
    "read_sa1b",
    "read_youtube_vis",
    "stream_sa1b",
]
