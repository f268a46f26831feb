"""The error tree: every error a user can meet, each with its exit code.

RmpSamError                  1  our bug, when raised as itself
 +- InputError               2  a file, an option or a value that we were given is not usable
 +- MissingExtraError        3  an optional package or a tool is not installed
 +- UnsupportedError         4  a valid wish that this operator, engine or platform cannot grant
 +- ExportError              5  capture or lowering failed
 +- GateError                6  a gate said no: parity, accuracy, delegation, size, memory, latency
 +- DeviceError              7  no phone, or it does not answer

A message is one line: the value, the limit, the next step.
"""


class RmpSamError(Exception):
    """Root of all errors raised on purpose; raised as itself it means a bug of ours."""

    exit_code = 1


class InputError(RmpSamError):
    """A file, option or value from outside is missing, broken or out of range."""

    exit_code = 2


class MissingExtraError(RmpSamError):
    """An optional dependency or tool is absent; the message holds the command that installs it."""

    exit_code = 3


class UnsupportedError(RmpSamError):
    """The wish is well formed, but this model, operator, engine or platform cannot do it."""

    exit_code = 4


class ExportError(RmpSamError):
    """Capturing or lowering a graph failed."""

    exit_code = 5


class GateError(RmpSamError):
    """A stated limit (parity, accuracy, delegation, size, memory, latency) was not kept."""

    exit_code = 6


class DeviceError(RmpSamError):
    """The phone or simulator that should run this is not reachable."""

    exit_code = 7
