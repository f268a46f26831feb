"""What each part of a model loses in 8 bit, and the fewest parts to keep in float."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from torch.fx import GraphModule

from rmpsam_mobile.contracts import Graph
from rmpsam_mobile.export.judge import Judge, Score
from rmpsam_mobile.export.quantized_graphs import CapturedModel
from rmpsam_mobile.quantization import QuantRecipe, convert, coverage_of, prepare
from rmpsam_mobile.quantization.float_nodes import path_of
from rmpsam_mobile.quantization.transfer import States, observed_nodes, transfer_states

SAVED: Final = 3  # bytes that 8 bit saves of a float32 weight
NO_LOSS: Final = 1e-3  # of agreement: below, a part is not tried in float
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One part of a graph, as ``in_float`` names it, and what it costs in float: bytes more in the file."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Sensitivity:
    """A part, and how the model is judged with this part alone in 8 bit."""

    part: Part
    score: Score

    @property
    def loss(self) -> float:
        """Agreement that is lost, 0 to 1."""
        return 1 - self.score.agreement


class Candidates:
    """Quantized graphs for any list of parts in float, from one calibration."""

    def __init__(self, captured: CapturedModel, recipe: QuantRecipe, states: Mapping[Graph, States]) -> None:
        """Args: states: of every graph, observed with all in 8 bit (``states_by_node``)."""
        self.captured, self.recipe, self._states = captured, recipe, states
        self._kept: dict[tuple[Graph, QuantRecipe], GraphModule] = {}

    def graph(self, graph: Graph, recipe: QuantRecipe) -> GraphModule:
        """One graph under a recipe."""
        own = replace(recipe, in_float=tuple(x for x in recipe.in_float if x.startswith(f"{graph}/")))
        if (graph, own) not in self._kept:
            prepared = prepare(self.captured.programs[graph], own)
            transfer_states(prepared, self._states[graph], f"{graph} graph")
            self._kept[graph, own] = convert(prepared)
        return self._kept[graph, own]

    def graphs(self, recipe: QuantRecipe) -> dict[Graph, GraphModule]:
        """All graphs under a recipe."""
        return {graph: self.graph(graph, recipe) for graph in self.captured.programs}

    def parts(self, graph: Graph, depth: int) -> list[Part]:
        """What can be kept in float by itself: modules down to ``depth`` and the own operators of those above."""
        whole = prepare(self.captured.programs[graph], self.recipe)
        seen = {node for nodes in observed_nodes(whole).values() for node in nodes}
        weights: dict[str, int] = {}
        for node in whole.graph.nodes:
            if node.op == "call_function" and (node.name in seen or _reads_observed(node)):
                weights.setdefault(_part_of(path_of(node), depth), 0)
        for layer in coverage_of(self.graph(graph, self.recipe)).layers:
            if layer.reason is None:
                weights[_part_of(layer.path, depth)] += layer.weights
        return [Part(f"{graph}/{name}", SAVED * count) for name, count in weights.items()]

    def forget(self) -> None:
        """Drop kept graphs, which hold their weights."""
        self._kept.clear()


def measure_sensitivity(
    candidates: Candidates, judge: Judge, depth: int, progress: Progress = lambda _: None
) -> list[Sensitivity]:
    """Judge every part alone in 8 bit, the largest loss first."""
    found = []
    for graph in candidates.captured.programs:
        parts = candidates.parts(graph, depth)
        for part in parts:
            progress(part.name)
            others = tuple(other.name for other in parts if other != part)
            module = candidates.graph(graph, replace(candidates.recipe, in_float=others))
            found.append(Sensitivity(part, judge.score({graph: module})))
            candidates.forget()
    return sorted(found, key=lambda one: -one.loss)


@dataclass(frozen=True)
class Step:
    """One tried recipe of a search: what was in float, bytes more than all in 8 bit, and the judgement."""

    in_float: tuple[str, ...]
    ranges: str
    bytes: int
    score: Score
    drop: float


def search_mixed(
    candidates: Candidates,
    judge: Judge,
    found: Sequence[Sensitivity],
    *,
    max_drop: float,
    max_bytes: int,
    progress: Progress = lambda _: None,
) -> tuple[QuantRecipe, list[Step]]:
    """Keep parts in float, those that lose most a byte first, until at most ``max_drop`` points of mIoU are lost.

    Then each is tried in 8 bit again, the dearest first. The drop is that on the judge's pictures; where the bytes do
    not suffice, the best that they buy is returned.

    Args:
        candidates: by recipe.
        judge: of held-out training pictures.
        found: from ``measure_sensitivity``.
        max_drop: points of mIoU in %, box or click, the worse.
        max_bytes: more than all in 8 bit.
        progress: told what is tried.

    Returns:
        The recipe, and all that was tried.
    """
    price = {one.part.name: one.part.bytes for one in found}
    steps: list[Step] = []

    def tried(names: Sequence[str]) -> Step:
        recipe = replace(candidates.recipe, in_float=tuple(names))
        progress(f"{len(names)} parts in float")
        score = judge.score(candidates.graphs(recipe))
        paid = sum(price[name] for name in names)
        steps.append(Step(recipe.in_float, recipe.ranges, paid, score, score.drop(judge.reference)))
        return steps[-1]

    order = sorted((one for one in found if one.loss > NO_LOSS), key=lambda one: -one.loss / (one.part.bytes + 4096))
    best = tried(())
    for one in order:
        if best.drop <= max_drop:
            break
        if best.bytes + one.part.bytes <= max_bytes:
            step = tried((*best.in_float, one.part.name))
            best = step if step.score.agreement > best.score.agreement else best
    for name in sorted(best.in_float, key=lambda name: -price[name]):
        if best.drop > max_drop or not price[name]:
            break
        step = tried([kept for kept in best.in_float if kept != name])
        best = step if step.drop <= max_drop else best
    return replace(candidates.recipe, name="mixed", alias="mixed", in_float=best.in_float), steps


def compare_ranges(
    candidates: Candidates, judge: Judge, recipe: QuantRecipe, choices: Sequence[Any], progress: Progress
) -> tuple[QuantRecipe, list[Step]]:
    """The recipe with the ranges that agree best with float; all of them measured."""
    steps = []
    for ranges in choices:
        progress(f"ranges {ranges}")
        score = judge.score(candidates.graphs(replace(recipe, ranges=ranges)))
        candidates.forget()
        steps.append(Step(recipe.in_float, str(ranges), 0, score, score.drop(judge.reference)))
    best = max(zip(choices, steps, strict=True), key=lambda pair: pair[1].score.agreement)
    return replace(recipe, ranges=best[0]), steps


def sensitivity_rows(found: Sequence[Sensitivity]) -> list[dict[str, Any]]:
    """Ready for JSON."""
    return [{"part": one.part.name, "bytes": one.part.bytes, "loss": one.loss, **asdict(one.score)} for one in found]


def step_rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Ready for JSON."""
    return [{**asdict(step), "in_float": list(step.in_float)} for step in steps]


def _reads_observed(node: Any) -> bool:
    return any("activation_post_process" in str(source.target) for source in node.all_input_nodes)


def _part_of(path: str, depth: int) -> str:
    """``a.b.c`` of ``a.b.c.d``; ``=a.b`` where the path is shorter, whose modules below are parts of their own."""
    pieces = path.split(".") if path else []
    return ".".join(pieces[:depth]) if len(pieces) >= depth else f"={path}"
