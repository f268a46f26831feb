"""Manners of the command line: streams, colours, exit codes, and help that costs nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rmpsam_mobile.errors import RmpSamError
from tests.cli.calls import Cli

VERBS = (
    "demo",
    "doctor",
    "list",
    "import",
    "rewrite",
    "sensitivity",
    "quantize",
    "export",
    "inspect",
    "validate",
    "segment",
    "bench",
    "compare",
    "app",
    "evaluate",
    "distill",
)
HEAVY = ("torch", "torchao", "executorch", "coremltools", "numpy", "scipy", "PIL", "safetensors", "av", "sklearn")

HELP = f"""
import contextlib, io, json, sys
from rmpsam_mobile.cli.app import main
texts = {{}}
for verb in {("", *VERBS)!r}:
    sys.argv = ["rmpsam-mobile", *filter(None, [verb]), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as text:
        try:
            main()
        except SystemExit as done:
            assert not done.code, verb
    texts[verb] = text.getvalue()
print(json.dumps({{"texts": texts, "loaded": [name for name in {HEAVY!r} if name in sys.modules]}}))
"""


def fresh(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run in a fresh interpreter."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=kept | environment, check=False
    )


def shell(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run ``rmpsam-mobile`` as a shell would."""
    return fresh("-m", "rmpsam_mobile", *arguments, **environment)


def test_help_of_every_verb_loads_nothing_heavy() -> None:
    done = fresh("-c", HELP)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["loaded"] == []
    for verb in VERBS:
        assert verb in said["texts"][""]
        assert f"rmpsam-mobile {verb}" in said["texts"][verb]


def test_the_package_itself_loads_nothing_heavy() -> None:
    code = f"import sys, rmpsam_mobile; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert fresh("-c", code).stdout == "[]\n"


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert done.code == 0
    assert done.err == ""
    name, _, number = done.out.strip().partition(" ")
    assert name == "rmpsam-mobile"
    assert [part.isdigit() for part in number.split(".")[:2]] == [True, True]


def test_without_a_verb_there_is_help(cli: Cli) -> None:
    assert "Commands" in cli().out


def break_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make a verb fail inside."""

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr("rmpsam_mobile.bundle.open_bundle", fail)


def test_ctrl_c_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    break_with(monkeypatch, KeyboardInterrupt())
    done = cli("inspect", "b")
    assert (done.code, done.error) == (130, "interrupted; nothing was written")


def test_an_unexpected_error_is_our_bug(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    break_with(monkeypatch, ZeroDivisionError("float\ndivision [by] zero"))
    done = cli("inspect", "b")
    assert (done.code, done.error) == (
        1,
        "ZeroDivisionError: float division [by] zero; this is a bug of ours, show it with RMPSAM_TRACEBACK=1",
    )


def test_the_traceback_is_there_for_who_asks(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RMPSAM_TRACEBACK", "1")
    break_with(monkeypatch, ZeroDivisionError("x"))
    with pytest.raises(ZeroDivisionError):
        cli("inspect", "b")


def all_errors(root: type[RmpSamError]) -> list[type[RmpSamError]]:
    return [root, *(error for child in root.__subclasses__() for error in all_errors(child))]


@pytest.mark.parametrize("error", all_errors(RmpSamError), ids=lambda error: str(error.__name__))
def test_every_error_has_its_code(cli: Cli, monkeypatch: pytest.MonkeyPatch, error: type[RmpSamError]) -> None:
    break_with(monkeypatch, error("told\nin one line"))
    done = cli("inspect", "b")
    assert (done.code, done.error) == (error.exit_code, "told in one line")


def test_the_codes_are_those_of_the_design() -> None:
    assert {error.__name__: error.exit_code for error in all_errors(RmpSamError)} == {
        "RmpSamError": 1,
        "InputError": 2,
        "MissingExtraError": 3,
        "UnsupportedError": 4,
        "ExportError": 5,
        "GateError": 6,
        "DeviceError": 7,
        "InterruptedRunError": 130,
    }


def test_an_error_of_the_system_is_one_line_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    break_with(monkeypatch, PermissionError(13, "Permission denied", "/root/b"))
    done = cli("inspect", "b")
    assert (done.code, done.error) == (
        2,
        "/root/b: Permission denied; check the path, its rights and the disk",
    )


def test_colours_are_for_terminals_and_for_who_forces_them() -> None:
    plain, forced = shell("inspect", "gone"), shell("inspect", "gone", FORCE_COLOR="1")
    refused = shell("inspect", "gone", FORCE_COLOR="1", NO_COLOR="1")
    assert plain.stderr == "ERROR gone does not exist; wanted a bundle folder, as rmpsam-mobile export writes it\n"
    assert plain.returncode == 2
    assert "\x1b[1;31mERROR" in forced.stderr
    assert "\x1b[1;31m" not in refused.stderr
    assert "31m" not in refused.stderr


def test_a_long_message_is_not_wrapped() -> None:
    name = "a-rather-long-name-" * 12
    assert shell("inspect", name, COLUMNS="40").stderr.count("\n") == 1


def test_who_reads_only_the_start_gets_no_error() -> None:
    command = f"{sys.executable} -m rmpsam_mobile list targets --json | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "{"


def test_doctor_and_list_say_the_same_as_json(cli: Cli) -> None:
    packages = json.loads(cli("doctor", "--json").out)["packages"]
    table = cli("doctor").out
    for name, version in packages.items():
        assert name in table
        assert version is None or version in table
    assert "pip install 'rmpsam-mobile[video]'" in table
    listed = json.loads(cli("list", "--json").out)
    assert listed.keys() == {"presets", "rewrites", "recipes", "training", "targets"}
    shown = cli("list").out
    for rows in listed.values():
        assert rows
        assert all(row["name"] in shown for row in rows)
    assert json.loads(cli("list", "targets", "--json").out).keys() == {"targets"}


def test_doctor_says_what_is_missing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rmpsam_mobile.cli.doctor._version", lambda name: None if name == "coremltools" else "1")
    done = cli("doctor")
    assert done.code == 3
    assert "missing" in done.out
    assert json.loads(cli("doctor", "--json").out)["packages"]["coremltools"] is None


def test_tables_keep_brackets_and_colons(capsys: pytest.CaptureFixture[str]) -> None:
    from rmpsam_mobile.cli.console import print_table, table

    shown = table("a[red]title[/]", "what", "<value")
    shown.add_row("[/]", ":smile: [bold]x[/bold]")
    print_table(shown)
    out = capsys.readouterr().out
    for text in ("a[red]title[/]", "[/]", ":smile: [bold]x[/bold]"):
        assert text in out


def test_help_is_quick() -> None:
    import time

    times = []
    for _ in range(3):
        start = time.perf_counter()
        shell("--help")
        times.append(time.perf_counter() - start)
    assert min(times) < 1.0  # 0.3 s alone; twice as much again for a machine that is busy with other tests


def test_python_dash_m_is_the_same_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rmpsam_mobile", "--version"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stdout.startswith("rmpsam-mobile ")
