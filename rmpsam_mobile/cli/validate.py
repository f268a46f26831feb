"""``validate``: does a bundle still answer as it should?"""

from pathlib import Path
from typing import Annotated

import typer

from rmpsam_mobile.cli.console import next_step, note, print_json, print_table, red, table


def validate(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="The checkpoint it was made from: compare every graph with the eager model.")
    ] = None,
    classifier: Annotated[Path | None, typer.Option(help="Class embeddings, if the checkpoint has none.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Check hashes, the golden pair, repeatability and, given the checkpoint, parity; exit code 6 if one fails."""
    from rmpsam_mobile.bundle import open_bundle
    from rmpsam_mobile.checkpoint import build_model, import_checkpoint, weights_sha256
    from rmpsam_mobile.cli.tables import finite, parity_json, parity_table
    from rmpsam_mobile.errors import InputError
    from rmpsam_mobile.runtime import open_runner
    from rmpsam_mobile.validate import check_parity, parity_inputs, self_test

    opened = open_bundle(bundle)
    runner = open_runner(opened)
    golden = self_test(opened, runner)
    report = None
    if checkpoint:
        source = import_checkpoint(checkpoint, classifier=classifier)
        if weights_sha256(source) != opened.manifest.checkpoint_sha256:
            raise InputError(
                f"{checkpoint} is not what {bundle.name} was made from: other weights or classes; give that one"
            )
        report = check_parity(build_model(source), runner, *parity_inputs(runner))
    if as_json:
        rows = [
            {"graph": str(t.graph), "tensor": t.name, "sign_agreement": t.sign_agreement}
            | {"error": finite(t.relative_error)}
            for t in golden.tensors
        ]
        said = {"engine": runner.engine, "repeatable": golden.is_repeatable}
        print_json(said | {"golden": rows, "parity": parity_json(report)})
    else:
        shown = table(f"Golden pair, {runner.engine}", "tensor", "error", "same sign", "ok")
        for t in golden.tensors:
            ok = "yes" if t.passes else red("no")
            shown.add_row(f"{t.graph}/{t.name}", f"{t.relative_error:.1e}", f"{100 * t.sign_agreement:.2f} %", ok)
        print_table(shown)
        if report:
            print_table(parity_table(report))
    golden.require()
    note("hashes right, golden pair answered, two runs equal bit by bit")
    if report is None:
        note("parity with the eager model was not measured: give --checkpoint FILE")
    elif opened.manifest.recipe.calibration_sha256 is not None:
        note("quantized files are judged by task metrics, not by tensor error: the table above is no gate")
    elif opened.manifest.recipe.name == "fp16":
        note(
            "half precision is judged by the golden pair, which eager made, and by task metrics, not by the table above"
        )
    elif opened.manifest.recipe.name != "fp32":
        note("compressed weights are judged by task metrics, not by tensor error: the table above is no gate")
    else:
        report.require()
    next_step(f"rmpsam-mobile bench {bundle}")
