"""Opens a bundle and holds one graph against the golden pair; the last line says what came of it.

python -m benchmarks.load_graph BUNDLE GRAPH
"""

import sys
from pathlib import Path

from rmpsam_mobile.bundle import judge_golden, open_bundle, read_golden, record_golden
from rmpsam_mobile.bundle.golden import Golden
from rmpsam_mobile.contracts import Graph, Target
from rmpsam_mobile.errors import RmpSamError
from rmpsam_mobile.runtime import Runner, open_runner
from rmpsam_mobile.runtime.pte import load_method


def main(folder: str, name: str) -> int:
    """Exit code 0 where the graph's file loads and answers as the golden pair says."""
    bundle, graph = open_bundle(folder), Graph(name)
    artifact = bundle.manifest.graphs[graph]
    try:
        if artifact.target in (Target.COREML, Target.VULKAN, Target.QNN):
            load_method(bundle.path(graph))  # the runtime says itself what is missing
        answer_golden(open_runner(bundle, threads=1), graph, read_golden(Path(folder)))
    except RmpSamError as error:
        print(error)
        return error.exit_code
    print("answers its golden pair")
    return 0


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
    sys.exit(main(*sys.argv[1:]))
