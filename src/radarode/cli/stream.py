"""`radarode stream`: motion that arrives now in, an ECG out to files and networks; no display."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from radarode.core.types import Motion, Status

if TYPE_CHECKING:
    from rich.console import Console

    from radarode.stream.runner import Runner
    from radarode.stream.types import Sink

LINE_S = 5.0
"""Time between status lines where there is no terminal to redraw them on."""

REDRAW_S = 0.5


def stream(
    source: Annotated[
        str,
        Parameter(
            help="A recording's path, 'simulate[:SEED]', 'udp:[HOST:]PORT' (DCA1000), 'lsl:NAME', 'lsl:type=TYPE' or "
            "'mqtt://HOST[:PORT]/TOPIC'."
        ),
    ],
    *,
    to: Annotated[
        tuple[str, ...],
        Parameter(
            help="Where it goes, any number of times: 'wfdb:FOLDER', 'edf:FOLDER', 'lsl:NAME', "
            "'mqtt://HOST[:PORT]/TOPIC'.",
            negative="",
        ),
    ] = (),
    weights: Annotated[str, Parameter(help="A folder of weights, or 'default'.")] = "default",
    seconds: Annotated[float | None, Parameter(help="End after so many seconds.")] = None,
    segment_min: Annotated[float, Parameter(help="Minutes after which a recording begins a new file.")] = 60.0,
    speed: Annotated[float | None, Parameter(help="Of a replayed file or a simulation; 1 is real time.")] = None,
    loop: Annotated[bool, Parameter(help="Replay the file again and again.", negative="")] = False,
    fs: Annotated[float | None, Parameter(help="Sampling rate in Hz, for files that do not carry one.")] = None,
    motion: Annotated[Motion | None, Parameter(help="What the sensor measured, where nothing says so.")] = None,
    radar: Annotated[str | None, Parameter(help="Preset, TOML file or .cfg of the radar behind 'udp:'.")] = None,
    heart_bpm: Annotated[
        str | None, Parameter(help="Heart rate of a simulation, or 'SECONDS:BPM,...'; 0 stands still.")
    ] = None,
    status: Annotated[Status | None, Parameter(help="NB, IB, PE or SP, of a simulation.")] = None,
    channels: Annotated[int | None, Parameter(help="Observed points of a simulation.")] = None,
    timeout: Annotated[float | None, Parameter(help="Seconds to wait for an LSL or MQTT source to start.")] = None,
) -> int:
    """Reconstruct a live stream without a display, until its source ends, the time is over, or Ctrl-C.

    Recordings can be read at any moment, and lack at most two seconds after a crash.
    """
    from rich.console import Console

    from radarode.core.allocator import keep_freed_memory
    from radarode.core.errors import InputError
    from radarode.core.notice import NOTICE
    from radarode.models.pretrained import load_model
    from radarode.stream.runner import Runner
    from radarode.stream.sinks import open_sink
    from radarode.stream.sources import open_source

    if seconds is not None and not seconds > 0:
        raise InputError.of("seconds", "above 0", seconds)
    options: dict[str, Any] = {"speed": speed, "loop": loop or None, "fs_hz": fs, "radar": radar}
    options |= {"heart_bpm": heart_bpm, "status": status, "channels": channels, "timeout_s": timeout}
    options["kind" if source.startswith("lsl:") else "motion"] = motion
    keep_freed_memory()
    opened = open_source(source, **options)
    sinks = [open_sink(text, **_sink_options(text, segment_min)) for text in to]
    runner = Runner(opened, load_model(weights), sinks=sinks)
    console = Console(soft_wrap=True, highlight=False)
    console.print(NOTICE)
    _run(runner, seconds, console)
    if runner.state == "failed":
        raise InputError(runner.error or "the stream failed.")
    console.print(_summary(runner, sinks), markup=False)
    return 0


def _sink_options(text: str, segment_min: float) -> dict[str, Any]:
    return {"segment_min": segment_min} if text.startswith(("wfdb:", "edf:")) else {}


def _run(runner: Runner, seconds: float | None, console: Console) -> None:
    """Run until the end, the time or a signal; sinks are closed in any case."""
    import asyncio
    import signal

    async def work() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.create_task(runner.run())
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            await _follow(runner, task, seconds, console)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())


async def _follow(runner: Runner, task: Any, seconds: float | None, console: Console) -> None:
    """Show the status until the task is done or the time is over."""
    import asyncio
    import contextlib
    import time

    from rich.text import Text

    started_s, told_s = time.monotonic(), float("-inf")
    shown = console.status("") if console.is_terminal else contextlib.nullcontext()
    with shown as line:
        while not task.done():
            now_s = time.monotonic()
            if seconds is not None and now_s - started_s >= seconds:
                return
            if line is not None:
                line.update(Text(_line(runner)))
            elif now_s - told_s >= LINE_S:
                told_s = now_s
                console.print(_line(runner), markup=False)
            await asyncio.wait([task], timeout=REDRAW_S)


def _line(runner: Runner) -> str:
    """Return the state of a stream as one line."""
    facts, last, counts = runner.facts, runner.last, runner.counts
    if facts is None:
        return f"waiting for the source{_progress(runner)}"
    parts = [("SIMULATED " if facts.simulated else "") + facts.name]
    if last is not None:
        rate = "-- bpm" if last.heart_rate_bpm is None else f"{last.heart_rate_bpm:.0f} bpm"
        parts += [f"{counts.samples / 200:.0f} s", last.signal, rate, f"quality {last.quality:.2f}"]
        parts.append(f"lag {last.lag_s:.1f} s")
    lost = {"lost": counts.lost_samples, "late": counts.late_packets, "dropped": counts.dropped_packets}
    lost |= {"refused": counts.refused_packets, "restarts": counts.restarts}
    parts += [f"{name} {count}" for name, count in lost.items() if count]
    parts += [f"{name}: {text}" for name, text in runner.sink_errors.items()]
    return " | ".join(parts)


def _progress(runner: Runner) -> str:
    progress = getattr(runner.source, "progress", None)
    return f": {progress}" if isinstance(progress, str) else ""


def _summary(runner: Runner, sinks: list[Sink]) -> str:
    """Return what was done, and where recordings are."""
    from radarode.stream.sinks.recorder import Recorder

    lines = [f"ended after {_line(runner)}"]
    for sink in sinks:
        if isinstance(sink, Recorder) and sink.path is not None:
            lost = f", {sink.lost_samples} samples lost" if sink.lost_samples else ""
            lines.append(f"recorded into {Path(sink.folder)} ({sink.status()['bytes']} bytes{lost})")
    return "\n".join(lines)
