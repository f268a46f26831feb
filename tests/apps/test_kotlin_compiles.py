"""Rung 4: core, stubs, resources and app go through the real compiler, and warnings are errors."""

from pathlib import Path

import pytest

from tests.apps.kotlin_compiler import (
    ANDROID,
    COMPILER,
    app_classes,
    complaints,
    core_classes,
    library,
    sources,
    stub_classes,
    versions,
)

pytestmark = pytest.mark.apps


def test_the_core_compiles_without_android() -> None:
    assert list(core_classes().rglob("Manifest.class"))
    for path in sources("core/src/main"):
        assert "import android" not in path.read_text(encoding="utf-8")


def test_the_app_compiles() -> None:
    assert list(app_classes().rglob("BenchInstrumentation.class"))
    assert list(app_classes().rglob("MainActivity.class"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("fun planted(bitmap: android.graphics.Bitmap) = bitmap.getPixel(0)", "getPixel"),
        ('val planted = android.os.Handler("main")', "argument type mismatch"),
        ("fun planted(text: String) = text?.length", "unnecessary safe call"),  # a warning
    ],
)
def test_a_planted_mistake_is_found(line: str, told: str, tmp_path: Path) -> None:
    source = tmp_path / "Planted.kt"
    source.write_text(f"package planted\n\n{line}\n", encoding="utf-8")
    said = complaints([source], [stub_classes(), library("annotations-13.0")], tmp_path / "out")
    assert "Planted.kt:3" in said
    assert told in said


def test_the_compiler_is_no_older_than_the_catalog() -> None:
    wanted = versions()["versions"]["kotlin"].split(".")
    assert [int(part) for part in COMPILER.split(".")] >= [int(part) for part in wanted]


def test_nothing_but_the_standard_library_and_executorch_is_packaged() -> None:
    for module, allowed in (("core", []), ("app", ['project(":core")', "libs.executorch.android"])):
        gradle = (ANDROID / module / "build.gradle.kts").read_text(encoding="utf-8")
        used = [line.strip() for line in gradle.splitlines() if line.strip().startswith(("implementation(", "api("))]
        assert used == [f"implementation({name})" for name in allowed]
