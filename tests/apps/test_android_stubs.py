"""Rung 5: the app's stubs say nothing that Android does not, and nothing newer than minSdk is called unguarded."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.apps.android_api import Member, all_bases, all_members, api_level, described, is_deprecated, since
from tests.apps.kotlin_compiler import ANDROID, library, sources, stub_classes, versions
from tests.apps.kotlin_syntax import functions
from tests.apps.tools import debian_program, run

pytestmark = pytest.mark.apps

# Newer than minSdk, each with the text in its function that keeps older phones out.
GUARDED: Final = {
    "android.os.Build.SOC_MANUFACTURER": ("SOC_MANUFACTURER", "VERSION_CODES.S"),
    "android.os.Build.SOC_MODEL": ("SOC_MODEL", "VERSION_CODES.S"),
    "android.provider.MediaStore.ACTION_PICK_IMAGES": ("ACTION_PICK_IMAGES", "VERSION_CODES.TIRAMISU"),
    "android.view.View.getStateDescription": ("stateDescription = ", "VERSION_CODES.R"),
    "android.view.View.setStateDescription": ("stateDescription = ", "VERSION_CODES.R"),
}
DEFAULT: Final = Member("<init>", False, (), "void")  # what javac adds to a stub without a constructor
_HEAD: Final = re.compile(r"(?:class|interface) ([\w.$]+)(.*)")
_LETTERS: Final = {"I": "int", "J": "long", "F": "float", "D": "double", "Z": "boolean", "V": "void", "B": "byte"}


@cache
def printed() -> dict[str, str]:
    """What ``javap`` prints of every Android stub, by the stub's full name."""
    folder = stub_classes()
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in sorted(folder.rglob("android/**/*.class"))]
    javap = debian_program("javap", "default-jdk-headless")
    classpath = f"{folder}:{library('annotations-13.0')}"
    done = run([javap, "-public", "-s", "-cp", classpath, *(name.replace("/", ".") for name in names)])
    assert done.returncode == 0, done.stderr
    texts = done.stdout.split("Compiled from ")[1:]
    return {_HEAD.findall(text)[0][0].replace("$", "."): text for text in texts}


@cache
def stub_members() -> dict[str, list[Member]]:
    """Public members of every Android stub."""
    return {owner: _members(text, _HEAD.findall(text)[0][0]) for owner, text in printed().items()}


def _members(text: str, owner: str) -> list[Member]:
    members = []
    for line, descriptor in re.findall(r"^  (\S.*);\n    descriptor: (\S+)$", text, re.MULTILINE):
        parameters, result = _types(descriptor)
        signature = re.sub(r"<[^()]*?>(?= )", "", line)
        found = re.search(r"([\w.$]+)(?: = .*)?$", signature.partition("(")[0].rstrip())
        assert found, line
        name = "<init>" if found[1] == owner else found[1]
        members.append(Member(name, " static " in f" {line}", parameters, result))
    return members


def _types(descriptor: str) -> tuple[tuple[str, ...] | None, str]:
    inside, bracket, result = descriptor.rpartition(")")
    tokens = tuple(_token(part) for part in re.findall(r"\[*(?:L[^;]+;|[A-Z])", inside.removeprefix("(")))
    return (tokens if bracket else None), _token(result)


def _token(descriptor: str) -> str:
    plain = descriptor.lstrip("[")
    name = plain[1:-1].replace("/", ".").replace("$", ".") if plain.startswith("L") else _LETTERS[plain]
    return name + "[]" * (len(descriptor) - len(plain))


def dishonest(owner: str, members: list[Member]) -> list[str]:
    """Members of a stub that Android does not have in this form."""
    real = all_members(owner)
    if owner == "android.app.Activity":  # generic since API 26, which the description does not say
        members = [member for member in members if member.name != "findViewById"]
    wrong = []
    for member in members:
        is_enum = "java.lang.Enum" in all_bases(owner) and member.name in ("values", "valueOf")
        if not is_enum and member != DEFAULT and not any(member.matches(other) for other in real):
            wrong.append(f"{owner}.{member.name}{member.parameters}: {member.result}")
    return wrong


