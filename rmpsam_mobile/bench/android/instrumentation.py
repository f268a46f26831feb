"""The sample app as runner: what ``am instrument -r`` prints, and the report inside."""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any

from rmpsam_mobile.bench.runtime_errors import explain_text
from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.errors import DeviceError, InputError

_LINE = re.compile(r"^INSTRUMENTATION_(STATUS|STATUS_CODE|RESULT|CODE|FAILED|ABORTED): ?(.*)$")


@dataclass
class Instrumentation:
    """The lines of one call: the status of each step, the results, and the final code; None where it never came."""

    statuses: list[dict[str, str]] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    failed: str | None = None


def parse_instrumentation(text: str) -> Instrumentation:
    """Read ``INSTRUMENTATION_...`` lines; a line without such a head goes on with the value before it."""
    found = Instrumentation()
    status: dict[str, str] = {}
    place: tuple[dict[str, str], str] | None = None
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            if place and line.strip():
                place[0][place[1]] += "\n" + line
            continue
        kind, rest = match.groups()
        place = None
        if kind in ("STATUS", "RESULT"):
            values = status if kind == "STATUS" else found.results
            key, _, values_text = rest.partition("=")
            values[key] = values_text
            place = (values, key)
        elif kind == "STATUS_CODE":
            found.statuses.append(status)
            status = {}
        elif kind == "CODE":
            found.code = int(rest) if re.fullmatch(r"-?\d+", rest.strip()) else None
        else:
            found.failed = rest or kind.lower()
    if status:
        found.statuses.append(status)
    return found


def report_of(found: Instrumentation, app: str, log: str) -> dict[str, Any]:
    """The app's own ``rmpsam.latency/1`` document.

    Args:
        found: what was printed.
        app: package name, for messages.
        log: the last lines of ``logcat``, of which the telling one goes into an error.

    Raises:
        DeviceError: the app is not installed, crashed, stopped half-way, or answered something else.
    """
    said = " ".join(filter(None, (status.get("Error") for status in found.statuses)))
    if "Unable to find instrumentation" in said or (found.failed and app in found.failed):
        raise DeviceError(
            f"{app} is not installed on the phone, or has no bench entry; build and install demo_android, "
            "or name yours with --app"
        )
    crash = found.results.get("shortMsg") or found.results.get("longMsg") or found.failed
    error = found.results.get("error")
    if crash or error:
        hint = explain_text(f"{error or ''}\n{log}")
        told = error or crash
        raise DeviceError(f"{app} failed: {told}; {hint or telling_line(log) or 'see: adb logcat -d'}")
    encoded = found.results.get("report")
    if encoded is None:
        where = "broke off" if found.code is None else f"ended with code {found.code} and no report"
        raise DeviceError(f"{app}: its answer {where}; {telling_line(log) or 'see: adb logcat -d'}")
    return read_app_report(encoded, app)


def read_app_report(encoded: str, app: str) -> dict[str, Any]:
    """Decode and check the document in ``INSTRUMENTATION_RESULT: report=``.

    Raises:
        DeviceError: it is no such document.
    """
    try:
        raw = base64.b64decode("".join(encoded.split()), validate=True)
        document = json.loads(raw)
        return check_report(document, f"the report of {app}")
    except (ValueError, InputError) as error:
        raise DeviceError(
            f"{app} answered no report ({str(error)[:120]}); install the app of this version of rmpsam-mobile"
        ) from None


def telling_line(log: str) -> str | None:
    """The last lines of a log that tell of a crash, in one line."""
    telling = [line.strip() for line in log.splitlines() if re.search(r"FATAL|signal|Exception|Error|abort", line)]
    return " | ".join(line[-140:] for line in telling[-2:]) or None
