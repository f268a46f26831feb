"""ExecuTorch's error codes, what each means for a bundle, and what to do (runtime/core/error.h of 1.4.1)."""

import re
from typing import Final, NamedTuple


class RuntimeCode(NamedTuple):
    """Name in ExecuTorch, and a sentence with the next step."""

    name: str
    hint: str


CODES: Final[dict[int, RuntimeCode]] = {
    0x01: RuntimeCode(
        "Internal", "a fault inside the runtime; read the log, then report it with the bundle's manifest"
    ),
    0x02: RuntimeCode("InvalidState", "the runner called methods out of order; update the runner"),
    0x03: RuntimeCode("EndOfMethod", "the runner ran past the end of a method; update the runner"),
    0x04: RuntimeCode("AlreadyLoaded", "the runner loaded a method twice; update the runner"),
    0x10: RuntimeCode("NotSupported", "this build of the runtime lacks something the file needs; use runtime 1.4.1"),
    0x11: RuntimeCode("NotImplemented", "this build of the runtime lacks something the file needs; use runtime 1.4.1"),
    0x12: RuntimeCode(
        "InvalidArgument", "an input has another shape or type than the manifest says; update the runner"
    ),
    0x13: RuntimeCode("InvalidType", "an input has another type than the manifest says; update the runner"),
    0x14: RuntimeCode("OperatorMissing", "the runtime was built without the kernels that the file needs; link them"),
    0x15: RuntimeCode("RegistrationExceedingMaxKernels", "too many kernels are linked; link one kernel library"),
    0x16: RuntimeCode("RegistrationAlreadyRegistered", "kernels are linked twice; link one kernel library"),
    0x20: RuntimeCode(
        "NotFound", "the delegate or the file is not there; link the XNNPACK backend, push the file again"
    ),
    0x21: RuntimeCode("MemoryAllocationFailed", "not enough memory; close apps, or export with a smaller --size"),
    0x22: RuntimeCode("AccessFailed", "the file cannot be read; it was pushed to a place that the app may not read"),
    0x23: RuntimeCode("InvalidProgram", "the file is damaged or of another version; push it again, use runtime 1.4.1"),
    0x24: RuntimeCode("InvalidExternalData", "a data file is damaged or missing; push the bundle again"),
    0x25: RuntimeCode("OutOfResources", "the device has no more of some resource; close apps and run again"),
    0x30: RuntimeCode("DelegateInvalidCompatibility", "the delegate is of another version; use runtime 1.4.1"),
    0x31: RuntimeCode("DelegateMemoryAllocationFailed", "the delegate has not enough memory; close apps"),
    0x32: RuntimeCode("DelegateInvalidHandle", "the delegate lost its state; report it with the bundle's manifest"),
}

_HEX = re.compile(r"\b0x([0-9a-f]{1,2})\b", re.IGNORECASE)
_DECIMAL = re.compile(r"(?:error(?:Code)?(?: code)?|code)\W{0,3}(\d{1,2})\b", re.IGNORECASE)


def explain(code: int) -> str:
    """``error 20 (OperatorMissing): what to do``."""
    known = CODES.get(code)
    return f"error {code} ({known.name}): {known.hint}" if known else f"error {code}, which is not one of ExecuTorch's"


def explain_text(text: str) -> str | None:
    """The explanation of the first code or name of ExecuTorch's in a log; None where there is none."""
    for code, known in CODES.items():
        if re.search(rf"\b{known.name}\b", text) and known.name not in ("Internal", "NotFound"):
            return explain(code)
    for pattern, base in ((_HEX, 16), (_DECIMAL, 10)):
        for match in pattern.finditer(text):
            if int(match[1], base) in CODES:
                return explain(int(match[1], base))
    return None
