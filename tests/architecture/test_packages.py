"""The package map against the disk, and the wheel in an environment of its own."""

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import rmpsam_mobile
from tests.architecture.sources import ROOTS, package_sources, pyproject
from tests.conftest import REPOSITORY


def test_the_package_list_is_what_lies_on_disk() -> None:
    listed = pyproject()["tool"]["setuptools"]["packages"]
    assert listed == sorted({s.name for s in package_sources() if s.path.stem == "__init__"})


def test_the_two_links_are_relative_and_committed() -> None:
    for name in ("quantization", "export"):
        link = REPOSITORY / "rmpsam_mobile" / name
        assert link.is_symlink()
        assert link.readlink() == Path("..", name)
        mode = subprocess.run(
            ["git", "ls-files", "-s", link], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        assert not mode.stdout or mode.stdout.startswith("120000")


def test_both_names_are_one_module() -> None:
    import rmpsam_mobile.export as export
    import rmpsam_mobile.quantization as quantization

    assert export.__name__ == "rmpsam_mobile.export"
    assert quantization.__name__ == "rmpsam_mobile.quantization"


def test_public_names_are_there_and_sorted() -> None:
    assert dir(rmpsam_mobile) == sorted(rmpsam_mobile.__all__)
    for name in rmpsam_mobile.__all__:
        assert getattr(rmpsam_mobile, name) is not None
    with pytest.raises(AttributeError, match=r"^module 'rmpsam_mobile' has no attribute 'Segmentor'$"):
        rmpsam_mobile.Segmentor  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("argument", ["--help", "export --help", "--version"])
def test_help_costs_no_torch(argument: str) -> None:
    heavy = ["torch", "executorch", "coremltools", "torchao", "scipy", "PIL", "numpy"]
    code = (
        "import sys; sys.argv = ['rmpsam-mobile'] + sys.argv[1:]\n"
        "from rmpsam_mobile.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('HEAVY', [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *argument.split()], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_the_wheel_runs_from_another_folder(tmp_path: Path) -> None:
    copy = tmp_path / "sources"  # setuptools leaves a build folder, whose old files would get into the next wheel
    copy.mkdir()
    for name in ("rmpsam_mobile", "quantization", "export"):
        shutil.copytree(REPOSITORY / name, copy / name, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(copy)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"rmpsam_mobile"}
    for source in package_sources():
        root = max((r for r in ROOTS if source.name == r or source.name.startswith(f"{r}.")), key=len)
        expected = Path(*root.split("."), source.path.relative_to(ROOTS[root])).as_posix()
        assert expected in names

    clean = tmp_path / "clean"
    venv.create(clean, with_pip=False)
    site = next((clean / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # dependencies from this environment, but not its editable copy of the package: .pth files do not nest
    (site / "dependencies.pth").write_text(str(Path(pytest.__file__).parent.parent) + "\n", encoding="utf-8")
    run = [str(clean / "bin" / "python"), "-m", "rmpsam_mobile", "list", "rewrites"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "gather_deform" in done.stdout
    where = "import rmpsam_mobile, rmpsam_mobile.export; print(rmpsam_mobile.__file__, rmpsam_mobile.export.__file__)"
    done = subprocess.run([run[0], "-c", where], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(path.startswith(str(clean)) for path in done.stdout.split())
