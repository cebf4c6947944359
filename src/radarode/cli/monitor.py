"""`radarode monitor`: live streams in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from radarode.core.types import Motion, Status

SOURCE_OPTIONS: dict[str, tuple[str, ...]] = {
    "simulate": ("speed", "heart_bpm", "status", "channels"),
    "udp": ("radar",),
    "lsl": ("motion",),
    "mqtt": (),
    "mqtts": (),
}
FILE_OPTIONS = ("speed", "loop", "fs_hz", "motion")


def monitor(
    *sources: Annotated[
        str,
        Parameter(
            help="Any number of: a recording's path, 'simulate[:SEED]', 'udp:[HOST:]PORT' (DCA1000), 'lsl:NAME', "
            "'mqtt://HOST[:PORT]/TOPIC'; 'simulate' if none is given."
        ),
    ],
    host: Annotated[
        str, Parameter(help="Address to listen on; any but this machine's own needs a token.")
    ] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on; 0 takes a free one.")] = 8642,
    token: Annotated[
        str | None, Parameter(help="What viewers must know. Others on this machine can see it; better is --token-file.")
    ] = None,
    token_file: Annotated[
        Path | None, Parameter(help="File with the token, at least 16 characters; or the variable RADARODE_TOKEN.")
    ] = None,
    allow_host: Annotated[
        tuple[str, ...], Parameter(help="A further name under which the page may be opened.", negative="")
    ] = (),
    record: Annotated[Path | None, Parameter(help="Record into this folder, as WFDB.")] = None,
    weights: Annotated[str, Parameter(help="A folder of weights, or 'default'.")] = "default",
    history: Annotated[float, Parameter(help="Minutes that the page can look back.")] = 60.0,
    speed: Annotated[float | None, Parameter(help="Of replayed files and simulations; 1 is real time.")] = None,
    loop: Annotated[bool, Parameter(help="Replay files again and again.", negative="")] = False,
    fs: Annotated[float | None, Parameter(help="Sampling rate in Hz, for files that do not carry one.")] = None,
    motion: Annotated[Motion | None, Parameter(help="What the sensor measured, where nothing says so.")] = None,
    radar: Annotated[str | None, Parameter(help="Preset, TOML file or .cfg of the radar behind 'udp:'.")] = None,
    heart_bpm: Annotated[
        str | None, Parameter(help="Heart rate of simulations, or 'SECONDS:BPM,...'; 0 stands still.")
    ] = None,
    status: Annotated[Status | None, Parameter(help="NB, IB, PE or SP, of simulations.")] = None,
    channels: Annotated[int | None, Parameter(help="Observed points of simulations.")] = None,
) -> int:
    """Show live streams in the browser: ECG, motion, spectrogram, heart rate, alarms; until Ctrl-C.

    The page is served to this machine alone unless --host says otherwise, which needs a token.
    """
    from radarode.cli._serve_shared import distinct, name_of, recording_sinks, run_service, settings_of
    from radarode.core.allocator import keep_freed_memory
    from radarode.models.pretrained import load_model
    from radarode.monitor.local_engine import LocalEngine
    from radarode.monitor.settings import find_token
    from radarode.stream.sources import open_source
    from radarode.stream.spec import StreamSpec

    sources = sources or ("simulate",)
    found = find_token(token, token_file)
    settings = settings_of(host=host, port=port, token=found, allowed_hosts=allow_host, history_min=history)
    given = {"speed": speed, "loop": loop or None, "fs_hz": fs, "motion": motion, "radar": radar}
    given |= {"heart_bpm": heart_bpm, "status": status, "channels": channels}
    streams = []
    for source, name in zip(sources, distinct([name_of(one) for one in sources]), strict=True):
        options = options_of(source, given)
        refuse_missing(source)
        open_source(source, **options)  # wrong texts and options are told at once, not by a stream that fails
        sinks = recording_sinks(record, name, alone=len(sources) == 1)
        streams.append(StreamSpec(name, source, options, sinks))
    keep_freed_memory()
    return run_service(streams, LocalEngine(load_model(weights)), settings)


def refuse_missing(source: str) -> None:
    """Raise `InputError` where a source is the path of a file that is not there."""
    from radarode.core.errors import InputError

    if source.partition(":")[0] not in SOURCE_OPTIONS and not Path(source).is_file():
        raise InputError(f"{source} is no file, nor simulate, udp:PORT, lsl:NAME or mqtt://HOST/TOPIC.")


def options_of(source: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return those of the options that a source of this kind takes, where several kinds may stand side by side.

    Example:
        >>> options_of("simulate:3", {"heart_bpm": "60", "radar": "awr1843", "speed": None})
        {'heart_bpm': '60'}
    """
    kind = source.partition(":")[0]
    taken = SOURCE_OPTIONS.get(kind, FILE_OPTIONS)
    found = {name: given[name] for name in taken if given.get(name) is not None}
    if kind == "lsl" and "motion" in found:
        found["kind"] = found.pop("motion")
    return found
