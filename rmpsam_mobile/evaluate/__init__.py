"""Accuracy of the very file that ships: prompted masks, names, objects in pictures and clips, everything at once."""

from rmpsam_mobile.evaluate.boundary import boundary_measure, boundary_similarity
from rmpsam_mobile.evaluate.classes import require_classes
from rmpsam_mobile.evaluate.clicks import next_click
from rmpsam_mobile.evaluate.detection import (
    FoundMask,
    Scene,
    TrueMask,
    average_precision,
    average_recall,
    match_ranks,
)
from rmpsam_mobile.evaluate.everything import EverythingScore, WayScore, propose_everything
from rmpsam_mobile.evaluate.instance_truth import TrueObject, TrueObjects
from rmpsam_mobile.evaluate.instances import FoundObject, find_instances
from rmpsam_mobile.evaluate.iou import mask_iou
from rmpsam_mobile.evaluate.journal import Journal
from rmpsam_mobile.evaluate.number_of_clicks import number_of_clicks, official_truth
from rmpsam_mobile.evaluate.panoptic import NamedPicture, measure_panoptic
from rmpsam_mobile.evaluate.panoptic_quality import Outcome, Quality, Tally, TrueSegment, average, compare_maps
from rmpsam_mobile.evaluate.panoptic_truth import PanopticTruth, read_panoptic_truth
from rmpsam_mobile.evaluate.prompts import ObjectScore, ask_objects, measure_prompts, require_clicks
from rmpsam_mobile.evaluate.region_similarity import best_tracks, region_similarity
from rmpsam_mobile.evaluate.report import (
    everything_report,
    heading,
    instances_report,
    panoptic_report,
    prompts_report,
    target,
    video_report,
)
from rmpsam_mobile.evaluate.run import measure_units
from rmpsam_mobile.evaluate.sets import (
    MAX_CLICKS,
    PROTOCOLS,
    Measuring,
    open_clips,
    open_objects,
    open_panoptic,
    open_prompted,
)
from rmpsam_mobile.evaluate.sizes import SIZES, size_of
from rmpsam_mobile.evaluate.tasks import Task, TaskOptions, open_task
from rmpsam_mobile.evaluate.video import MIN_SCORE, ClipAnswer, ClipScore, FoundTrack, follow_clip, measure_video

__all__ = [
    "MAX_CLICKS",
    "MIN_SCORE",
    "PROTOCOLS",
    "SIZES",
    "ClipAnswer",
    "ClipScore",
    "EverythingScore",
    "FoundMask",
    "FoundObject",
    "FoundTrack",
    "Journal",
    "Measuring",
    "NamedPicture",
    "ObjectScore",
    "Outcome",
    "PanopticTruth",
    "Quality",
    "Scene",
    "Tally",
    "Task",
    "TaskOptions",
    "TrueMask",
    "TrueObject",
    "TrueObjects",
    "TrueSegment",
    "WayScore",
    "ask_objects",
    "average",
    "average_precision",
    "average_recall",
    "best_tracks",
    "boundary_measure",
    "boundary_similarity",
    "compare_maps",
    "everything_report",
    "find_instances",
    "follow_clip",
    "heading",
    "instances_report",
    "mask_iou",
    "match_ranks",
    "measure_panoptic",
    "measure_prompts",
    "measure_units",
    "measure_video",
    "next_click",
    "number_of_clicks",
    "official_truth",
    "open_clips",
    "open_objects",
    "open_panoptic",
    "open_prompted",
    "open_task",
    "panoptic_report",
    "prompts_report",
    "propose_everything",
    "read_panoptic_truth",
    "region_similarity",
    "require_classes",
    "require_clicks",
    "size_of",
    "target",
    "video_report",
]
