"""Products with large features, a slice of the cells at a time.

before:  M = k F and S = h F^T, with F of C x P values, several times over
after:   M = [k F_1, k F_2, ...] and S = (F_1 h_1^T + F_2 h_2^T + ...)^T, with slices F_i that stay in a core's cache

XNNPACK packs the right operand of a product that it is given at run time, and 8.6 MB of features are then read,
written and read again for each of nine products. A slice of them is packed and used before it leaves the cache. The
slices are copied once for all products, and masks are thresholded slice by slice. Only sums are reordered.
"""

from typing import Any, Final

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Node

aten = torch.ops.aten
MOST_BYTES: Final = 640 * 1024  # of a slice; cores of phones have caches of 0.5 to 1 MB each
LEAST_BYTES: Final = 2 * 1024 * 1024  # of the features: 1 MB was faster whole, by 7 %
_VIEWS: Final = (aten.view.default, aten.reshape.default, aten.flatten.using_ints)
_ELEMENTWISE: Final = (aten.mul.Tensor, aten.clamp.default)


def slice_cells(program: ExportedProgram) -> tuple[ExportedProgram, list[str]]:
    """Slice the features that several products read; return the program and the products' names."""
    readers: dict[tuple[Node, int], list[Node]] = {}
    for node in program.graph.nodes:
        is_product = node.target is aten.bmm.default and len(node.all_input_nodes) == 2
        if is_product and (found := _features(node)):
            readers.setdefault(found, []).append(node)
    slicers = {key: _Slicer(program.graph, *key) for key, nodes in readers.items() if len(nodes) > 1}
    changed = []
    for key, slicer in slicers.items():
        for node in readers[key]:
            slicer.rewrite(node)
            changed.append(node.name)
    if changed:
        program.graph.eliminate_dead_code()
    return program, changed


def _features(product: Node) -> tuple[Node, int] | None:
    """What a product of two matrices reads on its right: the tensor behind all views, and its number of cells."""
    right = product.all_input_nodes[-1]
    matrix = right.all_input_nodes[0] if right.target is aten.transpose.int else right
    shape, root = matrix.meta["val"].shape, matrix
    while root.target in _VIEWS:
        root = root.all_input_nodes[0]
    value = root.meta["val"]
    is_large = value.numel() * value.element_size() > LEAST_BYTES
    return (root, shape[2]) if is_large and shape[0] == 1 and "quantize" not in str(root.target) else None


class _Slicer:
    """The slices of one tensor, made once, and the products that read them."""

    def __init__(self, graph: torch.fx.Graph, features: Node, cells: int) -> None:
        self._graph, self._features, self._cells = graph, features, cells
        value = features.meta["val"]
        most = MOST_BYTES * cells // (value.numel() * value.element_size())
        self.count = next(n for n in range(1, cells + 1) if cells % n == 0 and (cells // n <= most or n == cells))
        self._pieces: dict[Node, list[Node]] = {}

    def rewrite(self, product: Node) -> None:
        """Put sliced products in the place of one."""
        left, right = product.all_input_nodes
        with self._graph.inserting_before(product):
            is_pool = right.target is aten.transpose.int
            made = self._pooled(left) if is_pool else self._joined(left)
        product.replace_all_uses_with(made)
        self._graph.erase_node(product)

    def _joined(self, kernels: Node) -> Node:
        pieces = [self._call(aten.bmm.default, kernels, piece) for piece in self._sliced(self._features)]
        made = self._call(aten.cat.default, pieces, 2)
        self._pieces[made] = pieces
        return made

    def _pooled(self, masks: Node) -> Node:
        total = None
        for piece, mask in zip(self._sliced(self._features), self._sliced(masks), strict=True):
            part = self._call(aten.bmm.default, piece, self._call(aten.transpose.int, mask, 1, 2))
            total = part if total is None else self._call(aten.add.Tensor, total, part)
        assert total is not None
        return self._call(aten.transpose.int, total, 1, 2)

    def _sliced(self, node: Node) -> list[Node]:
        """Slices [1, X, P / n] of what is [1, X, P] behind views; what is computed cell by cell is so on slices."""
        if node not in self._pieces:
            self._pieces[node] = self._computed(node) or self._cut(node)
        return self._pieces[node]

    def _computed(self, node: Node) -> list[Node]:
        source = node.all_input_nodes[0] if node.all_input_nodes else None
        if source is None or not _are_rows_alike(source.meta["val"], node.meta["val"]):
            return []
        if node.target in _VIEWS:
            return self._sliced(source)
        if node.target in _ELEMENTWISE and all(_is_number(value) for value in node.args[1:]):
            return [self._call(node.target, piece, *node.args[1:]) for piece in self._sliced(source)]
        return []

    def _cut(self, node: Node) -> list[Node]:
        width = self._cells // self.count
        shape = [1, node.meta["val"].numel() // self._cells, self._cells]
        flat = node if list(node.meta["val"].shape) == shape else self._call(aten.view.default, node, shape)
        return [self._call(aten.slice.Tensor, flat, 2, i * width, (i + 1) * width) for i in range(self.count)]

    def _call(self, target: Any, *args: Any) -> Node:
        """A node with the shape that the next ones ask for."""
        node = self._graph.call_function(target, args)
        node.meta["val"] = target(*torch.fx.map_arg(args, lambda argument: argument.meta["val"]))
        return node


def _are_rows_alike(one: Tensor, other: Tensor) -> bool:
    return one.numel() == other.numel() and one.shape[:2] == other.shape[:2]


def _is_number(value: Any) -> bool:
    if isinstance(value, Node):
        tensor = value.meta["val"]
        return isinstance(tensor, Tensor) and tensor.numel() == 1
    return isinstance(value, int | float)
