"""Where streams come from, one kind per file."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from radarode.core.errors import InputError
from radarode.stream.types import Source


def open_source(text: str, **options: Any) -> Source:
    """Return the source that a text names; nothing is opened before its packets are asked for.

    Args:
        text: a recording's path (options: speed, loop, fs_hz, motion, start_s), `simulate` or `simulate:SEED` (speed,
            heart_bpm, status, channels, snr_db, movement, ectopic, irregular), `udp:PORT` or `udp:HOST:PORT` (radar,
            which is needed, warmup_s, name), `lsl:STREAM_NAME` or `lsl:type=TYPE` (timeout_s, kind),
            `mqtt://HOST[:PORT]/TOPIC` (qos, timeout_s).
        options: those of the kind of source; None stands for "not given".

    Raises:
        InputError: the text, or an option, is none of them.

    Example:
        >>> open_source("simulate:7", heart_bpm=45).seed
        7
    """
    given = {name: value for name, value in options.items() if value is not None}
    kind, _, rest = text.partition(":")
    if kind == "simulate":
        return _simulated(text, rest, given)
    if kind == "udp":
        return _udp(text, rest, given)
    if kind == "lsl":
        from radarode.stream.sources.lsl import LslSource

        return _make(LslSource, text, rest, given)
    if kind in ("mqtt", "mqtts"):
        from radarode.stream.sources.mqtt import MqttSource

        return _make(MqttSource, text, text, given)
    from radarode.stream.sources.replay import ReplaySource

    return _make(ReplaySource, text, text, given)


def _simulated(text: str, rest: str, given: dict[str, Any]) -> Source:
    from radarode.stream.sources.simulated import SEED, SimulatedSettings, SimulatedSource

    if rest and not rest.isdecimal():
        raise InputError.of("source", "`simulate` or `simulate:SEED`", repr(text))
    names = {field.name for field in fields(SimulatedSettings)}
    settings = SimulatedSettings(**{name: value for name, value in given.items() if name in names})
    others = {name: value for name, value in given.items() if name not in names}
    return _make(SimulatedSource, text, int(rest or SEED), others, settings=settings)


def _udp(text: str, rest: str, given: dict[str, Any]) -> Source:
    from radarode.stream.sources.dca1000 import Dca1000Source

    host, _, port = rest.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise InputError.of("source", "`udp:PORT` or `udp:HOST:PORT`", repr(text))
    if "radar" not in given:
        raise InputError(
            f"the source {text!r} needs to know the radar. Name a preset, a TOML file or a TI .cfg (radar)."
        )
    where = {"host": host.strip("[]")} if host else {}
    others = {name: value for name, value in given.items() if name != "radar"}
    return _make(Dca1000Source, text, given["radar"], others, port=int(port), **where)


def _make(make: Callable[..., Source], text: str, first: Any, given: dict[str, Any], **more: Any) -> Source:
    """Call a constructor; an option that it does not take is refused in one line."""
    known = [name for name, one in inspect.signature(make).parameters.items() if one.kind is one.KEYWORD_ONLY]
    known = [name for name in known if name not in more]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InputError(f"the source {text!r} takes no option {unknown[0]!r}; it takes: {', '.join(known) or 'none'}.")
    return make(first, **given, **more)
