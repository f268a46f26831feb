"""Speed and memory, in the report form that phones use too; no accuracy here."""

from rmpsam_mobile.bench.host import HOST_NOTE, bench_on_host
from rmpsam_mobile.bench.timer import Summary, summarise, time_interleaved

__all__ = ["HOST_NOTE", "Summary", "bench_on_host", "summarise", "time_interleaved"]
