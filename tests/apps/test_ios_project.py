"""Rung 8: property lists, privacy manifest, project, scheme and test plan are well formed and hold what they must."""

import json
import os
import plistlib
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from rmpsam_mobile.contracts import Graph, Target
from tests.apps import tools
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.apps

APP: Final = REPOSITORY / "demo_ios"
PROJECT: Final = APP / "RMPSAMDemo.xcodeproj" / "project.pbxproj"
SWIFT_CODE: Final = [path for path in APP.rglob("*.swift") if ".build" not in path.parts]
# Interfaces that need a reason, and the reasons that fit this app; none of the others may be called.
REASONS: Final = {
    "NSPrivacyAccessedAPICategoryFileTimestamp": (r"fileSizeKey|isRegularFileKey|contentsOfDirectory", ["C617.1"]),
    "NSPrivacyAccessedAPICategorySystemBootTime": (r"systemUptime|mach_absolute_time", ["35F9.1"]),
    "NSPrivacyAccessedAPICategoryDiskSpace": (r"volumeAvailableCapacity|systemFreeSize|statfs", ["E174.1"]),
    "NSPrivacyAccessedAPICategoryUserDefaults": (r"UserDefaults|@AppStorage", ["CA92.1"]),
}


def plist(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        found: dict[str, Any] = plistlib.load(stream)
    return found


def settings(name: str) -> dict[str, str]:
    """Build settings of an xcconfig and what it includes."""
    found: dict[str, str] = {}
    for line in (APP / "Config" / name).read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r'#include "(.+)"', line):
            found |= settings(match[1])
        elif match := re.fullmatch(r"([A-Z_]+) =\s*(.*)", line):
            found[match[1]] = match[2]
        else:
            assert not line or line.startswith(("//", "#include?")), line
    return found


def test_the_property_list_asks_only_for_what_the_app_does() -> None:
    info = plist(APP / "Config" / "Info.plist")
    asked = {key for key in info if key.endswith("UsageDescription")}
    assert asked == {"NSCameraUsageDescription", "NSPhotoLibraryAddUsageDescription"}
    assert info["UIFileSharingEnabled"]
    assert info["LSSupportsOpeningDocumentsInPlace"]
    assert "NSAppTransportSecurity" not in info
    translated = json.loads((APP / "RMPSAMDemo/Resources/InfoPlist.xcstrings").read_text(encoding="utf-8"))["strings"]
    for key in asked:
        assert translated[key]["localizations"]["en"]["stringUnit"]["value"] == info[key]


def test_the_privacy_manifest_names_what_is_called_and_nothing_else() -> None:
    manifest = plist(APP / "RMPSAMDemo" / "Resources" / "PrivacyInfo.xcprivacy")
    assert manifest["NSPrivacyTracking"] is False
    assert manifest["NSPrivacyCollectedDataTypes"] == []
    assert manifest["NSPrivacyTrackingDomains"] == []
    named = {
        entry["NSPrivacyAccessedAPIType"]: entry["NSPrivacyAccessedAPITypeReasons"]
        for entry in manifest["NSPrivacyAccessedAPITypes"]
    }
    code = "\n".join(path.read_text(encoding="utf-8") for path in SWIFT_CODE if "Tests" not in str(path))
    called = {kind: reasons for kind, (pattern, reasons) in REASONS.items() if re.search(pattern, code)}
    assert named == called


def test_the_project_is_what_xcode_writes() -> None:
    kin, antlr = tools.pip_wheel("kin", "2.1.16"), tools.pip_wheel("antlr4-python3-runtime", "4.13.1")
    environment = {"PYTHONPATH": f"{kin}:{antlr}", "PATH": os.environ["PATH"]}
    verified = tools.run([sys.executable, "-m", "kin.kin", PROJECT], env=environment)
    assert verified.stdout.strip() == "CORRECT", verified.stdout + verified.stderr


def test_every_name_in_the_project_leads_somewhere() -> None:
    objects = _objects()
    ids = set(objects)
    used = set(re.findall(r"\bA1[0-9A-F]{22}\b", PROJECT.read_text(encoding="utf-8")))
    assert used == ids
    folders = {o["path"] for o in objects.values() if o["isa"] == "PBXFileSystemSynchronizedRootGroup"}
    assert folders == {"RMPSAMDemo", "RMPSAMDemoTests"}
    packages = {o["relativePath"] for o in objects.values() if o["isa"] == "XCLocalSwiftPackageReference"}
    assert packages == {"SegCore", "SegEngine"}
    for folder in folders | packages:
        assert (APP / folder).is_dir()
    configs = {o["path"] for o in objects.values() if str(o.get("path")).endswith((".xcconfig", ".plist"))}
    assert configs == {path.name for path in (APP / "Config").iterdir() if not path.name.startswith("Local")}


