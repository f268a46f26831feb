"""What Android itself declares, by two published descriptions: Chaquopy's (API 36) and NativeScript's (21 to 37).

Types are compared as tokens: ``int``, ``float[]``, ``android.view.View``. Chaquopy's description has the exact width of
parameters; of what comes back it only says ``int`` or ``float``, so widths of results are not compared.
"""

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from tests.apps.tools import npm_package, pip_wheel

_WIDTHS: Final = {"int": "whole", "long": "whole", "short": "whole", "byte": "whole", "float": "part", "double": "part"}
_ARRAYS: Final = {"JInt": "int[]", "JFloat": "float[]", "JDouble": "double[]", "JByte": "byte[]", "JLong": "long[]"}


@dataclass(frozen=True)
class Member:
    """A field (no parameters) or a method; constructors are called ``<init>``."""

    name: str
    is_static: bool
    parameters: tuple[str, ...] | None
    result: str

    def matches(self, other: "Member") -> bool:
        """Same name, kind and parameters, and a result that differs in width at most."""
        same = (self.name, self.is_static, self.parameters) == (other.name, other.is_static, other.parameters)
        return same and width(self.result) == width(other.result)


@dataclass
class Description:
    """A class: its super types by full name, and its own members."""

    bases: list[str] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)


def width(token: str) -> str:
    """Numbers by kind alone, anything else as it is; a type parameter may be any object."""
    return _WIDTHS.get(token, token)


def described(name: str) -> Description | None:
    """A class such as ``android.view.View.OnClickListener`` of API 36, or None."""
    parts = name.split(".")
    first = next(index for index, part in enumerate(parts) if part[0].isupper())
    package = ".".join(parts[:first])
    body = _module(package)
    node: ast.ClassDef | None = None
    for part in parts[first:]:
        node = next((n for n in body if isinstance(n, ast.ClassDef) and n.name == part), None)
        if node is None:
            return None
        body = node.body
    assert node
    return _describe(node, package)


def all_members(name: str) -> list[Member]:
    """A class's own members and those of everything it extends."""
    found = described(name)
    if found is None:
        return []
    return found.members + [member for base in found.bases for member in all_members(base)]


def all_bases(name: str) -> set[str]:
    """Everything that a class extends, near and far."""
    found = described(name)
    return set() if found is None else {*found.bases, *(far for base in found.bases for far in all_bases(base))}


@cache
def _module(package: str) -> list[ast.stmt]:
    folder = pip_wheel("chaquopy-stubs-android", "36.20260406")
    top, *rest = package.split(".")
    path = folder.joinpath(f"{top}-stubs", *rest, "__init__.pyi")
    return ast.parse(path.read_text(encoding="utf-8")).body if path.exists() else []


def _describe(node: ast.ClassDef, package: str) -> Description:
    description = Description()
    for base in node.bases:
        token = _token(ast.unparse(base), package)
        if not token.startswith("typing."):
            description.bases.append(token)
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            text = ast.unparse(item.annotation)
            inner = text.removeprefix("typing.ClassVar[")
            is_static = inner != text
            token = _token(inner[:-1] if is_static else text, package)
            description.members.append(Member(item.target.id, is_static, None, token))
        elif isinstance(item, ast.FunctionDef):
            description.members.append(_method(item, package))
    return description


def _method(node: ast.FunctionDef, package: str) -> Member:
    is_static = any(ast.unparse(decorator) == "staticmethod" for decorator in node.decorator_list)
    given = [arg for arg in (*node.args.posonlyargs, *node.args.args) if arg.arg != "self"]
    tokens = [_token(ast.unparse(arg.annotation), package) for arg in given if arg.annotation]
    if node.args.vararg and node.args.vararg.annotation:
        tokens.append(_token(ast.unparse(node.args.vararg.annotation), package) + "[]")
    name = "<init>" if node.name == "__init__" else node.name
    result = "void" if name == "<init>" or node.returns is None else _token(ast.unparse(node.returns), package)
    return Member(name, is_static, tuple(tokens), result)


