"""Every command of a measurement on an iPhone, in one place: what a dry run prints is what a run does."""

from pathlib import Path
from typing import Final

REQUEST: Final = "Documents/bundle/request.json"
REPORT: Final = "Documents/bench/report.json"
ANSWER: Final = "ANSWER.json"  # where devicectl writes what it has to say; its standard output is for people


def find_devicectl() -> list[str]:
    """Is the tool there?"""
    return ["xcrun", "--find", "devicectl"]


def xcode_version() -> list[str]:
    """Which Xcode?"""
    return ["xcodebuild", "-version"]


def list_devices(answer: str = ANSWER) -> list[str]:
    """Phones that this Mac knows."""
    return ["xcrun", "devicectl", "list", "devices", "--json-output", answer]


def build(project: Path, udid: str, derived: str, team: str | None) -> list[str]:
    """The release build of the sample app, signed for one phone."""
    signing = [f"DEVELOPMENT_TEAM={team}"] if team else []
    options = ["-configuration", "Release", "-destination", f"id={udid}", "-derivedDataPath", derived]
    command = ["xcodebuild", "-project", str(project), "-scheme", project.stem, *options]
    return [*command, *signing, "-allowProvisioningUpdates", "build"]


def install(device: str, app: str, answer: str = ANSWER) -> list[str]:
    """Put the app on the phone."""
    return [*_device("install", "app"), "--device", device, app, "--json-output", answer]


def copy_to(device: str, source: str, app_id: str, target: str, answer: str = ANSWER) -> list[str]:
    """A folder into the app's own files."""
    places = ["--source", source, "--destination", target]
    return [*_device("copy", "to"), "--device", device, *places, *_container(app_id), "--json-output", answer]


def launch(device: str, app_id: str, answer: str = ANSWER) -> list[str]:
    """Start the app with the request and wait for its end."""
    options = ["--console", "--terminate-existing", "--device", device, "--json-output", answer]
    return [*_device("process", "launch"), *options, app_id, "--bench", REQUEST]


def copy_from(device: str, app_id: str, target: str, answer: str = ANSWER) -> list[str]:
    """The report out of the app's own files."""
    places = ["--source", REPORT, "--destination", target]
    return [*_device("copy", "from"), "--device", device, *places, *_container(app_id), "--json-output", answer]


def _device(*verb: str) -> list[str]:
    return ["xcrun", "devicectl", "device", *verb]


def _container(app_id: str) -> list[str]:
    return ["--domain-type", "appDataContainer", "--domain-identifier", app_id]
