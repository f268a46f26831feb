"""Kotlin files as syntax trees."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import tree_sitter_kotlin
from tree_sitter import Language, Node, Parser


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_kotlin.language()))


def tree(source: bytes) -> Node:
    """The root of the syntax tree of a file's bytes."""
    return _parser().parse(source).root_node


def nodes(root: Node, *kinds: str) -> Iterator[Node]:
    """All nodes of these kinds, outer ones first."""
    if root.type in kinds:
        yield root
    for child in root.children:
        yield from nodes(child, *kinds)


def errors(source: bytes) -> list[str]:
    """Places, line and column from 1, where the text is no Kotlin."""
    root = tree(source)
    if not root.has_error:
        return []
    wrong = [node for node in _walk(root) if node.is_error or node.is_missing]
    return [f"{node.start_point.row + 1}:{node.start_point.column + 1}" for node in wrong]


def functions(path: Path) -> list[str]:
    """The text of every function of a file."""
    found = nodes(tree(path.read_bytes()), "function_declaration")
    return [node.text.decode() for node in found if node.text is not None]


def _walk(root: Node) -> Iterator[Node]:
    yield root
    for child in root.children:
        yield from _walk(child)
