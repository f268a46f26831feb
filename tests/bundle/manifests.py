"""A manifest by hand, with every part filled."""

from rmpsam_mobile.bundle import Artifact, Delegation, FileEntry, Leftover, Manifest, Recipe
from rmpsam_mobile.contracts import Graph, GraphSizes, ModelContract, Size, Target, graph_spec

SIZES = GraphSizes(size=Size(64, 96), channels=8, num_queries=6, num_classes=3, num_slots=4, clip_frames=2)


def make_contract(sizes: GraphSizes = SIZES) -> ModelContract:
    return ModelContract(
        preset="small",
        trained=False,
        sizes=sizes,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        click_half_width=3.0,
        class_names=("Mensch", "Hündin", "Himmel"),
        num_things=2,
    )


def make_artifact(graph: Graph, path: str) -> Artifact:
    spec = graph_spec(graph, SIZES)
    return Artifact(
        path=path,
        graph=graph,
        target=Target.XNNPACK,
        precision="fp32",
        size_bytes=12,
        inputs=spec.inputs,
        outputs=spec.outputs,
        delegation=Delegation(
            delegate="XNNPACK",
            subgraphs=3,
            operators_delegated=7,
            operators_total=9,
            macs_delegated=90,
            macs_total=100,
            leftovers=(Leftover(operator="aten.index_select.default", count=2, mac_share=0.1),),
        ),
        planned_memory_bytes=None if graph is Graph.ENCODER else 4096,
    )


def make_manifest(paths: dict[Graph, str] | None = None) -> Manifest:
    paths = paths or {Graph.ENCODER: "encoder.pte", Graph.PROMPTS: "prompts.pte"}
    return Manifest(
        name="small_64x96",
        contract=make_contract(),
        checkpoint_sha256="ab" * 32,
        graphs={str(graph): make_artifact(graph, path) for graph, path in paths.items()},
        rewrites={"fold_batch_norm": 12},
        recipe=Recipe(name="fp32"),
        left_out={"objects": "the checkpoint has no class embeddings"},
        versions={"torch": "2.13.0"},
        lowest_runtime={"executorch": "1.4.1"},
        licences={"code": "Apache-2.0", "weights": "unknown"},
        golden_source="files",
        files={"encoder.pte": FileEntry(sha256="0" * 64, size_bytes=12)},
    )
