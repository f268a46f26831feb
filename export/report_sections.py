"""The rewrite report as titled paragraphs and tables, which Markdown and HTML render alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rmpsam_mobile.export.graph_cost import Cost
from rmpsam_mobile.export.rewrite_report import (
    Errors,
    GraphChange,
    LayerChange,
    LoweredGraph,
    RewriteEffect,
    RewriteReport,
)

HOW_TO_READ: Final = (
    "Operators are ATen operators of the captured graph. Multiply-adds are those of products and convolutions. "
    "Weights are the bytes of float32 tensors that the graph reads. Of a lowered graph, delegated operators "
    "and multiply-adds are counted after the engine's decompositions; planned memory is without the delegate's own.",
    "An error is the largest difference of any output over that output's largest magnitude: against the graph as it "
    "was before this rewrite, and in the table of graphs against the untouched graph. Features that are handed on "
    "before loc_conv are mixed first. In float64 decoders see the features of the whole golden picture, in float32 the "
    "parity probe: a window of those features in which rounding can flip no mask pixel, and zero elsewhere.",
)


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first column is text, the others are figures unless their title starts with ``<``."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: str = ""  # the line that opens it; empty: always open


@dataclass(frozen=True)
class Section:
    """A title, then paragraphs, then tables."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def report_title(report: RewriteReport) -> str:
    """``Rewrites of rmpsam-mobile-tiny, 512 px, xnnpack``."""
    about = report.about
    return f"Rewrites of {about['model']['preset']}, {about['size']} px, {about['slots']} slots, {about['target']}"


def report_sections(report: RewriteReport) -> list[Section]:
    """All sections in the order of reading: results first, then each rewrite, then what was not done."""
    return [
        Section("Graphs", tables=tuple(_graph_tables(report))),
        Section("Rewrites, in order", tables=(_summary(report.rewrites),)),
        *(_rewrite_section(effect) for effect in report.rewrites if effect.graphs),
        Section("Not done", tables=tuple(_not_done(report))),
        Section("How to read this", (*HOW_TO_READ, *_remarks(report))),
    ]


def summary_tables(report: RewriteReport) -> list[Table]:
    """The rewrites in order, the graphs, and the lowered graphs where there are any."""
    return [_summary(report.rewrites), *_graph_tables(report)]


def error_text(error: float | None) -> str:
    """``3.1e-07``; ``0`` for equal outputs."""
    return "not finite" if error is None else f"{error:.1e}" if error else "0"


def count_text(count: int) -> str:
    """``1.46 G``, ``18.5 M``, ``920``."""
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= 0.9995 * unit:  # what three digits would round up to the unit
            return f"{count / unit:.3g} {name}" if count < 999.5 * unit else f"{count / unit:.0f} {name}"
    return str(count)


def bytes_text(size: int) -> str:
    """``4.14 MB``."""
    return count_text(size) + ("B" if size >= 1000 else " B")


def names_text(names: Mapping[str, int]) -> str:
    """``conv2d x3, relu``; a dash for none."""
    return ", ".join(f"{_short(name)} x{count}" if count > 1 else _short(name) for name, count in names.items()) or "-"


def change_text(before: str, after: str) -> str:
    """``12 → 9``, or ``12`` where nothing changed."""
    return before if before == after else f"{before} → {after}"


def _graph_tables(report: RewriteReport) -> Iterable[Table]:
    yield Table(
        ("graph", "operators", "multiply-adds", "weights", "error float32", "error float64"),
        tuple((t.graph, *_cost_cells(t.before, t.after), *_error_cells(t.errors)) for t in report.graphs),
    )
    lowered = [
        (f"{total.graph}, {when}", *_lowered_cells(found))
        for total in report.graphs
        for when, found in (("before", total.lowered_before), ("after", total.lowered_after))
        if found
    ]
    if lowered:
        figures = ("delegated", "multiply-adds", "file", "planned", "ms")
        yield Table(("lowered graph", *figures, "<not delegated"), tuple(lowered))


