"""`radarode serve`: many live streams as a service, described in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def serve(
    config: Annotated[Path, Parameter(help="YAML file: streams, host, port, token_file, ...; see docs/live.md.")],
    *,
    engine: Annotated[
        Literal["local", "ray"], Parameter(help="Where streams are computed: in this process, or on a Ray cluster.")
    ] = "local",
    per_group: Annotated[int, Parameter(help="Streams per Ray actor.")] = 4,
    check: Annotated[bool, Parameter(help="Only check the file.", negative="")] = False,
) -> int:
    """Run the streams of a file, show them to viewers, record them; until SIGTERM or Ctrl-C, which end all in order.

    A source that fails is tried again, ever more slowly. /health and /metrics tell how it goes.
    """
    from rich.console import Console

    from radarode.cli._serve_shared import run_service
    from radarode.core.allocator import keep_freed_memory
    from radarode.models.pretrained import load_model
    from radarode.monitor.local_engine import LocalEngine
    from radarode.monitor.serve_config import read_config

    found = read_config(config)
    settings, streams = found.settings(), found.specs()
    weights = load_model(found.weights)
    if check:
        Console(soft_wrap=True, highlight=False).print(f"{config}: {len(streams)} streams, nothing wrong", markup=False)
        return 0
    keep_freed_memory()
    if engine == "ray":
        from radarode.stream.ray_engine import RayEngine

        return run_service(streams, RayEngine(weights, streams, found.stream, per_group), settings)
    return run_service(streams, LocalEngine(weights, found.stream), settings)