def _objects() -> dict[str, Any]:
    folder = tools.pip_wheel("openstep-parser", "2.0.3")
    program = (
        "import json, sys; from openstep_parser import OpenStepDecoder as D; "
        "print(json.dumps(D.ParseFromString(open(sys.argv[1]).read())))"
    )
    read = tools.run(
        [sys.executable, "-c", program, PROJECT], env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]}
    )
    assert read.returncode == 0, read.stderr
    document = json.loads(read.stdout)
    assert document["objectVersion"] == "77"
    found: dict[str, Any] = document["objects"]
    return found


def test_scheme_and_test_plan_name_the_projects_targets() -> None:
    text = PROJECT.read_text(encoding="utf-8")
    targets = dict(re.findall(r"(\w+) /\* (\w+) \*/ = \{\s+isa = PBXNativeTarget;", text))
    scheme = ElementTree.parse(APP / "RMPSAMDemo.xcodeproj/xcshareddata/xcschemes/RMPSAMDemo.xcscheme")
    for reference in scheme.iter("BuildableReference"):
        assert targets[reference.attrib["BlueprintIdentifier"]] == reference.attrib["BlueprintName"]
    (plan,) = (node.attrib["reference"] for node in scheme.iter("TestPlanReference"))
    document = json.loads((APP / plan.removeprefix("container:")).read_text(encoding="utf-8"))
    languages = {entry["options"]["language"] for entry in document["configurations"]}
    assert languages == {"en", "de"}
    tested = {entry["target"]["name"]: entry["target"] for entry in document["testTargets"]}
    assert set(tested) == {"RMPSAMDemoTests", "SegCoreTests", "SegEngineTests"}
    assert targets[tested["RMPSAMDemoTests"]["identifier"]] == "RMPSAMDemoTests"


def test_the_build_settings_keep_the_runtimes_kernels_and_swift_six() -> None:
    for name in ("Debug.xcconfig", "Release.xcconfig"):
        found = settings(name)
        assert "-all_load" in found["OTHER_LDFLAGS"]
        for framework in ("Accelerate", "CoreGraphics", "CoreImage", "CoreML", "CoreVideo", "Foundation"):
            assert f"-framework {framework}" in found["OTHER_LDFLAGS"]
        assert found["SWIFT_VERSION"] == "6.0"
        assert found["IPHONEOS_DEPLOYMENT_TARGET"] == "17.0"
        assert (APP / found["INFOPLIST_FILE"]).is_file()
        assert found["DEVELOPMENT_TEAM"] == ""


def test_the_runtimes_version_is_the_one_that_the_exporter_uses() -> None:
    package = (APP / "SegEngine" / "Package.swift").read_text(encoding="utf-8")
    engine = (APP / "SegEngine/Sources/SegEngine/ExecuTorchEngine.swift").read_text(encoding="utf-8")
    (branch,) = re.findall(r'branch: "swiftpm-([\d.]+)"', package)
    (stated,) = re.findall(r'version = "([\d.]+)"', engine)
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    (pinned,) = set(re.findall(r"executorch==([\d.]+)", project)) or {None}
    assert branch == stated
    assert pinned in (None, branch)


@pytest.mark.parametrize("kind", [Graph, Target])
def test_names_in_the_manifest_are_those_of_the_exporter(kind: type[StrEnum]) -> None:
    code = (APP / "SegCore/Sources/SegCore/Contract.swift").read_text(encoding="utf-8")
    (body,) = re.findall(rf"enum {kind.__name__}: String.*?\n\}}", code, re.DOTALL)
    cases = {text or name for name, text in re.findall(r'case (\w+)(?: = "(.+)")?', body)}
    assert cases == set(kind)


def test_no_secret_and_no_build_output_lies_in_the_folder() -> None:
    for path in APP.rglob("*"):
        assert not re.search(r"\.(p12|mobileprovision|cer|xcuserstate)$", path.name)
        assert path.name not in {".build", "DerivedData", "xcuserdata"}, f"{path.name} belongs elsewhere"
