"""What `radarode monitor` and `radarode serve` share: names, recording, running until a signal."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from radarode.monitor.service import Engine
    from radarode.monitor.settings import MonitorSettings
    from radarode.stream.spec import StreamSpec


def name_of(source: str) -> str:
    """Return what a stream is called after its source.

    Example:
        >>> [name_of(source) for source in ("simulate:7", "data/chest 1.h5", "udp:4098", "lsl:Radar", "mqtt://h/a/b")]
        ['simulate 7', 'chest 1', 'udp 4098', 'Radar', 'a b']
    """
    kind, _, rest = source.partition(":")
    if kind in ("mqtt", "mqtts"):
        rest = rest.strip("/").partition("/")[2] or rest
    elif kind in ("simulate", "udp"):
        rest = f"{kind} {rest}"
    elif kind != "lsl":
        rest = Path(source).stem
    return re.sub(r"[^\w .+-]+", " ", rest).strip(" .+-")[:36] or "stream"


def distinct(names: Sequence[str]) -> list[str]:
    """Return names of which none comes twice.

    Example:
        >>> distinct(["a", "b", "a"])
        ['a', 'b', 'a 2']
    """
    found: list[str] = []
    for name in names:
        number, tried = 1, name
        while tried in found:
            number += 1
            tried = f"{name} {number}"
        found.append(tried)
    return found


def recording_sinks(record: Path | None, name: str, *, alone: bool, kind: str = "wfdb") -> tuple[str, ...]:
    """Return the sink that records a stream into a folder, or into one of its own there where there are several."""
    if record is None:
        return ()
    return (f"{kind}:{record if alone else record / name.replace(' ', '-')}",)


def run_service(streams: Sequence[StreamSpec], engine: Engine, settings: MonitorSettings) -> int:
    """Serve streams until SIGTERM or Ctrl-C, which end everything in order; the exit code is then 0.

    Raises:
        InputError: the port is in use, or the host none of this machine.
    """
    import asyncio
    import logging

    from rich.console import Console

    from radarode.core.notice import NOTICE
    from radarode.monitor.server import listen, serve
    from radarode.monitor.service import Service

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    console = Console(soft_wrap=True, highlight=False)
    service = Service(streams, engine, settings)

    def tell(url: str) -> None:
        console.print(f"{url}  {', '.join(spec.name for spec in streams)}", markup=False)
        if settings.token is not None:
            console.print("The page asks for the token.")
        console.print(f"{NOTICE}\nCtrl-C ends.", markup=False)

    with listen(settings) as listening:
        signalled = asyncio.run(serve(service, listening, tell))
    if signalled:  # everything is closed; what a library's thread still computes is not waited for
        console.file.flush()
        logging.shutdown()
        os._exit(0)
    return 0


def settings_of(**given: Any) -> MonitorSettings:
    """Return the monitor's settings; None stands for "not given"."""
    from radarode.monitor.settings import MonitorSettings

    return MonitorSettings(**{name: value for name, value in given.items() if value is not None})
