"""`radarode benchmark NAME`: many runs, one table; each benchmark is a file `_benchmark_NAME.py`."""

from __future__ import annotations

import cyclopts

from radarode.cli._benchmark_all import all_
from radarode.cli._benchmark_longterm import longterm
from radarode.cli._benchmark_noise import noise
from radarode.cli._benchmark_nyuv2 import nyuv2
from radarode.cli._benchmark_real import real
from radarode.cli._benchmark_strategies import strategies

benchmark = cyclopts.App(name="benchmark", help="Train and compare many runs; the result is one table with figures.")
benchmark.command(all_, name="all")
benchmark.command(longterm)
benchmark.command(noise)
benchmark.command(nyuv2)
benchmark.command(real)
benchmark.command(strategies)
