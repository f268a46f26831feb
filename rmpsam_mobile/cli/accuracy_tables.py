"""Tables of ``evaluate``: one a protocol, from the report that ``--json`` prints."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from rmpsam_mobile.cli.console import table

if TYPE_CHECKING:
    from rich.table import Table

Report = dict[str, Any]


def accuracy_table(report: Report) -> "Table":
    """The report for people."""
    made: dict[str, Callable[[Report], Table]] = {
        "panoptic": _panoptic,
        "instance": _instance,
        "video": _video,
        "everything": _everything,
    }
    return made.get(report["protocol"], _prompts)(report)


def _prompts(report: Report) -> "Table":
    count = len(report["miou_by_click"])
    columns = ["mIoU %"] if count == 1 else [f"{i} click{'s' if i > 1 else ''} %" for i in range(1, count + 1)]
    targets = list(report["noc"]) if count > 1 else []
    title = _title(report, f"mIoU by {report['protocol']}")
    if "as_official" in report:
        title += f"; as the released code compares: {_percent(report['as_official']['miou'])} %"
    shown = table(title, "objects of", "objects", *columns, *(f"NoC@{name}" for name in targets))
    for name, row in _rows(report):
        means = row["miou_by_click"] or [None] * count
        noc = ("-" if row["noc"][name] is None else f"{row['noc'][name]:.2f}" for name in targets)
        shown.add_row(name, str(row["objects"]), *(_percent(mean) for mean in means), *noc)
    return shown


def _panoptic(report: Report) -> "Table":
    shown = table(_title(report, "panoptic quality"), "of", "pictures", "<segments", "classes", "PQ %", "SQ %", "RQ %")
    for name, row in _rows(report):
        for kind in ("all", "things", "stuff"):
            figures = row[kind]
            quality = (_percent(figures[key]) for key in ("pq", "sq", "rq"))
            shown.add_row(name, str(row.get("pictures", "")), kind, str(figures["categories"]), *quality)
    return shown


def _instance(report: Report) -> "Table":
    shown = _precision_columns(_title(report, "mask AP"))
    for kind in ("by_class", "class_agnostic"):
        _add_precision(shown, kind.replace("_", " "), report[kind])
    return shown


def _video(report: Report) -> "Table":
    precision = (f"{kind.replace('_', ' ')} {_percent(row['ap'])} %" for kind, row in report["video_ap"].items())
    title = _title(report, "best track of each object") + f"; video AP {', '.join(precision)}"
    columns = ("J %", "F %", "J > 0.5 %", "in view %")
    shown = table(title, "clip", "<object", "<found as", "tracks", *columns)
    for row in report["by_object"]:
        shown.add_row(row["clip"], row["category"] or "-", row["found_as"] or "-", str(row["tracks"]), *_followed(row))
    for name, row in _rows(report):
        shown.add_row(name, f"{row['objects']} objects", "", "", *_followed(row))
    return shown


def _everything(report: Report) -> "Table":
    ratio = f"decoder time of the grid / object-aware {report['decoder_time_ratio']:.1f}"
    limits = [key for key in report["grid"] if key.startswith("ar")]
    columns = (*(f"AR@{key[2:]} %" for key in limits), "decoder ms", "calls", "proposals")
    shown = table(f"{_title(report, 'everything')}; {ratio}", "<way", "<objects of", *columns)
    for way in ("object_aware", "grid"):
        part = report[way]
        for name, row in _rows(part):
            rest = (f"{part[key]:.1f}" for key in ("decoder_ms", "decoder_calls", "proposals")) if name == "all" else ()
            shown.add_row(way.replace("_", "-"), name, *(_percent(row[key]) for key in limits), *rest)
    return shown


def _precision_columns(title: str) -> "Table":
    return table(title, "<names", "<objects of", "objects", "AP %", "AP50 %", "AP75 %", "AR@1 %", "AR@10 %", "AR@100 %")


def _add_precision(shown: "Table", kind: str, report: Report) -> None:
    for name, row in _rows(report):
        figures = (_percent(row[key]) for key in ("ap", "ap50", "ap75", "ar1", "ar10", "ar100"))
        shown.add_row(kind, name, str(row["objects"]), *figures)


def _rows(report: Report) -> Iterator[tuple[str, Report]]:
    """Figures by collection, by size and of all."""
    yield from report["by_source"].items()
    yield from ((f"{name} of the picture", row) for name, row in report["by_size"].items())
    yield "all", report


def _followed(row: Report) -> Iterator[str]:
    return (_percent(row[key]) for key in ("j", "f", "recall", "identity"))


def _title(report: Report, what: str) -> str:
    return f"{what}, {report['model']['preset']}_{report['size']}, {report['engine']}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