def _summary(effects: Sequence[RewriteEffect]) -> Table:
    columns = ("rewrite", "graph", "places", "error float32", "error float64", "operators", "multiply-adds", "weights")
    rows: list[tuple[str, ...]] = []
    for effect in effects:
        rows += [_summary_row(effect.name, change) for change in effect.graphs]
        if not effect.graphs:
            rows.append((effect.name, "nothing to do", *["-"] * 6))
    return Table(("rewrite", "<graph", *columns[2:]), tuple(rows))


def _summary_row(name: str, change: GraphChange) -> tuple[str, ...]:
    places = str(sum(change.places.values()))
    return name, change.graph, places, *_error_cells(change.errors), *_cost_cells(change.before, change.after)


def _rewrite_section(effect: RewriteEffect) -> Section:
    tables = [
        Table(
            ("graph", "<operators removed", "<operators added"),
            tuple((change.graph, names_text(change.removed), names_text(change.added)) for change in effect.graphs),
        )
    ]
    tables += [_layers(change) for change in effect.graphs if change.layers]
    if effect.on == "programs":
        columns = ("graph", "<operators of the captured program that it took")
        tables.append(Table(columns, tuple((change.graph, names_text(change.places)) for change in effect.graphs)))
    return Section(effect.name, (_sentence(effect.because),), tuple(tables))


def _layers(change: GraphChange) -> Table:
    columns = ("layer", "<module", "error, float32", "float64", "operators", "multiply-adds", "weights")
    rows = tuple(
        (layer.path, _kind(layer), *_error_cells(layer.errors), *_cost_cells(layer.before, layer.after))
        for layer in change.layers
    )
    number = len(rows)
    return Table(columns, rows, folded=f"{change.graph}: {number} layer{'s' if number > 1 else ''}")


def _kind(layer: LayerChange) -> str:
    is_read = layer.before != Cost() or layer.after != Cost()
    return change_text(layer.kind_before, layer.kind_after) + ("" if is_read else ", not read by this graph")


def _not_done(report: RewriteReport) -> Iterable[Table]:
    idle = {effect.name: "nothing to do in this model" for effect in report.rewrites if not effect.graphs}
    reasons = {**idle, **report.not_applied, **report.left_out}
    yield Table(("rewrite or graph", "<reason"), tuple(reasons.items()))
    forms = tuple(
        (path, str(choice.form), "yes" if choice.exact else "no", choice.because)
        for path, choice in report.deform.items()
    )
    yield Table(("deformable layer", "<form", "<exact", "<reason"), forms)


def _remarks(report: RewriteReport) -> Iterable[str]:
    for graph in report.flips:
        yield f"No probe was found for {graph}: its float32 errors are of the whole picture, with flipped mask pixels."
    if report.machine:
        yield f"Times are medians on a host, not a phone: {report.machine['cpu']}, {report.machine['cores']} cores."
    about = report.about
    command = " ".join(["rmpsam-mobile", *about["tool"]["command"]])
    yield (
        f"Made by {command}, version {about['tool']['version']}, torch {about['versions']['torch']}, at "
        f"{about['finished']}, from weights {about['model']['sha256'][:16]}."
    )


def _cost_cells(before: Cost, after: Cost) -> tuple[str, str, str]:
    return (
        change_text(str(before.operators), str(after.operators)),
        change_text(count_text(before.multiply_adds), count_text(after.multiply_adds)),
        change_text(bytes_text(before.weight_bytes), bytes_text(after.weight_bytes)),
    )


def _error_cells(errors: Errors) -> tuple[str, str]:
    return error_text(errors.float32), error_text(errors.float64)


def _lowered_cells(found: LoweredGraph) -> tuple[str, ...]:
    if found.delegation is None:
        return *["-"] * 5, found.refused
    delegation, memory, latency = found.delegation, found.planned_memory_bytes, found.latency_ms
    return (
        f"{delegation.operators_delegated} of {delegation.operators_total}",
        f"{100 * delegation.mac_share:.1f} %",
        bytes_text(found.file_bytes or 0),
        "-" if memory is None else bytes_text(memory),
        "-" if latency is None else f"{latency.p50:.1f}",
        names_text({left.operator: left.count for left in delegation.leftovers}),
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _short(operator: str) -> str:
    """``conv2d`` for ``aten.conv2d.default``; names without a namespace as they are."""
    return operator.split(".")[1].removeprefix("_").removesuffix("_copy") if "." in operator else operator