def test_every_stub_is_what_android_declares() -> None:
    wrong = [line for owner, members in stub_members().items() for line in dishonest(owner, members)]
    assert wrong == []
    assert len(stub_members()) > 80


def test_every_super_type_of_a_stub_is_androids() -> None:
    wrong = []
    for owner, text in printed().items():
        named = re.sub(r"<[^<>]*>|extends|implements|\{", " ", re.sub(r"<[^<>]*>", "", _HEAD.findall(text)[0][1]))
        bases = {base.replace("$", ".") for base in re.split(r"[\s,]+", named) if base}
        wrong += [f"{owner} is no {base}" for base in bases - all_bases(owner) - {"java.lang.Object"}]
    assert wrong == []


def test_constants_have_androids_values() -> None:
    wrong, seen = [], 0
    for path in sorted((ANDROID / "stubs/android").rglob("*.java")):
        package = ".".join(path.relative_to(ANDROID / "stubs").parent.parts)
        for name, value in re.findall(r"static final \w+ (\w+) = (-?\d+|\".*\");", path.read_text(encoding="utf-8")):
            known = {
                text for key, text in since().values.items() if key.startswith(package) and key.endswith(f".{name}")
            }
            seen += bool(known)
            wrong += [f"{path.stem}.{name} is {value}, not {known}"] if known and value not in known else []
    assert wrong == []
    assert seen > 40


def test_what_is_newer_than_the_oldest_phone_is_guarded() -> None:
    least = int(versions()["versions"]["minSdk"])
    newer = {
        f"{owner}.{member.name}"
        for owner, members in stub_members().items()
        for member in members
        if member.name != "VERSION_CODES" and not owner.endswith("VERSION_CODES") and api_level(owner, member) > least
    }
    assert newer == set(GUARDED)
    for use, guard in GUARDED.values():
        users = [text for path in sources("app/src/main") for text in functions(path) if use in text]
        assert users
        assert all(f"SDK_INT >= Build.{guard}" in text.replace("android.os.", "") for text in users), use


def test_nothing_that_android_deprecates_is_called() -> None:
    """Gradle treats a warning of the real SDK as an error, and the stubs cannot warn."""
    old = [
        f"{owner}.{member.name}{member.parameters}"
        for owner, members in stub_members().items()
        for member in members
        if is_deprecated(owner, member) and member != DEFAULT
    ]
    assert old == []
    assert is_deprecated("android.view.View", Member("setDrawingCacheEnabled", False, ("boolean",), "void"))
    assert not is_deprecated("android.view.View", Member("invalidate", False, (), "void"))


def test_a_method_that_android_lacks_is_found() -> None:
    planted = Member("postShear", False, ("float", "float"), "boolean")
    assert dishonest("android.graphics.Matrix", [planted])
    narrower = Member("getPixel", False, ("float", "int"), "int")
    assert dishonest("android.graphics.Bitmap", [narrower])
    assert described("android.graphics.Nothing") is None


def test_levels_are_read_by_overload() -> None:
    thermal = Member("getCurrentThermalStatus", False, (), "int")
    headroom = Member("getThermalHeadroom", False, ("int",), "float")
    assert api_level("android.os.PowerManager", thermal) == 29
    assert api_level("android.os.PowerManager", headroom) == 30
    assert api_level("android.view.View", Member("getWidth", False, (), "int")) == 21


def test_the_stub_of_executorch_is_of_the_version_in_the_catalog() -> None:
    head = (ANDROID / "stubs/org/pytorch/executorch/ExecuTorch.kt").read_text(encoding="utf-8").splitlines()[0]
    assert f"executorch-android:{versions()['versions']['executorch']}," in head


def test_the_app_knows_nothing_of_the_stubs() -> None:
    named = [path for path in sources("app/src/main", "core/src") if "org.rmpsam.stub" in path.read_text("utf-8")]
    assert named == []
    assert "stubs" not in (Path(ANDROID) / "app/build.gradle.kts").read_text(encoding="utf-8")
