"""Speed and memory, in one report form for hosts and phones; no accuracy here."""

from rmpsam_mobile.bench.host import HOST_NOTE, bench_on_host
from rmpsam_mobile.bench.protocol import Protocol
from rmpsam_mobile.bench.timer import Summary, summarise, time_interleaved

__all__ = ["HOST_NOTE", "Protocol", "Summary", "bench_on_host", "summarise", "time_interleaved"]
