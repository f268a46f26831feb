"""Recipes as files: JSON that a person reads, edits and runs again."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rmpsam_mobile.checkpoint.shipped import shipped_recipe
from rmpsam_mobile.errors import InputError
from rmpsam_mobile.quantization.recipes import Activations, QuantRecipe, Ranges, recipe_named

SCHEMA = 2
SUFFIX = ".json"


def find_recipe(name: str) -> QuantRecipe:
    """A recipe by name or alias, by the name of shipped weights, or from a file, which ends in ``.json``.

    Raises:
        InputError: unknown, or no recipe file.
        UnsupportedError: it is refused.
    """
    path = Path(name) if name.endswith(SUFFIX) else shipped_recipe(name)
    return read_recipe(path) if path else recipe_named(name)


def recipe_document(recipe: QuantRecipe) -> str:
    """The recipe as JSON, one field a line."""
    return json.dumps(asdict(recipe), indent=1) + "\n"


def read_recipe(path: Path) -> QuantRecipe:
    """Read what ``recipe_document`` made, or a person wrote.

    Raises:
        InputError: missing, no JSON, another schema, an unknown or missing field, a value of the wrong kind.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None
    except ValueError as error:
        raise InputError(f"{path}: is no JSON ({str(error)[:60]}); mend it") from None
    return recipe_of(found, str(path))


def recipe_of(found: Any, where: str) -> QuantRecipe:
    """The recipe that a JSON value describes; ``where`` begins messages.

    Raises:
        InputError: see ``read_recipe``.
    """
    known = {field.name: field for field in fields(QuantRecipe)}
    if not isinstance(found, dict) or not {"name", "schema"} <= found.keys():
        raise InputError(f"{where}: is no recipe; it needs name, alias, precision and schema")
    if found["schema"] != SCHEMA:
        raise InputError(f"{where}: has schema {found['schema']!r}; this version reads {SCHEMA}; make it again")
    unknown = [name for name in found if name not in known]
    if unknown:
        raise InputError(f"{where}: unknown field {unknown[0]!r}; known: {', '.join(known)}")
    absent = [name for name in ("alias", "precision") if name not in found]
    if absent:
        raise InputError(f"{where}: has no {absent[0]!r}; add it")
    return QuantRecipe(**{name: _value(name, value, where) for name, value in found.items()})


def _value(name: str, value: Any, where: str) -> Any:
    """A field's value in its own type."""
    if name in ("activations", "ranges"):
        kinds: type[Activations] | type[Ranges] = Activations if name == "activations" else Ranges
        if value not in tuple(kinds):
            raise InputError(f"{where}: {name} is {value!r}; known: {', '.join(kinds)}")
        return kinds(value)
    if name == "in_float":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InputError(f"{where}: in_float is {value!r:.60}; give a list of GRAPH/MODULE.PATH")
        return tuple(value)
    numbers: dict[str, tuple[type, ...]] = {"percentile": (int, float), "weight_bits": (int,), "schema": (int,)}
    wanted = numbers.get(name, (bool,) if name.startswith("is_") else (str,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise InputError(f"{where}: {name} is {value!r:.60}; give a {wanted[-1].__name__}")
    return value
