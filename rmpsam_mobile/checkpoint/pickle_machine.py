"""A pickle read as data: its opcodes move plain values about, and a global in it is never more than a name.

Python's own unpickler imports what a pickle names and calls it. This one has no such step: `GLOBAL` and its kin push a
`GlobalName`, which a `Rules` object either turns into a plain value (a tensor, a list, an array) or leaves as a
`Placeholder`. The opcodes are decoded by the standard library's `pickletools`, which only reads.
"""

import pickletools
import struct
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final, Protocol

from rmpsam_mobile.errors import InputError

Value = Any  # None, bool, number, str, bytes, list, tuple, dict, set, tensor, array or Placeholder

_MARK: Final = object()
_KEY_TYPES: Final = (str, int, float, bool, bytes, type(None))


class Placeholder:
    """Stands for an object that was not built; it takes items and state and forgets them.

    Attributes:
        origin: the name the pickle gave, for messages.
    """

    __slots__ = ("origin",)

    def __init__(self, origin: str) -> None:
        self.origin = origin

    def __repr__(self) -> str:
        """Say that the object was not loaded."""
        return f"<{self.origin}: not loaded>"


class GlobalName(Placeholder):
    """A class or function that the pickle names; only the name, never the object behind it."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        super().__init__(f"{module}.{name}")
        self.module = module
        self.name = name


class Rules(Protocol):
    """What a pickle may ask for."""

    def admit(self, module: str, name: str) -> GlobalName:
        """Return the name, or raise InputError when no checkpoint of weights needs it."""

    def build(self, what: GlobalName, arguments: tuple[Value, ...]) -> Value:
        """Return the plain value that calling ``what`` stands for, or a Placeholder."""

    def set_state(self, target: Value, state: Value) -> None:
        """Give ``target`` its stored state, or raise TypeError when it has none."""

    def persistent(self, key: Value) -> Value:
        """Return what a persistent id of torch stands for: a storage."""


class PickleMachine:
    """Runs one pickle after the other from a stream; keeps nothing between them.

    Args:
        rules: decides about globals, state and persistent ids.
        source: the file's name, for messages.
    """

    def __init__(self, rules: Rules, source: str) -> None:
        self.rules = rules
        self.source = source
        self.stack: list[Value] = []
        self.memo: dict[int, Value] = {}

    def run(self, stream: BinaryIO) -> Value:
        """Read one pickle up to and with its STOP; the stream then stands behind it.

        Raises:
            InputError: truncated, broken, or asking for something that `rules` refuse.
        """
        self.stack, self.memo = [], {}
        try:
            for opcode, argument, _ in pickletools.genops(stream):
                if opcode.name == "STOP":
                    break
                _HANDLERS[opcode.name](self, argument)
            (result,) = self.stack
        except (ValueError, LookupError, TypeError, ArithmeticError, MemoryError, RuntimeError, struct.error) as error:
            detail = " ".join(f"{type(error).__name__}: {error}".split())[:160]
            raise InputError(
                f"{self.source}: its pickle is broken or cut short ({detail}); copy or download the file again"
            ) from None
        return result

    def pop_mark(self) -> list[Value]:
        """Take everything above the last mark, and the mark."""
        items: list[Value] = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        items.reverse()
        return items

    def call(self, what: Value, arguments: Value) -> Value:
        """Stand in for a call: by the rules for a name, another placeholder for a placeholder."""
        if isinstance(what, GlobalName) and isinstance(arguments, tuple):
            return self.rules.build(what, arguments)
        if isinstance(what, Placeholder):
            return Placeholder(what.origin)
        raise TypeError(f"a {type(what).__name__} is called")


def checked_key(key: Value) -> Value:
    """Return ``key`` when it may be a key of a dict or an item of a set.

    A deeply nested tuple would exhaust the stack while it is hashed, so tuples hold plain values only.
    """
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        if not isinstance(part, (*_KEY_TYPES, Placeholder)):
            raise TypeError(f"a {type(part).__name__} as a key")
    return key


def _push(machine: PickleMachine, value: Value) -> None:
    machine.stack.append(value)


def _ignore(machine: PickleMachine, argument: Value) -> None:
    """Pass over what only speeds up or labels the stream."""


def _fill_list(target: Value, items: list[Value]) -> None:
    if isinstance(target, list):
        target.extend(items)
    elif not isinstance(target, Placeholder):
        raise TypeError(f"items appended to a {type(target).__name__}")


def _fill_dict(target: Value, items: list[Value]) -> None:
    if len(items) % 2:
        raise ValueError("a key without a value")
    if isinstance(target, dict):
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[checked_key(key)] = value
    elif not isinstance(target, Placeholder):
        raise TypeError(f"items set in a {type(target).__name__}")


def _fill_set(target: Value, items: list[Value]) -> None:
    if isinstance(target, set):
        target.update(checked_key(item) for item in items)
    elif not isinstance(target, Placeholder):
        raise TypeError(f"items added to a {type(target).__name__}")


def _append(machine: PickleMachine, _: Value) -> None:
    item = machine.stack.pop()
    _fill_list(machine.stack[-1], [item])


def _set_item(machine: PickleMachine, _: Value) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _fill_dict(machine.stack[-1], [key, value])


def _fill_marked(fill: Callable[[Value, list[Value]], None]) -> Callable[[PickleMachine, Value], None]:
    def handle(machine: PickleMachine, _: Value) -> None:
        items = machine.pop_mark()
        fill(machine.stack[-1], items)

    return handle


def _make_marked(make: Callable[[list[Value]], Value]) -> Callable[[PickleMachine, Value], None]:
    def handle(machine: PickleMachine, _: Value) -> None:
        machine.stack.append(make(machine.pop_mark()))

    return handle


def _make_dict(items: list[Value]) -> dict[Value, Value]:
    made: dict[Value, Value] = {}
    _fill_dict(made, items)
    return made


def _make_frozenset(items: list[Value]) -> frozenset[Value]:
    return frozenset(checked_key(item) for item in items)


def _make_tuple(count: int) -> Callable[[PickleMachine, Value], None]:
    def handle(machine: PickleMachine, _: Value) -> None:
        items = [machine.stack.pop() for _ in range(count)]
        machine.stack.append(tuple(reversed(items)))

    return handle


def _get(machine: PickleMachine, index: Value) -> None:
    machine.stack.append(machine.memo[int(index)])


def _put(machine: PickleMachine, index: Value) -> None:
    machine.memo[int(index)] = machine.stack[-1]


def _memoize(machine: PickleMachine, _: Value) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _global(machine: PickleMachine, argument: Value) -> None:
    module, _, name = str(argument).partition(" ")
    machine.stack.append(machine.rules.admit(module, name))


def _stack_global(machine: PickleMachine, _: Value) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if not (isinstance(module, str) and isinstance(name, str)):
        raise TypeError("a global whose name is not text")
    machine.stack.append(machine.rules.admit(module, name))


def _inst(machine: PickleMachine, argument: Value) -> None:
    arguments = machine.pop_mark()
    _global(machine, argument)
    machine.stack.append(machine.call(machine.stack.pop(), tuple(arguments)))


def _obj(machine: PickleMachine, _: Value) -> None:
    what, *arguments = machine.pop_mark()
    machine.stack.append(machine.call(what, tuple(arguments)))


def _reduce(machine: PickleMachine, _: Value) -> None:
    arguments, what = machine.stack.pop(), machine.stack.pop()
    machine.stack.append(machine.call(what, arguments))


def _new_object_with_names(machine: PickleMachine, _: Value) -> None:
    machine.stack.pop()  # keyword arguments: nothing that is built takes any
    _reduce(machine, None)


def _build(machine: PickleMachine, _: Value) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    # A global on the stack may be a real class in another unpickler; its state is never set, not even here.
    if isinstance(target, GlobalName):
        raise TypeError(f"state for {target.origin} itself")
    machine.rules.set_state(target, state)


def _persistent(machine: PickleMachine, _: Value) -> None:
    machine.stack.append(machine.rules.persistent(machine.stack.pop()))


def _persistent_text(machine: PickleMachine, argument: Value) -> None:
    machine.stack.append(machine.rules.persistent(argument))


def _pop(machine: PickleMachine, _: Value) -> None:
    machine.stack.pop()


def _pop_marked(machine: PickleMachine, _: Value) -> None:
    machine.pop_mark()


_CONSTANTS: Final = (
    "INT LONG LONG1 LONG4 BININT BININT1 BININT2 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING BINBYTES "
    "SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8"
)

# Opcodes that are absent (EXT1, EXT2, EXT4, NEXT_BUFFER, READONLY_BUFFER) reach outside the file and are refused.
_HANDLERS: Final[Mapping[str, Callable[[PickleMachine, Any], None]]] = {
    **dict.fromkeys(_CONSTANTS.split(), _push),
    **dict.fromkeys(("PROTO", "FRAME"), _ignore),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _put),
    "MEMOIZE": _memoize,
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_SET": lambda machine, _: machine.stack.append(set()),
    "MARK": lambda machine, _: machine.stack.append(_MARK),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "POP": _pop,
    "POP_MARK": _pop_marked,
    "LIST": _make_marked(list),
    "TUPLE": _make_marked(tuple),
    "DICT": _make_marked(_make_dict),
    "FROZENSET": _make_marked(_make_frozenset),
    "TUPLE1": _make_tuple(1),
    "TUPLE2": _make_tuple(2),
    "TUPLE3": _make_tuple(3),
    "APPEND": _append,
    "APPENDS": _fill_marked(_fill_list),
    "SETITEM": _set_item,
    "SETITEMS": _fill_marked(_fill_dict),
    "ADDITEMS": _fill_marked(_fill_set),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "INST": _inst,
    "OBJ": _obj,
    "REDUCE": _reduce,
    "NEWOBJ": _reduce,
    "NEWOBJ_EX": _new_object_with_names,
    "BUILD": _build,
    "PERSID": _persistent_text,
    "BINPERSID": _persistent,
}
