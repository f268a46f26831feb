"""Curves of a training run as one picture: losses on the left, overlap on the held-out part on the right.

python -m benchmarks.curves RUN [-o FILE.svg] [--title TEXT]

RUN is a run's folder, or what names of files begin with: docs/curves/run1 stands for run1_log.csv and
run1_held_out.csv. Needs matplotlib (pip install "rmpsam-mobile[train]").
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[list[int], list[float]]  # updates, values

HELD_OUT = {"box": "box", "click": "one click", "clicks3": "three clicks", "object_iou": "objects, matched"}
NO_LOSSES = ("rate", "gradient", "total")
SMOOTHED = 9  # rows of ten updates each


def main() -> None:
    """Read, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="with the suffix of its kind; RUN.svg where it is left out")
    parser.add_argument("--title", help="the name of RUN where it is left out")
    options = parser.parse_args()
    files = csv_files(options.run)
    absent = [str(path) for path in files if not path.is_file()]
    if absent:
        parser.error(f"there is no {' and no '.join(absent)}; give the folder of a run that was logged")
    output = options.output or options.run.with_name(f"{options.run.name}.svg")
    save(draw(*map(read_curves, files), title=options.title or options.run.name), output)


def csv_files(run: Path) -> tuple[Path, Path]:
    """The log and the held-out measurements of a run."""
    names = ("log.csv", "held_out.csv")
    log, held_out = (run / name if run.is_dir() else run.with_name(f"{run.name}_{name}") for name in names)
    return log, held_out


def read_curves(path: Path) -> dict[str, Curve]:
    """Curves by name, in the order of the file, whose columns are update, name and value."""
    curves: defaultdict[str, Curve] = defaultdict(lambda: ([], []))
    with path.open(newline="") as stream:
        for step, name, value in csv.reader(stream):
            curves[name][0].append(int(step))
            curves[name][1].append(float(value))
    return dict(curves)


def draw(log: Mapping[str, Curve], held_out: Mapping[str, Curve], *, title: str) -> "Figure":
    """Two plots side by side over the number of updates."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    for name, (steps, values) in log.items():
        if name not in NO_LOSSES:
            (line,) = left.plot(steps, smoothed(values), label=name.replace("_", " "), linewidth=1.5)
            left.plot(steps, values, color=line.get_color(), alpha=0.2, linewidth=0.7)
    left.set_yscale("log")
    _name(left, "Training", "weighted loss, running mean")
    for name, label in HELD_OUT.items():
        if name in held_out:
            steps, values = held_out[name]
            right.plot(steps, [100 * value for value in values], marker="o", label=label)
    _name(right, "Held-out part, averaged weights", "mean overlap in %")
    return figure


def smoothed(values: Sequence[float]) -> NDArray[np.float64]:
    """Mean of each value and its neighbours, fewer at both ends."""
    kernel = np.ones(min(SMOOTHED, len(values)))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")


def save(figure: "Figure", path: Path) -> None:
    """Write a picture; an SVG is the same file for the same curves."""
    from matplotlib import rc_context

    metadata = {"Date": None} if path.suffix == ".svg" else {}
    with rc_context({"svg.hashsalt": "curves", "svg.fonttype": "none"}):
        figure.savefig(path, metadata=metadata, dpi=110)


def _name(axes: "Axes", title: str, what: str) -> None:
    axes.set_title(title, fontsize="medium")
    axes.set_xlabel("updates")
    axes.set_ylabel(what)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize="small", ncols=4, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14))


if __name__ == "__main__":
    main()
