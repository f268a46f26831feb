"""``bench --on ios`` with Apple's tools as scripts: command lines, answers, refusals. No Mac was at hand."""

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from rmpsam_mobile.bench.ios import IosWishes, bench_on_ios, planned_commands
from rmpsam_mobile.bench.ios.devicectl import stripped
from rmpsam_mobile.bench.ios.install import install_on_ios, install_plan
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.report import bundle_facts
from rmpsam_mobile.bench.schema import check_report
from rmpsam_mobile.bundle import Bundle
from rmpsam_mobile.errors import DeviceError, InputError, MissingExtraError
from tests.bench.fake_xcrun import FakeMac, device, devices, refusal
from tests.bench.reports import paper_bundle, phone_report

PROTOCOL = Protocol(runs=40, cooldown_s=60)


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeMac:
    fake = FakeMac(tmp_path / "mac")
    monkeypatch.setenv("PATH", str(fake.folder), prepend=":")
    return fake


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return paper_bundle(tmp_path / "small.bundle")


@pytest.fixture
def app(tmp_path: Path) -> Path:
    built = tmp_path / "RMPSAMDemo.app"
    built.mkdir()
    return built


def answer(mac: FakeMac, bundle: Bundle, line: str | None = None, **parts: dict[str, Any]) -> dict[str, Any]:
    """Let the app answer a report of the encoder; returns it."""
    target = {"kind": "ios", "link": "devicectl", "model": "iPhone16,1", "os": "18.1", "api": None}
    report = phone_report(**({"target": target} | parts))
    report["bundle"]["manifest_sha256"] = bundle_facts(bundle)["manifest_sha256"]
    report["status"] = "ok"
    text = json.dumps(report)
    mac.answers(text, line or f"RMPSAM_BENCH_DONE {hashlib.sha256(text.encode()).hexdigest()}")
    return report


def bench(bundle: Bundle, app: Path, **wishes: Any) -> tuple[dict[str, Any], Exception | None, list[str]]:
    said: list[str] = []
    outcome = bench_on_ios(bundle, IosWishes(app=app, **wishes), PROTOCOL, said.append, platform="darwin")
    (report,) = outcome.reports
    return check_report(report, "report"), outcome.error, said


