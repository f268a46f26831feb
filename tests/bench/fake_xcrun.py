"""Apple's ``xcrun`` and ``xcodebuild`` as scripts on PATH: they note their words and answer by a scenario.

Answers are synthetic, written from the fields that coremltools reads of the real tool; no Mac was at hand.
"""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_SCRIPT: Final = """#!{python} -IS
import json, os, sys, time
home = {home!r}
words = [os.path.basename(sys.argv[0]), *sys.argv[1:]]
with open(home + "/said.jsonl", "a") as said:
    said.write(json.dumps(words) + "\\n")
if words[:2] == ["xcrun", "devicectl"]:
    verb = " ".join(words[2:4] if words[2] == "list" else words[2:5])
else:
    verb = " ".join(words[:2])
scenario = json.load(open(home + "/scenario.json")).get(verb, {{}})
time.sleep(scenario.get("seconds", 0))
if "--json-output" in words and scenario.get("answer") is not None:
    with open(words[words.index("--json-output") + 1], "w") as file:
        json.dump(scenario["answer"], file)
if "file" in scenario:
    with open(words[words.index("--destination") + 1], "w") as file:
        file.write(scenario["file"])
if "folder" in scenario:
    os.makedirs(os.path.join(words[words.index("-derivedDataPath") + 1], scenario["folder"]))
sys.stdout.write(scenario.get("out", ""))
sys.stderr.write(scenario.get("err", ""))
sys.exit(scenario.get("code", 0))
"""


def device(name: str = "phone", **changes: Any) -> dict[str, Any]:
    """One entry of ``list devices``; ``changes`` go to whichever part holds the key."""
    entry: dict[str, Any] = {
        "identifier": f"ID-{name}",
        "deviceProperties": {"name": f"Anna's {name}", "osVersionNumber": "18.1", "developerModeStatus": "enabled"},
        "hardwareProperties": {"udid": f"UDID-{name}", "deviceType": "iPhone", "marketingName": "iPhone 15"},
        "connectionProperties": {"tunnelState": "connected", "pairingState": "paired"},
    }
    for key, value in changes.items():
        part = next(part for part in entry.values() if isinstance(part, dict) and key in part)
        part[key] = value
    return entry


def devices(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"answer": {"info": {"outcome": "success"}, "result": {"devices": list(entries)}}}


def refusal(text: str, domain: str = "com.apple.dt.CoreDeviceError") -> dict[str, Any]:
    """How devicectl tells of a failure."""
    error = {"code": 1, "domain": domain, "userInfo": {"NSLocalizedDescription": {"string": text}}}
    return {"answer": {"info": {"outcome": "failed"}, "error": error}, "code": 1}


@dataclass
class FakeMac:
    """Put ``folder`` in front of PATH; ``scenario`` is read at every call."""

    folder: Path
    scenario: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the scripts."""
        self.folder.mkdir()
        for name in ("xcrun", "xcodebuild"):
            (self.folder / name).write_text(_SCRIPT.format(python=sys.executable, home=str(self.folder)))
            (self.folder / name).chmod(0o755)
        self.scenario = {
            "xcodebuild -version": {"out": "Xcode 16.1\nBuild version 16B40\n"},
            "list devices": devices(device(), device("watch", deviceType="appleWatch")),
            "device install app": {"answer": {"result": {"installedApplications": [{"bundleID": "org.rmpsam.demo"}]}}},
            "device copy to": {"answer": {"result": {}}},
            "device process launch": {"answer": {"result": {}}},
            "device copy from": {"answer": {"result": {}}},
            **self.scenario,
        }
        self.save()

    def answers(self, report: str, line: str, **changes: Any) -> None:
        """What the app prints, and the file that is fetched."""
        self.scenario["device process launch"] |= {"out": f"{line}\n"} | changes
        self.scenario["device copy from"]["file"] = report
        self.save()

    def save(self) -> None:
        (self.folder / "scenario.json").write_text(json.dumps(self.scenario))

    def said(self) -> list[list[str]]:
        """Every command line, in order."""
        return [json.loads(line) for line in (self.folder / "said.jsonl").read_text().splitlines()]
