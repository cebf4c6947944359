"""Messages in words: what the server says as JSON, and what viewers may say, read strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from radarode.core.errors import InputError
from radarode.core.types import Beats
from radarode.monitor.alarms import Alarm
from radarode.monitor.limits import Limits
from radarode.stream.types import Counts

MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Token:
    """Hold what a viewer says to be let in."""

    token: str


@dataclass(frozen=True, slots=True)
class MarkEvent:
    """Ask to mark an event; `at_s` None is now."""

    stream: int
    at_s: float | None
    text: str


@dataclass(frozen=True, slots=True)
class SetLimits:
    """Ask for other alarm limits."""

    stream: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Silence:
    """Acknowledge a stream's alarms and silence them for a time."""

    stream: int
    for_s: float


Command = Token | MarkEvent | SetLimits | Silence

_FIELDS = {
    "token": {"token": str},
    "mark": {"stream": int, "at_s": float, "text": str},
    "limits": {"stream": int, "low_bpm": float, "high_bpm": float, "delay_s": float},
    "silence": {"stream": int, "for_s": float},
}
_OPTIONAL = {("mark", "at_s"), ("mark", "text"), ("limits", "low_bpm"), ("limits", "high_bpm"), ("limits", "delay_s")}


class UnreadableError(ValueError):
    """Say that a message is not one of the protocol's; whoever sends such is not a page of ours."""


def encode(kind: str, **fields: Any) -> str:
    """Return a JSON message; numbers that JSON cannot hold become null.

    Example:
        >>> encode("restart", stream=1, lag_s=float("nan"))
        '{"type":"restart","stream":1,"lag_s":null}'
    """
    return json.dumps({"type": kind, **_plain(fields)}, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def beats_message(stream: int, beats: Beats) -> str:
    """Return the message with some beats, in stream time."""
    return encode("beats", stream=stream, r_s=beats.r_s.round(4).tolist(), quality=beats.quality.round(3).tolist())


def alarm_fields(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as the state message holds it."""
    return {**asdict(alarm), "since_s": round(alarm.since_s, 1)}


def count_fields(counts: Counts) -> dict[str, int]:
    """Return the counts as the state message holds them."""
    return asdict(counts)


def read_command(text: str, limits_of: Mapping[int, Limits]) -> Command:
    """Read what a viewer says.

    Args:
        text: its message.
        limits_of: every stream's limits now, which missing values of new ones are taken from.

    Raises:
        UnreadableError: it is not a message of the protocol.
        InputError: it is one, with a value that is not allowed.
    """
    found = _fields(text)
    kind = found.pop("type")
    if kind == "token":
        return Token(found["token"])
    number = found["stream"]
    if number not in limits_of:
        raise InputError.of("stream", "the number of a stream in the hello message", number)
    if kind == "mark":
        return MarkEvent(number, found.get("at_s"), clean_text(found.get("text", "")) or "mark")
    if kind == "silence":
        return Silence(number, found["for_s"])
    old = limits_of[number]
    changed = {name: found.get(name, getattr(old, name)) for name in ("low_bpm", "high_bpm", "delay_s")}
    return SetLimits(number, Limits(**changed, asystole_s=old.asystole_s))


def clean_text(text: str) -> str:
    """Return text of a stranger as one short line without control characters.

    Example:
        >>> clean_text("  moved" + chr(10) + chr(0) + "the chair ")
        'moved the chair'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_TEXT]


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError("not JSON") from None
    if not isinstance(found, dict) or str(found.get("type")) not in _FIELDS:
        raise UnreadableError("no known type")
    kind = found["type"] = str(found["type"])
    for name, wanted in _FIELDS[kind].items():
        if found.get(name) is None and (kind, name) in _OPTIONAL:
            found.pop(name, None)
        else:
            found[name] = _value(found.get(name), wanted, name)
    if found.keys() - _FIELDS[kind].keys() - {"type"}:
        raise UnreadableError("unknown keys")
    return found


def _value(value: Any, wanted: type, name: str) -> Any:
    """Return a value of the wanted type; whole numbers are numbers, true is none."""
    if wanted is str and isinstance(value, str):
        return value
    if wanted is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if wanted is float and isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e12:
        return float(value)
    raise UnreadableError(f"{name} is not right")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
