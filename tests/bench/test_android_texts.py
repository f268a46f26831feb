"""What a phone's tools print, read: identity, cores, heat, battery, screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmpsam_mobile.bench.android.conditions import (
    Battery,
    Heat,
    parse_battery,
    parse_heat,
    parse_load,
    parse_saver,
    parse_screen,
    too_warm_to_go_on,
    too_warm_to_start,
)
from rmpsam_mobile.bench.android.identity import (
    AppFacts,
    Core,
    big_cores,
    identify,
    mask_of,
    parse_cores,
    parse_memory_mb,
    parse_package,
    parse_properties,
)
from rmpsam_mobile.bench.android.wishes import thread_counts
from rmpsam_mobile.errors import DeviceError, UnsupportedError
from tests.bench import phone_texts as texts


def test_properties_are_read_and_a_phone_is_known() -> None:
    properties = parse_properties(texts.getprop(texts.PROPERTIES))
    assert properties == texts.PROPERTIES
    phone = identify(properties)
    assert (phone.model, phone.soc, phone.os, phone.api) == ("Paper 9", "Foundry F900", "15", 35)
    assert (phone.abi, phone.emulated, phone.build_type) == ("arm64-v8a", False, "user")


def test_the_serial_number_leaves_only_as_a_hash() -> None:
    told = identify(texts.PROPERTIES).to_json("SECRET123")
    assert "SECRET123" not in str(told)
    assert len(told["serial_hash"]) == 16


@pytest.mark.parametrize(
    "sign", [{"ro.kernel.qemu": "1"}, {"ro.boot.qemu": "1"}, {"ro.hardware": "ranchu"}, {"ro.hardware": "goldfish"}]
)
def test_emulators_are_known_by_any_sign(sign: dict[str, str]) -> None:
    assert identify(texts.PROPERTIES | sign).emulated


def test_phones_that_cannot_be_measured() -> None:
    with pytest.raises(DeviceError, match="tells no API level"):
        identify({})
    with pytest.raises(DeviceError, match="has not finished starting"):
        identify({"ro.build.version.sdk": "35"})
    with pytest.raises(UnsupportedError, match="Android 9 has API 28; at least 29"):
        identify(texts.PROPERTIES | {"ro.build.version.sdk": "28", "ro.build.version.release": "9"})


def cores_text(speeds: tuple[int, ...] = texts.SPEEDS) -> str:
    return "".join(
        f"/sys/devices/system/cpu/cpu{i}/cpufreq/cpuinfo_max_freq:{speed}\n" for i, speed in enumerate(speeds)
    )


def test_cores_and_the_fast_ones_among_them() -> None:
    cores = parse_cores(cores_text() + "/sys/devices/system/cpu/cpu7/cpu_capacity:1024\n")
    assert cores is not None
    assert cores[0] == Core(0, 1800000, None)
    assert cores[7] == Core(7, 2900000, 1024)
    assert big_cores(cores) == [4, 5, 6, 7]  # the fastest is alone, so the next group counts too
    assert mask_of([4, 5, 6, 7]) == texts.BIG_MASK
    assert big_cores(parse_cores(cores_text((18, 18, 24, 24)))) == [2, 3]
    assert big_cores(parse_cores(cores_text((18, 18)))) == [0, 1]


def test_unreadable_cores_are_not_guessed() -> None:
    assert parse_cores("grep: Permission denied\n") is None
    assert big_cores(None) is None
    assert big_cores([Core(0, None, 1)]) is None


def test_a_sweep_stays_within_the_phone() -> None:
    cores = parse_cores(cores_text())
    assert thread_counts("sweep", cores) == [1, 2, 4]
    assert thread_counts("sweep", parse_cores(cores_text((1, 1, 1, 2, 2, 2)))) == [1, 2, 3, 4]
    assert thread_counts("sweep", parse_cores(cores_text((1, 1)))) == [1, 2]
    assert thread_counts("sweep", None) == [1, 2, 4]
    assert thread_counts(3, cores) == [3]
    assert thread_counts(None, cores) == [None]


def test_memory_and_app() -> None:
    assert parse_memory_mb("MemTotal:        7864320 kB\n") == 7680
    assert parse_memory_mb("") is None
    assert parse_package(texts.package("a.b", debuggable=False)) == AppFacts("1.0", debuggable=False)
    assert parse_package(texts.package("a.b", debuggable=True)) == AppFacts("1.0", debuggable=True)
    assert parse_package("Unable to find package: a.b\n") is None


def test_heat_is_the_warmest_sensor_of_each_kind_and_not_a_dead_one() -> None:
    heat = parse_heat(texts.thermal(0, 35.5))
    assert heat == Heat(status=0, skin_c=35.5, cpu_c=41.5, battery_c=30.1)
    assert parse_heat(texts.thermal(2, 40.0, override=True)).is_override
    assert parse_heat("Can't find service: thermalservice\n") == Heat(status=None)


@pytest.mark.parametrize("value", ["0.0", "NaN", "Infinity", "hot"])
def test_a_sensor_that_tells_nothing_is_no_temperature(value: str) -> None:
    text = f"Thermal Status: 0\nCurrent temperatures from HAL:\n\tTemperature{{mValue={value}, mType=3, mName=x}}\n"
    assert parse_heat(text) == Heat(status=0)


def test_without_current_temperatures_the_cached_ones_count() -> None:
    sensor = "\tTemperature{mValue=36.5, mType=3, mName=skin, mStatus=1}\n"
    text = f"Thermal Status: 1\nCached temperatures:\n{sensor}HAL Ready: false\n"
    assert parse_heat(text) == Heat(status=1, skin_c=36.5)


@given(st.text())
def test_no_text_breaks_the_parsers(text: str) -> None:
    assert parse_heat(text).is_override in (True, False)
    parse_battery(text), parse_saver(text), parse_screen(text, text), parse_load(text, 8), parse_cores(text)


def test_battery_and_saver() -> None:
    assert parse_battery(texts.battery(83, 301)) == Battery(power="usb", percent=83, celsius=30.1)
    assert parse_battery(texts.battery(83, -15, usb=False)) == Battery(power="battery", percent=83, celsius=-1.5)
    assert parse_battery("") == Battery(power=None, percent=None, celsius=None)
    assert [parse_saver(text) for text in ("1\n", "0\n", "null\n", "")] == [True, False, False, None]


def test_a_screen_is_on_when_it_is_awake_and_unlocked() -> None:
    on, off = "  mWakefulness=Awake\n", "  mWakefulness=Asleep\n"
    user = (
        ' User "Owner" (id=0, flags=0x13) (current): trusted=0, deviceLocked={}, x=0\n User "Guest": deviceLocked=1\n'
    )
    assert parse_screen(on, user.format(0)) is True
    assert parse_screen(on, user.format(1)) is False
    assert parse_screen(off, user.format(0)) is False
    assert parse_screen("", "") is None


def test_load_is_by_core() -> None:
    assert parse_load("4.00 3.0 2.0 1/9 1\n", 8) == 0.5
    assert parse_load("cat: denied", 8) is None
    assert parse_load("4.00 3.0", None) is None


def test_what_is_too_warm() -> None:
    cool = Battery(power=None, percent=None, celsius=30.0)
    assert too_warm_to_start(Heat(status=0, skin_c=37.0), cool) is None
    assert too_warm_to_start(Heat(status=0, skin_c=37.1), cool) == "too-hot"
    assert too_warm_to_start(Heat(status=1, skin_c=30.0), cool) == "throttled"
    assert too_warm_to_start(Heat(status=0), Battery(power=None, percent=None, celsius=38.1)) == "too-hot"
    assert too_warm_to_start(Heat(status=None), Battery(power=None, percent=None, celsius=None)) is None
    start = Heat(status=0, skin_c=34.0)
    assert too_warm_to_go_on(Heat(status=0, skin_c=35.0), start) is None
    assert too_warm_to_go_on(Heat(status=0, skin_c=35.1), start) == "too-hot"
    assert too_warm_to_go_on(Heat(status=3, skin_c=30.0), start) == "throttled"
    assert too_warm_to_go_on(Heat(status=0), start) is None
