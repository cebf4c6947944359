"""Where streams go, one kind per file."""

from __future__ import annotations

from typing import Any

from radarode.core.errors import InputError
from radarode.stream.types import Sink

KINDS = ("wfdb:FOLDER", "edf:FOLDER", "lsl:NAME", "mqtt://HOST[:PORT]/TOPIC")


def open_sink(text: str, **options: Any) -> Sink:
    """Return the sink that a text names.

    Args:
        text: `wfdb:FOLDER` or `edf:FOLDER` (option: segment_min), `lsl:NAME`, `mqtt://HOST[:PORT]/TOPIC` (qos,
            beats_qos).
        options: those of the kind of sink; None stands for "not given".

    Raises:
        InputError: the text, or an option, is none of them.
    """
    given = {name: value for name, value in options.items() if value is not None}
    check_sink(text)
    kind, _, rest = text.partition(":")
    try:
        return _open(kind, rest, text, given)
    except TypeError as error:
        raise InputError(f"the sink {text!r} does not take these options: {', '.join(given)}.") from error


def check_sink(text: str) -> None:
    """Look at the text of a sink; nothing is opened or created.

    Raises:
        InputError: it names no sink.

    Example:
        >>> check_sink("lsl:bed-1")
    """
    kind, _, rest = text.partition(":")
    if not rest.strip() or kind not in ("wfdb", "edf", "lsl", "mqtt", "mqtts"):
        raise InputError.of("sink", f"one of {', '.join(KINDS)}", repr(text.rpartition("@")[2]))
    if kind in ("mqtt", "mqtts"):
        from radarode.stream.mqtt_payload import parse_address

        parse_address(text)


def _open(kind: str, rest: str, text: str, given: dict[str, Any]) -> Sink:
    if kind == "lsl":
        from radarode.stream.sinks.lsl import LslSink

        return LslSink(rest, **given)
    if kind in ("mqtt", "mqtts"):
        from radarode.stream.sinks.mqtt import MqttSink

        return MqttSink(text, **given)
    from radarode.stream.sinks.recorder import Recorder

    return Recorder(rest, "wfdb" if kind == "wfdb" else "edf", **given)
