"""Messages: what is packed is read back; what is no message is refused; what viewers say is read strictly."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Beats
from radarode.monitor.limits import Limits
from radarode.monitor.messages import (
    MarkEvent,
    SetLimits,
    Silence,
    Token,
    UnreadableError,
    beats_message,
    clean_text,
    encode,
    read_command,
)
from radarode.monitor.protocol import HEADER, pack, pack_many, unpack, unpack_many

LIMITS = {0: Limits(), 1: Limits(low_bpm=50)}


def test_values_come_back(rng: np.random.Generator) -> None:
    values = rng.standard_normal((71, 15)).astype(np.float32)
    values[3, 4] = np.nan
    kind, stream, first_s, rate_hz, shape, again = unpack(pack("spectrogram", 7, 12.5, 30.0, values))
    assert (kind, stream, first_s, rate_hz, shape) == ("spectrogram", 7, 12.5, 30.0, (71, 15))
    np.testing.assert_array_equal(again, values)


def test_the_header_is_laid_out_as_the_page_reads_it() -> None:
    message = pack("motion", 258, 1.0, 200.0, np.array([1.0, -1.0]))
    assert HEADER.size == 24
    assert message[:4] == bytes([1, 2, 2, 1])
    assert struct.unpack("<III", message[4:16]) == (1, 2, 200_000)
    assert struct.unpack("<d2f", message[16:]) == (1.0, 1.0, -1.0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: m[:10],
        lambda m: m[:-1],
        lambda m: m + b"x",
        lambda m: b"\x02" + m[1:],
        lambda m: m[:1] + b"\x09" + m[2:],
        lambda m: b"",
    ],
)
def test_what_is_no_message_is_refused(damage) -> None:
    with pytest.raises(ValueError):
        unpack(damage(pack("ecg", 0, 0.0, 200.0, np.zeros(5))))


def test_many_messages_come_back_and_half_a_body_is_refused() -> None:
    messages = [pack("ecg", 0, 0.0, 200.0, np.zeros(5)), encode("beats", stream=0, r_s=[], quality=[]), b""]
    body = pack_many(messages)
    assert unpack_many(body) == [m.encode() if isinstance(m, str) else m for m in messages]
    for end in range(1, len(body)):
        if end not in (4 + len(messages[0]), len(body) - 4):
            with pytest.raises(ValueError, match="ends within"):
                unpack_many(body[:end])


def test_what_json_cannot_hold_becomes_null() -> None:
    text = encode("state", a=float("inf"), b=[float("nan"), 1], c={"d": None})
    assert json.loads(text) == {"type": "state", "a": None, "b": [None, 1], "c": {"d": None}}


def test_beats_are_told_with_their_quality() -> None:
    message = json.loads(beats_message(3, Beats(np.array([1.23456]), np.array([0.9]), np.array([0.5]))))
    assert message == {"type": "beats", "stream": 3, "r_s": [1.2346], "quality": [0.5]}


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{"type":"mark","stream":0,"at_s":3,"text":" fell\\n asleep "}', MarkEvent(0, 3.0, "fell asleep")),
        ('{"type":"mark","stream":1}', MarkEvent(1, None, "mark")),
        ('{"type":"mark","stream":1,"at_s":null,"text":""}', MarkEvent(1, None, "mark")),
        ('{"type":"limits","stream":1,"high_bpm":90}', SetLimits(1, Limits(low_bpm=50, high_bpm=90))),
        ('{"type":"silence","stream":0,"for_s":60}', Silence(0, 60.0)),
        ('{"type":"token","token":"x"}', Token("x")),
    ],
)
def test_a_viewer_may_say(text: str, command: object) -> None:
    assert read_command(text, LIMITS) == command


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "null",
        "1e400",
        "{}",
        '{"type":"shutdown"}',
        '{"type":["mark"]}',
        '{"type":"mark","stream":"0"}',
        '{"type":"mark","stream":true}',
        '{"type":"mark","stream":0,"at_s":"now"}',
        '{"type":"mark","stream":0,"at_s":NaN}',
        '{"type":"mark","stream":0,"text":5}',
        '{"type":"mark","stream":0,"colour":"red"}',
        '{"type":"silence","stream":0}',
        '{"type":"silence","stream":0,"for_s":1e99}',
        '{"type":"silence","stream":0,"for_s":' + "9" * 400 + "}",
        '{"type":"token"}',
        "[" * 4000,
        '{"a":' * 600,
    ],
)
def test_what_is_not_in_the_protocol_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_command(text, LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"mark","stream":2}',
        '{"type":"silence","stream":-1,"for_s":1}',
        '{"type":"limits","stream":0,"low_bpm":5}',
        '{"type":"limits","stream":0,"low_bpm":120,"high_bpm":100}',
    ],
)
def test_a_value_that_is_not_allowed_is_told(text: str) -> None:
    with pytest.raises(InputError):
        read_command(text, LIMITS)


def test_text_of_strangers_is_one_short_line() -> None:
    assert clean_text("a\x00\x1b[31mb\r\n\u202ec" + "d" * 500) == ("a [31mb c" + "d" * 500)[:200]
