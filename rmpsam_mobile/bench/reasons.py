"""What the codes of a report mean, in the order in which they are listed; the same for hosts, Android and iOS."""

from typing import Final

REFUSALS: Final[dict[str, str]] = {
    "emulator": "this is no phone but an emulator; take a phone, or --allow-emulator to try things out",
    "emulated": "the runner was emulated; its times mean nothing",
    "power-saver": "battery saver is on and holds the clocks down; turn it off",
    "low-battery": "the battery is below 20 %; charge it first",
    "screen-off": "the screen is off or locked, and apps are held back then; unlock the phone and leave its screen on",
    "no-thermal-data": "the phone tells nothing about its heat, so throttling would go unseen",
    "thermal-override": "its thermal status was set by hand; undo it: adb shell cmd thermalservice reset",
    "throttled": "the phone reported that it throttles; let it cool without its case and run again",
    "too-hot": "the phone did not cool down in time; let it rest, off the charger and without its case",
    "wrong-file": "a file on the phone is not the bundle's; its memory or the cable is at fault, run again",
    "runtime-mismatch": "the runtime is older than the bundle needs, or lacks its delegate; update the app",
    "partial-delegation": "the delegate took less of the graphs than the bundle states; update the app's runtime",
    "debuggable": "the app is a debug build, which is slower; install a release build",
    "output-mismatch": "the answers are not the bundle's golden output, or differ from run to run",
    "nonpositive-sample": "a time is zero, negative or not a number; the clock is broken",
    "too-few-samples": "a round has fewer than 20 samples; ask for more runs",
    "below-timer-resolution": "a run takes less than 50 steps of the clock",
    "samples-repeat": "nearly all samples are equal, as from a coarse or made-up clock",
    "rounds-disagree": "the medians of rounds differ by more than 10 %; something else was going on, run again",
    "slows-down": "runs became more than 10 % slower within a round, as on a phone that heats up",
    "still-warming-up": "runs became more than 10 % faster within a round; ask for more warm-up",
}

WARNINGS: Final[dict[str, str]] = {
    "host, not a phone": "these figures say nothing about a phone",
    "emulator": "an emulator: these figures say nothing about a phone",
    "no-thermal-data": "nothing is known of the device's heat; throttling would go unseen",
    "debuggable": "a debug build, which may be slower than what users get",
    "charging": "charging warms the phone",
    "clocks-free": "the governor chooses the clocks, as it does for users",
    "background-load": "something else was running when the measurement began",
    "spread": "the middle half of the samples is wider than 20 % of the median",
    "long-tail": "one run in a hundred takes more than three times the median",
}


def meaning(code: str) -> str:
    """A sentence for a code; a failure's sentence stands for itself."""
    return REFUSALS.get(code) or WARNINGS.get(code) or code
