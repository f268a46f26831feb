"""Files, functions and signatures that fit on a page; names that say something; docstrings where strangers look."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source, all_sources, package_sources

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_POSITIONAL = 5
MAX_NESTING = 3

# name -> why it may be longer
LONGER_FILES: dict[str, str] = {}
MORE_POSITIONAL = {
    "rmpsam_mobile.postprocess.panoptic.panoptic": "the public surface fixes this signature",
    "rmpsam_mobile.model.graphs.PromptsGraph.forward": "a graph's inputs are positional",
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base_utils"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


def test_files_fit() -> None:
    long = [
        f"{s.path}: {s.num_lines}" for s in all_sources() if s.num_lines > MAX_FILE_LINES and s.name not in LONGER_FILES
    ]
    assert not long, "\n".join(long)


def test_functions_fit() -> None:
    long = [f"{s.path}:{f.lineno} {name}: {_body_lines(f)}" for s, name, f in _all() if _body_lines(f) > _limit(name)]
    assert not long, "\n".join(long)


def test_half_of_the_functions_are_short() -> None:
    lengths = sorted(_body_lines(function) for _, _, function in _functions(package_sources()))
    assert lengths[len(lengths) // 2] <= 12


def test_signatures_are_short() -> None:
    wide = [
        f"{source.path}:{function.lineno} {name}: {count}"
        for source, name, function in _functions(package_sources())
        if (count := _positional(function)) > MAX_POSITIONAL and name not in MORE_POSITIONAL and ".cli." not in name
    ]
    assert not wide, "\n".join(wide)


def test_nesting_is_shallow() -> None:
    """In the package; a test's plain reference may be as plain as loops in loops."""
    functions = _functions(package_sources())
    deep = [f"{s.path}:{f.lineno} {name}: {_depth(f)}" for s, name, f in functions if _depth(f) > MAX_NESTING]
    assert not deep, "\n".join(deep)


def test_no_module_is_nameless() -> None:
    assert not [source.name for source in all_sources() if NAMELESS & set(source.name.split("."))]


def test_whatever_is_public_has_a_docstring() -> None:
    bare = []
    for source in package_sources():
        nodes = [node for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef | Function)]
        bare += [
            f"{source.path}:{node.lineno} {node.name}"
            for node in nodes
            if not node.name.startswith("_") and not ast.get_docstring(node) and not _is_inner(source, node)
        ]
        if not ast.get_docstring(source.tree):
            bare.append(f"{source.path}: the module")
    assert not bare, "\n".join(bare)


def test_public_docstrings_are_not_empty_words() -> None:
    """A docstring that only repeats the name helps nobody."""
    echo = []
    for source, name, function in _functions(package_sources()):
        text = (ast.get_docstring(function) or "").rstrip(".").lower().replace(" ", "")
        if text and text == function.name.replace("_", "").lower():
            echo.append(f"{source.path}:{function.lineno} {name}")
    assert not echo, "\n".join(echo)


def _all() -> Iterator[tuple[Source, str, Function]]:
    return _functions(all_sources())


def _functions(sources: tuple[Source, ...]) -> Iterator[tuple[Source, str, Function]]:
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                yield from (
                    (source, f"{source.name}.{node.name}.{f.name}", f) for f in node.body if isinstance(f, Function)
                )
        yield from ((source, f"{source.name}.{f.name}", f) for f in source.tree.body if isinstance(f, Function))


def _limit(name: str) -> int:
    """A verb's signature is its option list, a line or more each."""
    return MAX_FUNCTION_LINES + 20 if ".cli." in name else MAX_FUNCTION_LINES


def _body_lines(function: Function) -> int:
    """Lines of a function without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def _positional(function: Function) -> int:
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in ("self", "cls")])


def _depth(node: ast.AST) -> int:
    """Blocks within blocks; ``elif`` counts as its ``if``."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, _depth(child) + (isinstance(child, _BLOCKS) and not is_elif))
    return deepest


def _is_inner(source: Source, wanted: ast.AST) -> bool:
    """Whether a definition stands inside a function, where nobody else can call it."""
    functions = (node for node in ast.walk(source.tree) if isinstance(node, Function))
    return any(wanted is inner for function in functions for inner in ast.walk(function) if inner is not function)
