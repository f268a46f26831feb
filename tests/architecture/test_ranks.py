"""Imports point to a strictly lower rank or stay in their own package."""

import ast
import sys
from collections.abc import Iterator

from tests.architecture.sources import Source, package_sources

# Part of the package -> (rank, other packages that its modules may import at the top).
# Rank 2 of the design is split: the Segmenter of ``runtime`` opens checkpoints.
NUMPY, PILLOW, TORCH, SAFETENSORS = "numpy", "PIL", "torch", "safetensors"
PARTS: dict[str, tuple[float, frozenset[str]]] = {
    "errors": (0.0, frozenset()),
    "contracts": (0.1, frozenset()),
    "quiet": (0.2, frozenset()),
    "atomic": (0.2, frozenset()),
    "fit": (0.2, frozenset({NUMPY})),
    "weights": (0.2, frozenset()),
    "model": (1, frozenset({TORCH})),
    "picture": (1, frozenset({NUMPY, PILLOW})),
    "preprocess": (1, frozenset({NUMPY, PILLOW})),
    "postprocess": (1, frozenset({NUMPY, PILLOW})),
    "rle": (1, frozenset({NUMPY})),
    "overlay": (1, frozenset({NUMPY, PILLOW})),
    "bundle": (1, frozenset({NUMPY})),
    "checkpoint": (2, frozenset({NUMPY, TORCH, SAFETENSORS})),
    "data": (2, frozenset({NUMPY, PILLOW})),
    "runtime": (2.5, frozenset({NUMPY, PILLOW, TORCH})),
    "quantization": (3, frozenset({NUMPY, TORCH})),
    "distill": (3, frozenset({NUMPY, TORCH, SAFETENSORS, "scipy"})),
    "validate": (3, frozenset({NUMPY, TORCH})),
    "evaluate": (3, frozenset({NUMPY})),
    "bench": (3, frozenset({NUMPY})),
    "export": (4, frozenset({NUMPY, TORCH})),
    "": (5, frozenset()),  # rmpsam_mobile/__init__
    "cli": (6, frozenset({"typer"})),
    "__main__": (7, frozenset()),
}


def part_of(module: str) -> str:
    """``bundle`` for ``rmpsam_mobile.bundle.store``; empty for the root."""
    return ".".join(module.split(".")[1:2])


def test_every_part_has_a_rank() -> None:
    assert {part_of(source.name) for source in package_sources()} == set(PARTS)


def test_imports_point_down() -> None:
    wrong = []
    for source in package_sources():
        own = part_of(source.name)
        for target, line in _imports(source, "rmpsam_mobile"):
            other = part_of(target)
            rank, other_rank = PARTS[own][0], PARTS[other][0]
            if other != own and other_rank >= rank:
                wrong.append(f"{source.path}:{line}: {own} (rank {rank}) imports {other} (rank {other_rank})")
    assert not wrong, "\n".join(wrong)


def test_only_the_full_name_is_imported() -> None:
    wrong = [
        f"{source.path}:{line}: {target}"
        for source in package_sources()
        for bare in ("quantization", "export", "tests", "benchmarks")
        for target, line in _imports(source, bare)
    ]
    assert not wrong, "\n".join(wrong)


def test_foreign_packages_stay_where_they_belong() -> None:
    wrong = []
    for source in package_sources():
        allowed = PARTS[part_of(source.name)][1] | {"rmpsam_mobile"} | sys.stdlib_module_names
        for node in source.tree.body:  # imports inside functions are the edge, and allowed
            for target, line in _targets(node):
                if target.split(".")[0] not in allowed:
                    wrong.append(f"{source.path}:{line}: {target} at the top of {part_of(source.name)}")
    assert not wrong, "\n".join(wrong)


def _imports(source: Source, root: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(source.tree):
        for target, line in _targets(node):
            if target == root or target.startswith(f"{root}."):
                yield target, line


def _targets(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        is_root = node.module == "rmpsam_mobile"
        yield from ((f"{node.module}.{a.name}" if is_root else node.module, node.lineno) for a in node.names)
