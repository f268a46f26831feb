"""``list``: presets, rewrites, recipes of quantization and of training, and targets by name."""

from typing import TYPE_CHECKING, Annotated

import typer

from rmpsam_mobile.cli.console import print_json, print_table, table
from rmpsam_mobile.errors import InputError

if TYPE_CHECKING:
    from rmpsam_mobile.export.lower import Engine

KINDS = ("presets", "rewrites", "recipes", "training", "targets")


def list_(
    what: Annotated[str, typer.Argument(help=f"One of: {', '.join(KINDS)}, or all.")] = "all",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List what other commands take by name."""
    if what not in (*KINDS, "all"):
        raise InputError(f"unknown list {what!r}; known: {', '.join(KINDS)}, all")
    chosen = KINDS if what == "all" else (what,)
    rows = {kind: _ROWS[kind]() for kind in chosen}
    if as_json:
        print_json(rows)
        return
    for kind, entries in rows.items():
        shown = table(kind.capitalize(), *(("<" if i else "") + key for i, key in enumerate(entries[0])))
        for entry in entries:
            shown.add_row(*(str(value) for value in entry.values()))
        print_table(shown)


def _presets() -> list[dict[str, object]]:
    import torch

    from rmpsam_mobile.model.presets import PRESETS
    from rmpsam_mobile.model.rmpsam import RmpSam

    rows: list[dict[str, object]] = []
    for name, config in PRESETS.items():
        with torch.device("meta"):
            model = RmpSam(config)
        total = sum(p.numel() for p in model.parameters())
        encoder = sum(p.numel() for part in (model.backbone, model.neck) for p in part.parameters())
        rows.append({"name": name, "M parameters": f"{total / 1e6:.1f}", "of them encoder": f"{encoder / 1e6:.1f}"})
    return rows


def _rewrites() -> list[dict[str, object]]:
    from rmpsam_mobile.export.rewrites import REWRITES

    return [{"name": r.name, "because": r.because, "after": ", ".join(r.after) or "-"} for r in REWRITES]


def _recipes() -> list[dict[str, object]]:
    from rmpsam_mobile.quantization import RECIPES

    return [{"name": r.name, "alias": r.alias, "precision": r.precision} for r in RECIPES.values()]


def _training() -> list[dict[str, object]]:
    from rmpsam_mobile.distill.recipe import RECIPES

    return [
        {
            "name": r.name,
            "updates": r.steps,
            "batch": r.batch,
            "input px": ", ".join(map(str, r.sizes)),
            "tasks": ", ".join(f"{task} {share:g}" for task, share in r.tasks.items()),
        }
        for r in RECIPES.values()
    ]


def _targets() -> list[dict[str, object]]:
    from rmpsam_mobile.export.lower import ENGINES

    return [
        {
            "name": str(t),
            "precision": ", ".join(engine.precisions),
            "files": engine.suffix,
            "run here by": _here(engine),
        }
        for t, engine in ENGINES.items()
    ]


def _here(engine: "Engine") -> str:
    return engine.runs_here or f"nothing: {engine.elsewhere}"


_ROWS = {"presets": _presets, "rewrites": _rewrites, "recipes": _recipes, "training": _training, "targets": _targets}
