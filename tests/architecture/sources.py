"""Every source file of the package once, by its dotted name; links are not followed."""

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.conftest import REPOSITORY

ROOTS = {
    "rmpsam_mobile": REPOSITORY / "rmpsam_mobile",
    "rmpsam_mobile.quantization": REPOSITORY / "quantization",
    "rmpsam_mobile.export": REPOSITORY / "export",
}


@dataclass(frozen=True)
class Source:
    """One file: dotted module name, path, syntax tree, number of lines."""

    name: str
    path: Path
    tree: ast.Module
    num_lines: int


@cache
def pyproject() -> dict[str, dict[str, dict[str, object]]]:
    """The parsed pyproject.toml."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def package_sources() -> tuple[Source, ...]:
    """All files of the three folders."""
    return tuple(source for name, folder in ROOTS.items() for source in _walk(name, folder))


@cache
def all_sources() -> tuple[Source, ...]:
    """The package, the tests and the benchmarks."""
    others = (_walk(name, REPOSITORY / name) for name in ("tests", "benchmarks"))
    return (*package_sources(), *(source for sources in others for source in sources))


def _walk(name: str, folder: Path) -> Iterator[Source]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir() and (path / "__init__.py").exists():
            yield from _walk(f"{name}.{path.name}", path)
        elif path.suffix == ".py":
            text = path.read_text(encoding="utf-8")
            module = name if path.stem == "__init__" else f"{name}.{path.stem}"
            yield Source(module, path, ast.parse(text), text.count("\n"))