def _token(text: str, package: str) -> str:
    """One erased Java type of a Python annotation."""
    options = [part for part in re.split(r" \| (?![^\[]*\])", text) if part != "None"] or ["None"]
    exact = next((part for part in options if re.fullmatch(r"java\.j\w+", part)), None)
    if exact:
        return exact.removeprefix("java.j")
    first = options[0]
    plain = {"str": "java.lang.String", "bool": "boolean", "None": "void", "int": "int", "float": "float"}
    if first in plain:
        return plain[first]
    if first.startswith("java.chaquopy.JavaArray["):
        return _token(first[len("java.chaquopy.JavaArray[") : -1], package) + "[]"
    if first.startswith("java.chaquopy.JavaArray"):
        return _ARRAYS.get(first.removeprefix("java.chaquopy.JavaArray"), first)
    if first.startswith("typing.Type["):
        return "java.lang.Class"
    erased = first.partition("[")[0]
    if erased.startswith("_"):
        return "java.lang.Object"
    return erased if erased.startswith(("android.", "java.", "typing.", "dalvik.")) else f"{package}.{erased}"


@dataclass(frozen=True)
class Since:
    """For ``class.member``: API level by number of parameters (None for a field or class), and values of constants.

    ``old`` says of the same whether Android deprecates it, with all of its overloads of as many parameters.
    """

    levels: dict[tuple[str, int | None], int] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    old: dict[tuple[str, int | None], bool] = field(default_factory=dict)


@cache
def since() -> Since:
    """When Android got each member, where that was after API 21; of overloads with as many parameters the oldest."""
    folder = npm_package("@nativescript/types-android", "9.1.1")
    path = folder / "lib/android/android-platform-21-37-merged.d.ts"
    known = Since()
    place: list[tuple[int, str]] = []
    level, is_old = 0, False
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        indent = len(line) - len(line.lstrip("\t"))
        if text == "}":
            while place and place[-1][0] >= indent:
                place.pop()
            continue
        if text.startswith(("/**", "*")):
            stated = re.search(r"@since (\d+)", text)
            level = int(stated[1]) if stated else level
            is_old = is_old or "@deprecated" in text
            continue
        opened = re.match(r"(?:declare|export) (?:module|(?:abstract )?(?:class|interface)) ([\w.]+)", text)
        if opened and text.endswith("{"):
            place.append((indent, opened[1]))
            name = ".".join(part for _, part in place)
            known.levels[name, None] = level
            known.old[name, None] = is_old
        elif text.startswith("public "):
            _take(text, ".".join(part for _, part in place), level, is_old, known)
        level, is_old = 0, False
    return known


def _take(text: str, owner: str, level: int, is_old: bool, known: Since) -> None:
    match = re.match(r"public (?:static )?(\w+)(?:<[^(]*>)?(\(?)", text)
    if not match:
        return
    name = f"{owner}.{'<init>' if match[1] == 'constructor' else match[1]}"
    key = (name, _count(text[match.end() :]) if match[2] else None)
    known.levels[key] = min(level, known.levels.get(key, level))
    known.old[key] = is_old and known.old.get(key, True)
    value = re.fullmatch(r"public static \w+: (-?\d+|\".*\");", text)
    if value:
        known.values[name] = value[1]


def _count(arguments: str) -> int:
    """Number of parameters up to the closing parenthesis."""
    depth, commas, seen = 0, 0, False
    for letter in arguments:
        if letter == ")" and depth == 0:
            return commas + 1 if seen else 0
        depth += (letter in "(<[{") - (letter in ")>]}")
        commas += letter == "," and depth == 0
        seen = True
    return commas + 1


def api_level(owner: str, member: Member) -> int:
    """The API level that brought a member, looking through super types; 21 for what was always there."""
    count = None if member.parameters is None else len(member.parameters)
    found = [
        since().levels[key]
        for name in (owner, *all_bases(owner))
        if (key := (f"{name}.{member.name}", count)) in since().levels
    ]
    return max(min(found, default=0), since().levels.get((owner, None), 0), 21)


def is_deprecated(owner: str, member: Member) -> bool:
    """Whether Android advises against a member, or against its class."""
    count = None if member.parameters is None else len(member.parameters)
    return any(since().old.get(key, False) for key in ((f"{owner}.{member.name}", count), (owner, None)))
