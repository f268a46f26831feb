"""The sample app compiled without Gradle: kotlinc against stubs, resources by aapt2. Kept until a source changes."""

import hashlib
import re
import shutil
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.apps.tools import debian_file, debian_program, kept, npm_package, run
from tests.conftest import REPOSITORY

ANDROID: Final = REPOSITORY / "demo_android"
MANIFEST: Final = ANDROID / "app/src/main/AndroidManifest.xml"
RESOURCES: Final = ANDROID / "app/src/main/res"
COMPILER: Final = "2.4.20"  # one that npm has; it compiles as the version of libs.versions.toml
_FRAMEWORK: Final = "/usr/share/android-framework-res/framework-res.apk"


def sources(*folders: str) -> list[Path]:
    """Kotlin files below folders of demo_android, by name."""
    return sorted(path for folder in folders for path in (ANDROID / folder).rglob("*.kt"))


def versions() -> dict[str, Any]:
    """The version catalog."""
    text = (ANDROID / "gradle/libs.versions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def kotlin_home() -> Path:
    """Folder of the compiler and its standard library."""
    debian_program("java", "default-jdk-headless")
    return npm_package("kotlin-compiler", COMPILER)


def library(name: str) -> Path:
    """A jar that comes with the compiler."""
    return kotlin_home() / "lib" / f"{name}.jar"


def junit() -> list[Path]:
    """JUnit 4 and what it needs."""
    return [debian_file("/usr/share/java/junit4.jar", "junit4"), debian_file("/usr/share/java/hamcrest.jar", "junit4")]


@cache
def core_classes() -> Path:
    """``:core``, warnings are errors, nothing public without being said to be."""
    return built(
        "core", sources("core/src/main"), lambda out: kotlinc(sources("core/src/main"), [], out, explicit=True)
    )


@cache
def core_test_classes() -> Path:
    """The JUnit tests of ``:core``."""
    core, tests = core_classes(), sources("core/src/test")
    return built("core-tests", [*tests, core], lambda out: kotlinc(tests, [core, *junit()], out, friend=core))


@cache
def stub_classes() -> Path:
    """Android as far as the app uses it, with the ``R`` of the real resources and the catalog's versions."""
    java = sorted((ANDROID / "stubs").rglob("*.java"))
    generated = linked_resources()

    def compile_(out: Path) -> None:
        config = out / "BuildConfig.java"
        config.write_text(_build_config(), encoding="utf-8")
        javac = debian_program("javac", "default-jdk-headless")
        files = [*java, *generated.rglob("*.java"), config]
        done = run([javac, "--release", "11", "-Xlint:-options", "-cp", library("annotations-13.0"), "-d", out, *files])
        assert done.returncode == 0, done.stderr

    return built("stubs", [*java, generated, ANDROID / "app/build.gradle.kts"], compile_)


@cache
def app_classes() -> Path:
    """``:app`` and the stub of ExecuTorch, warnings are errors."""
    files, classes = sources("app/src/main", "stubs"), [stub_classes(), core_classes(), library("annotations-13.0")]
    return built("app", [*files, *classes[:2]], lambda out: kotlinc(files, classes, out))


@cache
def linked_resources() -> Path:
    """Folder with the ``R.java`` that aapt2 makes of resources and manifest; missing references are errors."""
    inputs = [*sorted(RESOURCES.rglob("*.xml")), MANIFEST]

    def link(out: Path) -> None:
        done = link_resources(RESOURCES, out)
        assert done == "", done

    return built("resources", inputs, link)


def link_resources(resources: Path, out: Path) -> str:
    """Compile and link a folder of resources with the app's manifest; returns what aapt2 complains of."""
    aapt2 = debian_program("aapt2", "aapt")
    framework = debian_file(_FRAMEWORK, "android-framework-res")
    manifest = out / "AndroidManifest.xml"
    manifest.write_text(merged_manifest(), encoding="utf-8")
    done = run([aapt2, "compile", "--dir", resources, "-o", out / "res.zip"])
    if done.returncode == 0:
        linked: list[str | Path] = ["-I", framework, "--manifest", manifest, "-o", out / "app.apk", "--java", out]
        done = run([aapt2, "link", *linked, out / "res.zip"])
    return done.stdout + done.stderr if done.returncode else ""


def merged_manifest() -> str:
    """The manifest as Gradle would hand it on: with package, SDK levels and the application's id filled in."""
    levels = versions()["versions"]
    sdk = f'<uses-sdk android:minSdkVersion="{levels["minSdk"]}" android:targetSdkVersion="{levels["minSdk"]}" />'
    text = MANIFEST.read_text(encoding="utf-8").replace("${applicationId}", _application_id())
    text = text.replace("<manifest ", f'<manifest package="{_application_id()}" ', 1)
    return re.sub(r"(<manifest [^>]*>)", rf"\1\n    {sdk}", text, count=1)


def kotlinc(
    files: Sequence[Path], classpath: Sequence[Path], out: Path, *, explicit: bool = False, friend: Path | None = None
) -> None:
    """Compile, and fail with the compiler's own words.

    Args:
        explicit: demand ``public`` where it is meant.
        friend: classes whose internal members these files may see, as a module's tests do.
    """
    said = complaints(files, classpath, out, explicit=explicit, friend=friend)
    assert said == "", said


def complaints(
    files: Sequence[Path], classpath: Sequence[Path], out: Path, *, explicit: bool = False, friend: Path | None = None
) -> str:
    """What the compiler says of files that it refuses; nothing of files that it takes."""
    language = ".".join(versions()["versions"]["kotlin"].split(".")[:2])
    options = ["-Werror", "-language-version", language, "-api-version", language]
    options += ["-jvm-target", versions()["versions"]["jvmTarget"], "-d", str(out)]
    options += ["-Xexplicit-api=strict"] * explicit + [f"-Xfriend-paths={friend}"] * (friend is not None)
    options += ["-cp", ":".join(map(str, classpath))] * bool(classpath)
    done = run(["bash", kotlin_home() / "bin" / "kotlinc", *options, *files])
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def _build_config() -> str:
    gradle = (ANDROID / "app/build.gradle.kts").read_text(encoding="utf-8")
    name = re.search(r'versionName = "([^"]+)"', gradle)
    assert name
    fields = {
        "APPLICATION_ID": _application_id(),
        "VERSION_NAME": name[1],
        "EXECUTORCH_VERSION": versions()["versions"]["executorch"],
    }
    # not a constant expression, so that the compiler does not fold branches away
    body = "".join(
        f'    public static final String {key} = String.valueOf("{value}");\n' for key, value in fields.items()
    )
    return f"package {_application_id()};\n\npublic final class BuildConfig {{\n{body}}}\n"


def _application_id() -> str:
    found = re.search(r'applicationId = "([^"]+)"', (ANDROID / "app/build.gradle.kts").read_text(encoding="utf-8"))
    assert found
    return found[1]


def built(name: str, inputs: Sequence[Path], fill: Callable[[Path], None]) -> Path:
    """A folder of outputs that stays until an input changes, or the compiler.

    Args:
        inputs: files, whose bytes count, and folders made here, whose names hold the hash of their own inputs.
    """
    digest = hashlib.sha256(f"{COMPILER} {versions()}".encode())
    for path in inputs:
        digest.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
    folder = kept(f"kotlin/{name}-{digest.hexdigest()[:16]}", fill)
    for old in folder.parent.glob(f"{name}-" + "[0-9a-f]" * 16):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    return folder