def test_a_calm_iphone_gives_a_report(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    answer(mac, bundle)
    report, error, said = bench(bundle, app)
    assert error is None
    assert (report["status"], report["reasons"]) == ("ok", [])
    assert report["graphs"][0]["summary"]["n"] == 150
    assert (report["target"]["model"], report["target"]["os"], report["target"]["link"]) == (
        "iPhone 15",
        "18.1",
        "devicectl",
    )
    assert "UDID" not in json.dumps(report)
    assert [shlex.split(line)[:4] for line in said] == [words[:4] for words in mac.said()]


def test_a_dry_run_says_what_a_run_does(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    answer(mac, bundle)
    _, _, said = bench(bundle, app)
    planned = planned_commands(bundle, IosWishes(app=app), PROTOCOL)
    known = {"ID-phone": "DEVICE", "org.rmpsam.demo": "APP_ID"}
    told = [" ".join(known.get(word, word) for word in shlex.split(line)) for line in said]
    for line, plan in zip(told, planned, strict=True):
        rest = [(a, b) for a, b in zip(line.split(), plan.split(), strict=True) if a != b]
        assert all(Path(a).name == Path(b).name for a, b in rest), rest  # temporary folders


def test_the_request_is_what_the_app_reads(
    mac: FakeMac, bundle: Bundle, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, Any] = {}
    from rmpsam_mobile.bench.ios.devicectl import Devicectl

    call = Devicectl.call

    def spy(self: Devicectl, command: Any, doing: str, seconds: float = 1.0) -> Any:
        if "--source" in command("x") and doing.startswith("copying"):
            source = Path(command("x")[command("x").index("--source") + 1])
            kept["request"] = json.loads((source / "request.json").read_text())
            kept["files"] = sorted(path.name for path in (source.parent / kept["request"]["bundle"]).iterdir())
        return call(self, command, doing, seconds)

    monkeypatch.setattr(Devicectl, "call", spy)
    answer(mac, bundle)
    bench(bundle, app, units="cpuAndNeuralEngine", strict=True)
    assert kept["request"] == {
        "schema": "rmpsam.bench-request/1",
        "bundle": kept["request"]["bundle"],
        "graphs": None,
        "rounds": 3,
        "warmup": 5,
        "runs": 40,
        "min_round_s": 2.0,
        "max_round_s": 60.0,
        "cooldown_s": 60,
        "loads": 3,
        "compute_units": "cpuAndNeuralEngine",
        "strict": True,
    }
    assert kept["files"] == sorted(path.name for path in bundle.folder.iterdir())


def test_this_mac_judges_again(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    answer(mac, bundle, conditions={"power_saver": True})
    report, error, _ = bench(bundle, app)
    assert error is None
    assert (report["status"], report["reasons"]) == ("refused", ["power-saver"])


def test_a_report_of_another_bundle_is_refused(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    report = answer(mac, bundle)
    report["bundle"]["manifest_sha256"] = "0" * 64
    text = json.dumps(report)
    mac.answers(text, f"RMPSAM_BENCH_DONE {hashlib.sha256(text.encode()).hexdigest()}")
    assert bench(bundle, app)[0]["reasons"] == ["wrong-file"]


def test_an_app_that_ends_with_6_still_hands_over_its_samples(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    answer(mac, bundle, conditions={"power_saver": True})
    mac.scenario["device process launch"] |= {"code": 6, "answer": {"info": {"outcome": "failed"}}}
    mac.save()
    assert bench(bundle, app)[0]["status"] == "refused"


LOCKED = refusal("The operation could not be completed", "FBSOpenApplicationErrorDomain")
FAILURES: dict[str, tuple[dict[str, dict[str, Any]], str]] = {
    "install refused": (
        {"device install app": refusal("Unable to Install: a valid provisioning profile was not found")},
        "installing the app: the app is not signed for this phone; give your team with --team",
    ),
    "no bundle ID": (
        {"device install app": {"answer": {"result": {}}}},
        "installing the app: devicectl told no bundle ID",
    ),
    "copy failed": (
        {"device copy to": refusal("No space left on device")},
        "copying the bundle to the phone: the phone's storage is full",
    ),
    "locked": ({"device process launch": LOCKED}, "measuring: the phone is locked; unlock it"),
    "silent app": (
        {"device process launch": {"answer": {"result": {}}}},
        "the app ended without a word; unlock the phone",
    ),
    "app failed": (
        {"device process launch": {"answer": {"result": {}}, "out": "RMPSAM_BENCH_FAILED no such bundle\n"}},
        "the app failed: no such bundle",
    ),
    "no answer file": (
        {"device copy to": {"err": "crash\n", "code": 1}},
        "copying the bundle to the phone: devicectl wrote no",
    ),
    "another error": ({"device copy from": refusal("Something odd")}, "fetching the report: Something odd"),
    "report cut off": (
        {"device copy from": {"answer": {"result": {}}, "file": "{"}},
        "the report that was fetched (1 bytes) is not",
    ),
}


@pytest.mark.parametrize(("scenario", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_failures_have_a_sentence_and_a_report(
    mac: FakeMac, bundle: Bundle, app: Path, scenario: dict[str, dict[str, Any]], message: str
) -> None:
    answer(mac, bundle)
    mac.scenario |= scenario
    mac.save()
    report, error, _ = bench(bundle, app)
    assert isinstance(error, DeviceError)
    assert str(error).startswith(message)
    assert (report["status"], report["reasons"]) == ("failed", [str(error)])


def test_an_app_that_hangs_is_given_up(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    answer(mac, bundle)
    mac.scenario["device process launch"]["seconds"] = 20
    mac.save()
    quick = Protocol(rounds=1, min_round_s=0, max_round_s=0.1, cooldown_s=0)
    outcome = bench_on_ios(bundle, IosWishes(app=app, limit_s=0.5), quick, platform="darwin")
    assert str(outcome.error).startswith("measuring: no answer within 1 s; unplug the phone")


PHONES: dict[str, tuple[dict[str, Any], str]] = {
    "none": (devices(), "this Mac knows no iPhone; plug one in"),
    "two": (devices(device("a"), device("b")), "this Mac sees 2 iPhones; choose one by its UDID with --serial"),
    "developer mode": (
        devices(device(developerModeStatus="disabled")),
        "developer mode is off on the iPhone; turn it on",
    ),
    "not paired": (devices(device(pairingState="unpaired")), "the iPhone is not paired with this Mac"),
    "no tunnel": (devices(device(tunnelState="unavailable")), "the iPhone cannot be reached"),
}


@pytest.mark.parametrize(("listed", "message"), PHONES.values(), ids=PHONES.keys())
def test_iphones_that_cannot_be_used(
    mac: FakeMac, bundle: Bundle, app: Path, listed: dict[str, Any], message: str
) -> None:
    mac.scenario["list devices"] = listed
    mac.save()
    with pytest.raises(DeviceError) as caught:
        bench(bundle, app)
    assert str(caught.value).startswith(message)


def test_one_of_two_can_be_chosen(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    answer(mac, bundle)
    mac.scenario["list devices"] = devices(device("a"), device("b", marketingName="iPhone 16"))
    mac.save()
    assert bench(bundle, app, udid="UDID-b")[0]["target"]["model"] == "iPhone 16"
    with pytest.raises(InputError, match=r"^--serial UDID-c: this Mac knows no such iPhone"):
        bench(bundle, app, udid="UDID-c")


def test_without_a_mac_or_xcode_it_says_what_is_missing(mac: FakeMac, bundle: Bundle, app: Path) -> None:
    with pytest.raises(MissingExtraError, match="bench --on ios needs a Mac with Xcode 15 or later, and this is linux"):
        bench_on_ios(bundle, IosWishes(app=app), PROTOCOL, platform="linux")
    mac.scenario["xcodebuild -version"] = {"out": "Xcode 14.3\n"}
    mac.save()
    with pytest.raises(MissingExtraError, match="Xcode 14; at least 15 is needed"):
        bench(bundle, app)
    mac.scenario["xcrun --find"] = {"code": 72}
    mac.save()
    with pytest.raises(MissingExtraError, match="devicectl was not found; install Xcode 15"):
        bench(bundle, app)


def test_the_app_is_built_where_none_is_given(
    mac: FakeMac, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(mac, bundle)
    mac.scenario["xcodebuild -project"] = {"folder": "Build/Products/Release-iphoneos/RMPSAMDemo.app"}
    mac.save()
    (tmp_path / "demo_ios/RMPSAMDemo.xcodeproj").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    outcome = bench_on_ios(bundle, IosWishes(team="T1"), PROTOCOL, platform="darwin")
    assert outcome.error is None
    built = next(words for words in mac.said() if words[:2] == ["xcodebuild", "-project"])
    assert {"-scheme", "RMPSAMDemo", "id=UDID-phone", "DEVELOPMENT_TEAM=T1", "build"} <= set(built)
    mac.scenario["xcodebuild -project"] = {"code": 65, "out": "x.swift:1: error: no such module 'ExecuTorch'\n"}
    mac.save()
    outcome = bench_on_ios(bundle, IosWishes(), PROTOCOL, platform="darwin")
    assert str(outcome.error) == "building the app: x.swift:1: error: no such module 'ExecuTorch'"


def test_answers_are_kept_without_names(mac: FakeMac, bundle: Bundle, app: Path, tmp_path: Path) -> None:
    answer(mac, bundle)
    bench(bundle, app, record=tmp_path / "kept")
    kept = "".join(path.read_text() for path in sorted((tmp_path / "kept").iterdir()))
    assert "iPhone 15" in kept
    for secret in ("Anna", "UDID", "ID-phone"):
        assert secret not in kept
    assert stripped({"a": [{"udid": "x", "b": 1}]}) == {"a": [{"udid": "removed", "b": 1}]}


def test_a_bundle_is_put_where_the_app_finds_it(mac: FakeMac, bundle: Bundle) -> None:
    said: list[str] = []
    assert install_on_ios(bundle, "a.b", None, said.append, platform="darwin") == "Documents/models/small.bundle"
    assert len(said) == len(install_plan("a.b"))
    assert {"--domain-identifier", "a.b", "Documents/models"} <= set(mac.said()[-1])


def test_wishes_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--units 'gpu'; known: all, cpuOnly, cpuAndGPU, cpuAndNeuralEngine"):
        IosWishes(units="gpu")
    with pytest.raises(InputError, match=r"no such app; give the .app folder that Xcode built"):
        IosWishes(app=tmp_path / "gone.app")
