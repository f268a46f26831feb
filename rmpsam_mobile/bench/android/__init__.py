"""Latency on an Android phone behind a cable: asked, refused or measured, and put back."""

from rmpsam_mobile.bench.android.plan import planned_commands
from rmpsam_mobile.bench.android.session import Listener, Outcome, bench_on_android
from rmpsam_mobile.bench.android.wishes import PhoneWishes, calls, parse_threads

__all__ = ["Listener", "Outcome", "PhoneWishes", "bench_on_android", "calls", "parse_threads", "planned_commands"]
