"""The file of `radarode serve`, read strictly: an unknown key, option or source is one line before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from radarode.core.config import from_plain
from radarode.core.errors import InputError
from radarode.monitor.limits import Limits
from radarode.monitor.settings import MonitorSettings, find_token
from radarode.stream.sinks import check_sink
from radarode.stream.sources import open_source
from radarode.stream.spec import StreamSpec
from radarode.stream.types import StreamSettings

MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """Describe one stream.

    Attributes:
        name: for people and files.
        source: as on the command line of `radarode monitor`.
        options: of the source: speed, radar, heart_bpm, ...
        record: folder to record into, or None.
        record_format: "wfdb" or "edf".
        sinks: further sinks: `lsl:NAME`, `mqtt://HOST[:PORT]/TOPIC`, ...
    """

    name: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    record: str | None = None
    record_format: str = "wfdb"
    sinks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Describe a service.

    Attributes:
        streams: at least one.
        host, port, token_file, allowed_hosts: of the monitor; the token may also be in the variable RADARODE_TOKEN.
        weights: a folder, or "default".
        history_min: how far back pages can look.
        max_clients: viewers at a time.
        alarms: limits that streams begin with.
        stream: settings of all streams.
    """

    streams: tuple[StreamConfig, ...]
    host: str = "127.0.0.1"
    port: int = 8642
    token_file: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    weights: str = "default"
    history_min: float = 60.0
    max_clients: int = 256
    alarms: Limits = field(default_factory=Limits)
    stream: StreamSettings = field(default_factory=StreamSettings)

    def settings(self) -> MonitorSettings:
        """Return the monitor's settings, the token among them.

        Raises:
            InputError, OSError: the host needs a token, or the token's file cannot be used.
        """
        return MonitorSettings(
            host=self.host,
            port=self.port,
            token=find_token(None, None if self.token_file is None else Path(self.token_file)),
            allowed_hosts=self.allowed_hosts,
            max_clients=self.max_clients,
            history_min=self.history_min,
            limits=self.alarms,
        )

    def specs(self) -> list[StreamSpec]:
        """Return the streams; nothing is opened, though the texts and options of sources and sinks are looked at.

        Raises:
            InputError: a source, an option or a sink that does not exist, or two streams of one name.
        """
        names = [stream.name for stream in self.streams]
        for name in names:
            if names.count(name) > 1:
                raise InputError.of("streams", "each of another name", f"{name!r} twice")
        return [_spec(stream) for stream in self.streams]


def read_config(path: Path) -> ServeConfig:
    """Read the file.

    Raises:
        InputError: it is not such a file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise InputError(f"{path} is larger than 1 MiB, so it is no configuration.")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(found, Mapping) or not found.get("streams"):
        raise InputError(f"{path} names no streams. Write `streams:` and below it `- name: ...` with `source: ...`.")
    for number, stream in enumerate(found["streams"] if isinstance(found["streams"], list) else ()):
        for key in ("name", "source"):
            if isinstance(stream, Mapping) and key not in stream:
                raise InputError(f"{path}: `streams[{number}]` lacks `{key}`.")
    try:
        return from_plain(ServeConfig, found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _spec(stream: StreamConfig) -> StreamSpec:
    try:
        if stream.record_format not in ("wfdb", "edf"):
            raise InputError.of("record_format", "wfdb or edf", repr(stream.record_format))
        open_source(stream.source, **stream.options)
        if stream.record is not None and not stream.record.strip():
            raise InputError.of("record", "a folder to record into", repr(stream.record))
        record = () if stream.record is None else (f"{stream.record_format}:{stream.record}",)
        for sink in (*record, *stream.sinks):
            check_sink(sink)
        return StreamSpec(stream.name, stream.source, stream.options, (*record, *stream.sinks))
    except InputError as error:
        raise InputError(f"stream {stream.name!r}: {error}") from None
    except (TypeError, ValueError) as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise InputError(f"stream {stream.name!r}: an option has a value of the wrong kind ({text}).") from None
