"""Many named streams in one process: kept running, shown to viewers, recorded, stopped in order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.version import __version__
from radarode.monitor.hub import Hub, Message
from radarode.monitor.messages import MarkEvent, SetLimits, Silence, UnreadableError, encode, read_command
from radarode.monitor.settings import MonitorSettings
from radarode.monitor.watch import Watch
from radarode.stream.spec import StreamSpec
from radarode.stream.types import SourceFacts, Update

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
"""How long is waited before a failed source is tried again: doubled each time, up to the longest."""

MOST_DOUBLINGS = 10
"""Far above the longest wait; without it the doubling would overflow."""

STEADY_S = 60.0
"""A source that ran for so long is tried again soon when it fails."""

START_S = 30.0
"""A source that has sent nothing for so long since it was started does not live."""

STOP_S = 3.0

logger = logging.getLogger("radarode.monitor")


class RunnerLike(Protocol):
    """What the service needs of a runner; see `radarode.stream.runner.Runner`."""

    state: Literal["starting", "running", "ended", "failed"]
    error: str | None
    listeners: list[Callable[[SourceFacts | Update], None]]

    async def run(self) -> None:
        """Run until the source ends; cancelled, close everything."""
        ...


class Engine(Protocol):
    """Where streams are computed: in this process or elsewhere."""

    freqs_hz: NDArray[np.floating]

    def runner(self, spec: StreamSpec) -> RunnerLike:
        """Return a fresh runner of a stream; called in a thread, since it may read files."""
        ...

    def recording(self, runner: RunnerLike) -> Mapping[str, Any] | None:
        """Return path, bytes and error of what the runner records, or None."""
        ...

    def mark(self, runner: RunnerLike, at_s: float, text: str) -> None:
        """Write an event into what the runner records."""
        ...

    async def close(self) -> None:
        """Give everything back."""
        ...


@dataclass(slots=True)
class Line:
    """Hold one stream of the service: what it is, who runs it, what viewers see of it."""

    spec: StreamSpec
    watch: Watch
    runner: RunnerLike | None = None
    error: str | None = None
    failures: int = 0
    tried_s: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> str:
        """What its runner says, or "failed" where there is none."""
        if self.error is not None:
            return "failed"
        return "starting" if self.runner is None else self.runner.state

    @property
    def live(self) -> bool:
        """Whether it runs, or was started a short while ago."""
        return self.state == "running" or (self.state == "starting" and time.monotonic() - self.tried_s < START_S)


class Service:
    """Run streams and show them to viewers.

    Args:
        streams: their names must differ.
        engine: where they are computed.
        settings: of the monitor.

    Raises:
        InputError: no stream, or two of one name.
    """

    def __init__(self, streams: Sequence[StreamSpec], engine: Engine, settings: MonitorSettings) -> None:
        names = [spec.name for spec in streams]
        twice = [name for name in names if names.count(name) > 1]
        if not streams or twice:
            raise InputError.of(
                "streams", "at least one, each with its own name", f"{twice[0]!r} twice" if twice else 0
            )
        self.settings = settings
        self.hub = Hub(settings, self._greet, self._obey)
        self.refused: Counter[str] = Counter()
        self._engine = engine
        self._tasks: list[asyncio.Task[None]] = []
        self.lines = tuple(
            Line(spec, Watch(number, spec.name, engine.freqs_hz, settings, self.hub.send))
            for number, spec in enumerate(streams)
        )
        for line in self.lines:
            line.watch.recording = partial(self._recording, line)

    def start(self) -> None:
        """Start every stream; needs a running event loop. Once only."""
        if not self._tasks:
            self._tasks = [asyncio.ensure_future(self._keep_running(line)) for line in self.lines]
            self._tasks.append(asyncio.ensure_future(self._tick()))
            for task in self._tasks:
                task.add_done_callback(_tell_death)

    async def stop(self) -> None:
        """Tell viewers, stop the streams and close what they write, within `STOP_S`."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(self.hub.stop(), asyncio.wait(tasks, timeout=STOP_S) if tasks else asyncio.sleep(0))
        if tasks:
            await self._engine.close()

    def line(self, number: int) -> Line:
        """Return a stream by its number.

        Raises:
            InputError: there is none.
        """
        if not 0 <= number < len(self.lines):
            raise InputError.of("stream", f"between 0 and {len(self.lines) - 1}", number)
        return self.lines[number]

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Return (whether every stream lives, what to say of each)."""
        streams = {
            line.spec.name: {"state": line.state, "signal": line.watch.signal, "error": line.error}
            for line in self.lines
        }
        good = all(line.live for line in self.lines) and not self.hub.stopping
        return good, {"status": "ok" if good else "failing", "version": __version__, "streams": streams}

    def hello(self) -> str:
        """Return the first message of a connection."""
        return encode(
            "hello",
            streams=[line.watch.hello() for line in self.lines],
            notice=NOTICE,
            version=__version__,
            history_s=60 * self.settings.history_min,
        )

    def _greet(self) -> list[Message]:
        return [self.hello(), *(message for line in self.lines for message in line.watch.greeting())]

    def _obey(self, text: str) -> Message | None:
        command = read_command(text, {line.watch.number: line.watch.limits for line in self.lines})
        if isinstance(command, MarkEvent):
            line = self.line(command.stream)
            event = line.watch.mark(command.at_s, command.text)
            if line.runner is not None:
                self._engine.mark(line.runner, event.at_s, event.text)
        elif isinstance(command, SetLimits):
            self.line(command.stream).watch.set_limits(command.limits)
        elif isinstance(command, Silence):
            self.line(command.stream).watch.silence(command.for_s)
        elif self.settings.token is not None:
            raise UnreadableError("a second token")
        return None

    def _recording(self, line: Line) -> Mapping[str, Any] | None:
        return None if line.runner is None else self._engine.recording(line.runner)

    async def _keep_running(self, line: Line) -> None:
        while True:
            line.tried_s = time.monotonic()
            error = await self._run_once(line)
            if error is None:
                return
            line.failures = 1 if time.monotonic() - line.tried_s > STEADY_S else line.failures + 1
            line.error = error
            wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(line.failures - 1, MOST_DOUBLINGS))
            self.hub.send(encode("error", text=f"{line.spec.name}: {error} Tried again in {wait_s:.0f} s."))
            logger.warning("%s: %s", line.spec.name, error)
            line.watch.tick()
            await asyncio.sleep(wait_s)

    async def _run_once(self, line: Line) -> str | None:
        """Run the stream until it ends; return what went wrong, or None."""
        try:
            line.runner = runner = await asyncio.to_thread(self._engine.runner, line.spec)
            runner.listeners.append(partial(self._heard, line))
            await runner.run()
        except (InputError, OSError) as error:
            return " ".join(str(error).split()) or type(error).__name__
        except Exception as error:
            logger.exception("%s: a bug ended the stream", line.spec.name)
            return f"internal error, {type(error).__name__}."
        return (runner.error or "the source failed.") if runner.state == "failed" else None

    def _heard(self, line: Line, what: SourceFacts | Update) -> None:
        line.error = None
        if isinstance(what, SourceFacts):
            line.watch.begin(what)
            self.hub.send(self.hello())
        else:
            line.watch.take(what)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self.hub.check_stalled()
            for line in self.lines:
                line.watch.tick()


def _tell_death(task: asyncio.Task[None]) -> None:
    """Log a task of the service that a bug ended."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a bug ended a task of the service", exc_info=error)
