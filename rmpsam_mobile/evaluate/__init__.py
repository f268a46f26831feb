"""Accuracy of the very file that ships: prompted masks, panoptic quality, and objects followed through clips."""

from rmpsam_mobile.evaluate.classes import require_classes
from rmpsam_mobile.evaluate.clicks import next_click
from rmpsam_mobile.evaluate.clips import MIN_SCORE, ClipScore, measure_clips
from rmpsam_mobile.evaluate.iou import mask_iou
from rmpsam_mobile.evaluate.panoptic import PanopticScores, measure_panoptic
from rmpsam_mobile.evaluate.panoptic_quality import Quality, Tally, TrueSegment, average, compare_maps
from rmpsam_mobile.evaluate.panoptic_truth import PanopticTruth, read_panoptic_truth
from rmpsam_mobile.evaluate.prompts import ObjectScore, measure_prompts, require_clicks
from rmpsam_mobile.evaluate.region_similarity import best_tracks, region_similarity
from rmpsam_mobile.evaluate.report import clips_report, heading, panoptic_report, prompts_report
from rmpsam_mobile.evaluate.sets import MAX_CLICKS, PROTOCOLS, Measuring, open_clips, open_panoptic, open_prompted

__all__ = [
    "MAX_CLICKS",
    "MIN_SCORE",
    "PROTOCOLS",
    "ClipScore",
    "Measuring",
    "ObjectScore",
    "PanopticScores",
    "PanopticTruth",
    "Quality",
    "Tally",
    "TrueSegment",
    "average",
    "best_tracks",
    "clips_report",
    "compare_maps",
    "heading",
    "mask_iou",
    "measure_clips",
    "measure_panoptic",
    "measure_prompts",
    "next_click",
    "open_clips",
    "open_panoptic",
    "open_prompted",
    "panoptic_report",
    "prompts_report",
    "read_panoptic_truth",
    "region_similarity",
    "require_classes",
    "require_clicks",
]
