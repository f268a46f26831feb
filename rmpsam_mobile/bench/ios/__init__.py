"""Latency on an iPhone behind a Mac: Apple's own tools install, start and fetch, the app measures."""

from rmpsam_mobile.bench.ios.session import IosWishes, bench_on_ios, planned_commands

__all__ = ["IosWishes", "bench_on_ios", "planned_commands"]
