"""What is compared: every file of the comparison, ours and the peers', and how each comes to be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from typing import Any, Final

import numpy as np
from torch import nn
from torch.export import ExportedProgram

from benchmarks.graph_files import load_model, part_inputs
from benchmarks.peers.blocks import NECK_WIDTH
from benchmarks.peers.rep_vit import EdgeSamEncoder
from benchmarks.peers.sam_decoder import STRIDE, SamDecoder
from benchmarks.peers.spelling import spell_peers
from benchmarks.peers.tiny_vit import MobileSamEncoder
from rmpsam_mobile.contracts import Graph, GraphSizes, GraphSpec, Size, Target, TensorSpec
from rmpsam_mobile.export.capture import capture
from rmpsam_mobile.export.rewrites import apply_program_rewrites, apply_rewrites, rewrite_names
from rmpsam_mobile.export.split import Part, SplitModel, split
from rmpsam_mobile.runtime.eager import sizes_of

OURS: Final = ("rmpsam-mobile-tiny", "rmpsam-mobile-base")
OUR_SIZE: Final = 512
SLOTS: Final = (1, 16)
PEER_SIZES: Final = (1024, 512)  # the one they were published for, and ours
ENCODERS: Final[dict[str, Callable[[], nn.Module]]] = {
    "MobileSAM encoder": MobileSamEncoder,
    "EdgeSAM-shaped encoder": EdgeSamEncoder,
}
DECODER: Final = "SAM decoder"
BATCHES: Final = {1024: (1, 16, 64), 512: (1, 16, 64)}  # 64 clicks a call are the default of SAM's own generator


class Form(StrEnum):
    """How a peer's graph goes to XNNPACK; ours are always rewritten, as they ship."""

    PLAIN = "exported"
    REWRITTEN = "rewritten"


@dataclass(frozen=True)
class Captured:
    """A graph that is ready to be lowered, its border, and arrays to run it with."""

    program: ExportedProgram
    spec: GraphSpec
    inputs: Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file.

    Attributes:
        what: whose, and which part.
        size: side of the encoder's input in pixels, also of a decoder's.
        prompts: clicks or slots a call; 0 where there are none.
        form: how it goes to XNNPACK.
        capture: makes the graph.
    """

    what: str
    size: int
    prompts: int = 0
    form: Form
    capture: Callable[[], Captured]

    @property
    def label(self) -> str:
        """By which samples, files and works know it."""
        return label(self.what, self.size, self.prompts, self.form)


def label(what: str, size: int, prompts: int = 0, form: Form = Form.REWRITTEN) -> str:
    """``SAM decoder 1024 x16, exported``."""
    return f"{what} {size}{f' x{prompts}' if prompts else ''}, {form}"


def all_entries() -> Iterator[Entry]:
    """Ours first, then the peers."""
    for preset in OURS:
        for graph in (Graph.ENCODER, Graph.OBJECTS):
            take = partial(_ours, preset, graph, SLOTS[-1])
            yield Entry(what=f"{preset} {graph}", size=OUR_SIZE, form=Form.REWRITTEN, capture=take)
        for slots in SLOTS:
            take = partial(_ours, preset, Graph.PROMPTS, slots)
            yield Entry(what=f"{preset} prompts", size=OUR_SIZE, prompts=slots, form=Form.REWRITTEN, capture=take)
    for size in PEER_SIZES:
        for form in Form:
            for what, build in ENCODERS.items():
                yield Entry(what=what, size=size, form=form, capture=partial(_peer_encoder, build, size, form))
            for batch in BATCHES[size]:
                take = partial(_sam_decoder, size, batch, form)
                yield Entry(what=DECODER, size=size, prompts=batch, form=form, capture=take)


@cache
def _our_parts(preset: str, slots: int) -> SplitModel:
    model = load_model(preset)
    parts = split(model, sizes_of(model, GraphSizes(size=Size(OUR_SIZE, OUR_SIZE), num_slots=slots)))
    apply_rewrites(parts, rewrite_names(Target.XNNPACK))
    return parts


def _ours(preset: str, graph: Graph, slots: int) -> Captured:
    parts = _our_parts(preset, slots)
    part = parts.parts[graph]
    program, _ = apply_program_rewrites(capture(part), rewrite_names(Target.XNNPACK))
    return Captured(program, part.spec, part_inputs(parts, part))


def _peer_encoder(build: Callable[[], nn.Module], size: int, form: Form) -> Captured:
    pixels = np.random.default_rng(0).standard_normal((1, 3, size, size)).astype(np.float32)
    return capture_peer(build(), Graph.ENCODER, {"pixel_values": pixels}, form)


def _sam_decoder(size: int, batch: int, form: Form) -> Captured:
    generator, side = np.random.default_rng(0), size // STRIDE
    inputs = {
        "features": generator.standard_normal((1, NECK_WIDTH, side, side)).astype(np.float32),
        "points": generator.uniform(0, size, (1, batch, 1, 2)).astype(np.float32),
        "labels": np.ones((1, batch, 1), np.float32),
    }
    return capture_peer(SamDecoder(size), Graph.PROMPTS, inputs, form)


def capture_peer(module: nn.Module, graph: Graph, inputs: dict[str, Any], form: Form) -> Captured:
    """A peer's graph; rewritten, it gets its own spellings and then all that our graphs get after capture."""
    border = tuple(TensorSpec(name=name, shape=value.shape, meaning="") for name, value in inputs.items())
    spec = GraphSpec(graph=graph, inputs=border, outputs=())
    program = capture(Part(module.eval().requires_grad_(requires_grad=False), spec))
    if form is Form.REWRITTEN:
        program, _ = apply_program_rewrites(spell_peers(program), rewrite_names(Target.XNNPACK))
    return Captured(program, spec, list(inputs.values()))
