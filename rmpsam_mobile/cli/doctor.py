"""``doctor``: what is installed, and what this machine can and cannot do."""

from typing import Annotated

import typer

from rmpsam_mobile.cli.console import print_json, print_table, red, table

# package, what it is for, the extra or pin that installs it
_PACKAGES = (
    ("torch", "the eager model", "torch==2.13.0"),
    ("executorch", "XNNPACK .pte files", "executorch==1.4.1"),
    ("torchao", "quantization", "torchao==0.18.0"),
    ("coremltools", "Core ML packages", "coremltools==9.0"),
    ("av", "films as input", "rmpsam-mobile[video]"),
    ("onnxruntime", "ONNX files, to debug with", "rmpsam-mobile[onnx]"),
    ("cryptography", "signatures of bundles", "rmpsam-mobile[sign]"),
)
_OPTIONAL = ("av", "onnxruntime", "cryptography")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show what is installed and which engines run here; exit code 3 if something required is missing."""
    found = {name: _version(name) for name, _, _ in _PACKAGES}
    engines = _engines(found)
    operators = _operators(found)
    if as_json:
        print_json({"packages": found, "engines": engines, "mil_operators": operators})
    else:
        packages = table("Packages", "package", "<version", "<for", "<install with")
        for name, purpose, pin in _PACKAGES:
            packages.add_row(name, found[name] or red("missing"), purpose, f"pip install '{pin}'")
        print_table(packages)
        rows = table("Engines on this machine", "engine", "<export", "<run")
        for name, state in engines.items():
            rows.add_row(name, state["export"], state["run"])
        print_table(rows)
        count = sum(map(len, operators.values()))
        known = table(f"The {count} operators of Core ML programs that the reference interpreter knows", "of", "<names")
        for group, names in operators.items():
            known.add_row(group, ", ".join(names))
        print_table(known)
    if any(found[name] is None for name, _, _ in _PACKAGES if name not in _OPTIONAL):
        raise typer.Exit(3)


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _operators(found: dict[str, str | None]) -> dict[str, list[str]]:
    """MIL operators by group; none where torch is missing."""
    if not found["torch"]:
        return {}
    from rmpsam_mobile.runtime.mil import GROUPS

    return {group: sorted(names) for group, names in GROUPS.items()}


def _engines(found: dict[str, str | None]) -> dict[str, dict[str, str]]:
    import os
    import sys

    pte = "yes" if found["executorch"] else "no: executorch is missing"
    onnx = (
        "yes" if all(_version(name) for name in ("onnx", "onnxscript", "onnxruntime")) else "no: the extra is missing"
    )
    qnn = "its SDK is named" if os.environ.get("QNN_SDK_ROOT") else "no: QNN_SDK_ROOT is not set"
    interpreted = all(found[name] for name in ("torch", "coremltools"))
    mac = "; Core ML itself by Xcode or an app" if sys.platform == "darwin" else ""
    return {
        "eager (torch)": {"export": "-", "run": "yes" if found["torch"] else "no: torch is missing"},
        "xnnpack (.pte)": {"export": pte, "run": pte},
        "portable (.pte)": {"export": pte, "run": pte},
        "coreml (.pte)": {"export": pte, "run": "no: Apple's devices only"},
        "coreml-package (.mlpackage)": {
            "export": "yes" if found["coremltools"] else "no: coremltools is missing",
            "run": f"by the reference interpreter, not the Neural Engine{mac}"
            if interpreted
            else "no: coremltools is missing",
        },
        "vulkan (.pte)": {"export": pte, "run": "no: Android's GPUs only"},
        "qnn (.pte)": {"export": qnn, "run": "no: Snapdragon phones only"},
        "onnx (.onnx)": {"export": onnx, "run": onnx},
    }
