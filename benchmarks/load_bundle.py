"""Opens a bundle and holds each graph's file against the golden pair; stdout says in JSON what came of each.

python -m benchmarks.load_bundle BUNDLE
"""

import json
import sys

from rmpsam_mobile.bundle import Bundle, judge_golden, open_bundle, read_golden, record_golden
from rmpsam_mobile.bundle.golden import Golden
from rmpsam_mobile.contracts import Graph, Target
from rmpsam_mobile.errors import RmpSamError
from rmpsam_mobile.runtime import Runner, open_runner
from rmpsam_mobile.runtime.pte import load_method

WHOLE = "answers its golden pair"


def main(folder: str) -> None:
    """Try every graph; a refusal of one says nothing of the others."""
    bundle = open_bundle(folder)
    print(json.dumps({graph: said(bundle, Graph(graph)) for graph in bundle.manifest.graphs}))


def said(bundle: Bundle, graph: Graph) -> str:
    """What the engine says to a graph's file, or ``WHOLE``."""
    try:
        if bundle.manifest.graphs[graph].target in (Target.COREML, Target.VULKAN, Target.QNN):
            load_method(bundle.path(graph))  # the runtime says itself what is missing
        answer_golden(open_runner(bundle), graph, read_golden(bundle.folder))
    except RmpSamError as error:
        return str(error)
    return WHOLE


def answer_golden(runner: Runner, graph: Graph, stored: Golden) -> None:
    """Run the encoder, and the graph on its features, and compare what the graph answers.

    Raises:
        RmpSamError: it answers otherwise.
    """
    wanted = {key: value for key, value in stored.values.items() if key.partition("/")[0] in {graph, Graph.ENCODER}}
    names = {part: [key.partition("/")[2] for key in wanted if key.partition("/")[0] == part] for part in Graph}
    asked = {part: found for part, found in names.items() if found}
    now = record_golden(runner.contract, asked, runner.run)
    wrong = [row for row in judge_golden(Golden(wanted), now) if row.graph == graph and not row.passes]
    if wrong:
        raise RmpSamError(f"golden pair: {', '.join(f'{row.name} off by {row.relative_error:.1e}' for row in wrong)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
