"""Reading an .mlpackage: coremltools rebuilds program, weights and types; what is broken is said in one line."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rmpsam_mobile.errors import InputError, MissingExtraError, UnsupportedError
from rmpsam_mobile.quiet import muted_start, muted_warnings
from rmpsam_mobile.runtime.mil.dtypes import Arithmetic
from rmpsam_mobile.runtime.mil.operators import OPERATORS
from rmpsam_mobile.runtime.mil.program import Program, build_program, unknown_operators

NEWEST: Final = 10  # specification version of iOS 26; 6 is iOS 15's, the first with programs


def read_package(path: Path, *, arithmetic: Arithmetic = Arithmetic.PROGRAM, function: str | None = None) -> Program:
    """Read one function of a package and make it ready to run.

    Args:
        path: the .mlpackage folder.
        arithmetic: how numbers are kept.
        function: of a package with several; the default one else.

    Raises:
        InputError: no package, or a damaged one.
        UnsupportedError: a newer specification, no ML program, or an operator or type that is not known here.
        MissingExtraError: coremltools is not installed.
    """
    description = _read_specification(path)
    version = description.specificationVersion
    if version > NEWEST:
        raise UnsupportedError(
            f"{path.name} has specification version {version}; this version reads up to {NEWEST}; update rmpsam-mobile"
        )
    kind = description.WhichOneof("Type")
    if kind is None:
        raise InputError(f"{path}: its program is empty; copy it again, or export it anew")
    if kind != "mlProgram":
        raise UnsupportedError(f"{path.name} is a {kind}, no ML program; export it for iOS 15 or newer")
    functions = description.mlProgram.functions
    name = function or description.description.defaultFunctionName or "main"
    if name not in functions:
        raise InputError(f"{path.name} has no function {name!r}; it has {', '.join(functions) or 'none'}")
    _refuse_unknown(functions[name])
    _require_weights(path, functions.values())
    rebuilt = _rebuild(path, description)
    return build_program(rebuilt.functions[name], arithmetic, _images(description, name))


def _read_specification(path: Path) -> Any:
    """The protobuf description of a package."""
    if not (path / "Manifest.json").is_file():
        raise InputError(f"{path} is no .mlpackage: it has no Manifest.json; copy it whole")
    try:
        with muted_start():
            import coremltools as ct
    except ImportError:
        raise MissingExtraError(
            "reading Core ML packages needs coremltools; install it with: pip install coremltools==9.0"
        ) from None
    try:
        return ct.utils.load_spec(str(path))
    except Exception as error:  # of the package reader or of protobuf, each with classes of its own
        raise InputError(
            f"{path}: not a Core ML package that can be read ({_first_line(error)}); copy it again"
        ) from None


def _rebuild(path: Path, description: Any) -> Any:
    from coremltools.converters.mil.frontend.milproto.load import load

    try:
        with muted_warnings():
            return load(
                description,
                specification_version=description.specificationVersion,
                file_weights_dir=str(_weights_folder(path)),
            )
    except Exception as error:  # coremltools raises whatever comes: AssertionError, KeyError, RuntimeError ...
        raise InputError(
            f"{path}: its program cannot be rebuilt ({_first_line(error)}); copy it again, or export it anew"
        ) from error


def _refuse_unknown(function: Any) -> None:
    found = Counter(operation.type for operation in _operations(function))
    unknown = {name: count for name, count in found.items() if name not in OPERATORS and name != "const"}
    if unknown:
        raise unknown_operators(unknown)


def _require_weights(path: Path, functions: Any) -> None:
    """Each file of weights that the program names must be there and reach as far as the program reads."""
    for function in functions:
        for name in {value.fileName for value in _blobs(function)}:
            file = _weights_folder(path) / name.split("/")[-1]
            if not file.is_file():
                raise InputError(f"{path}: its weights are missing ({file.name}); copy it again")
            last = max(value.offset for value in _blobs(function) if value.fileName == name)
            if last >= file.stat().st_size:
                size = file.stat().st_size
                raise InputError(
                    f"{path}: {file.name} ends after {size:,} bytes, weights lie at {last:,}; copy it again"
                )


def _operations(function: Any) -> Iterator[Any]:
    """All operations of a function in the form that it runs in."""
    waiting = [function.block_specializations[function.opset]]
    while waiting:
        for operation in waiting.pop().operations:
            yield operation
            waiting += operation.blocks


def _blobs(function: Any) -> Iterator[Any]:
    """Everything that a function reads from files of weights."""
    for operation in _operations(function):
        values = [*operation.attributes.values()]
        values += [binding.value for argument in operation.inputs.values() for binding in argument.arguments]
        yield from (value.blobFileValue for value in values if value.WhichOneof("value") == "blobFileValue")


def _images(description: Any, function: str) -> dict[str, str]:
    """Inputs that are pictures, with their colour order: RGB, BGR or GRAYSCALE."""
    described = description.description
    several = {item.name: item.input for item in described.functions}
    images = {}
    for feature in several.get(function, described.input):
        if feature.type.WhichOneof("Type") == "imageType":
            layout = feature.type.imageType
            images[feature.name] = layout.ColorSpace.Name(layout.colorSpace)
    return images


def _weights_folder(path: Path) -> Path:
    found = sorted(path.glob("Data/*/weights"))
    return found[0] if found else path / "Data" / "com.apple.CoreML" / "weights"


def _first_line(error: Exception) -> str:
    return f"{(str(error).strip().splitlines() or [type(error).__name__])[0]:.100}"
