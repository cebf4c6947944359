"""The payload of motion and ECG over MQTT, and where a broker is.

A sender publishes two things:

`TOPIC/facts`, retained, JSON: {"version": 1, "name": text, "channels": n, "fs_hz": rate, "kind": "displacement" |
"velocity" | "acceleration", "simulated": true | false}. It tells what a payload cannot; without it the motion is taken
for acceleration.

`TOPIC`, binary, little-endian: a header of 40 bytes, then channels x samples float32, channel by channel (all samples
of the first channel, then all of the second), NaN where a sample is missing.

    bytes 0-3    "rOde"
    byte 4       version, 1
    byte 5       reserved, 0
    bytes 6-7    uint16, channels, 1 to 1024
    bytes 8-11   uint32, samples of each channel, 1 to 65 536
    bytes 12-15  uint32, session: any number that the sender draws anew when it starts
    bytes 16-23  uint64, number of the first sample since the session began
    bytes 24-31  float64, sampling rate in Hz, 20 to 20 000
    bytes 32-39  float64, time of the first sample on the sender's clock in seconds; NaN without one

A message of 0.1 s is a good length. The version counts up when the layout changes; other versions are refused.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.core.types import FS_LIMITS_HZ, MOTIONS, Motion
from radarode.stream.types import SourceFacts

MAGIC = b"rOde"
VERSION = 1
HEADER = struct.Struct("<4sBBHIIQdd")
MOST_CHANNELS = 1024
MOST_SAMPLES = 65_536
MOST_BYTES = 2**24
FACTS = "facts"
PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True, eq=False)
class Payload:
    """Hold one binary message.

    Attributes:
        values: (channel, time) float32.
        index: number of the first sample since the session began.
        fs_hz: sampling rate.
        session: drawn anew when the sender starts.
        device_s: time of the first sample on the sender's clock, or None.
    """

    values: NDArray[np.float32]
    index: int
    fs_hz: float
    session: int = 0
    device_s: float | None = None


def pack(payload: Payload) -> bytes:
    """Return the binary message.

    Example:
        >>> message = pack(Payload(np.ones((2, 20), np.float32), 40, 200.0, session=7))
        >>> len(message), unpack(message).values.shape, unpack(message).index
        (200, (2, 20), 40)
    """
    values = np.asarray(payload.values, "<f4")
    device_s = math.nan if payload.device_s is None else payload.device_s
    shape = values.shape
    head = HEADER.pack(MAGIC, VERSION, 0, *shape, payload.session, payload.index, payload.fs_hz, device_s)
    return head + values.tobytes()


def unpack(message: bytes) -> Payload:
    """Read a binary message.

    Raises:
        InputError: it is not one, is of another version, or says something absurd.
    """
    if len(message) < HEADER.size or message[:4] != MAGIC:
        raise InputError(f"a message of {len(message)} bytes is not a payload of radarode (it begins with 'rOde').")
    if len(message) > MOST_BYTES:
        raise InputError.of("message", f"at most {MOST_BYTES} bytes", len(message), "Send shorter packets")
    _, version, _, channels, samples, session, index, fs_hz, device_s = HEADER.unpack_from(message)
    if version != VERSION:
        fix = "Update the older side"
        raise InputError(f"the sender's payload has version {version}; this program reads version {VERSION}. {fix}.")
    if not (1 <= channels <= MOST_CHANNELS and 1 <= samples <= MOST_SAMPLES):
        raise InputError(f"a payload says that it holds {channels} channels of {samples} samples; refused.")
    if len(message) != HEADER.size + 4 * channels * samples:
        wanted = HEADER.size + 4 * channels * samples
        raise InputError(f"a payload of {channels} x {samples} values must have {wanted} bytes; got {len(message)}.")
    low, high = FS_LIMITS_HZ
    if not low <= fs_hz <= high:
        raise InputError.of("fs_hz", f"between {low:g} and {high:g} Hz", fs_hz)
    values = np.frombuffer(message, "<f4", offset=HEADER.size).reshape(channels, samples).astype(np.float32)
    return Payload(values, index, fs_hz, session, device_s if math.isfinite(device_s) else None)


def pack_facts(facts: SourceFacts, **more: Any) -> bytes:
    """Return the retained message of a sender."""
    said = {
        "version": VERSION,
        "name": facts.name,
        "channels": facts.channels,
        "fs_hz": facts.fs_hz,
        "kind": facts.kind,
        "simulated": facts.simulated,
    }
    return json.dumps(said | more).encode()


def unpack_facts(message: bytes) -> SourceFacts:
    """Read the retained message of a sender.

    Raises:
        InputError: it is not one, or is of another version.
    """
    try:
        said = json.loads(message[:MOST_BYTES])
        version, name = said["version"], str(said["name"])[:80]
        channels, fs_hz, kind = int(said["channels"]), float(said["fs_hz"]), said.get("kind", "acceleration")
        simulated = said.get("simulated", False) is True
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise InputError(f"the message {FACTS!r} of the sender is not what it should be ({error!r}).") from error
    if version != VERSION:
        raise InputError(f"the sender's facts have version {version}; this program reads version {VERSION}.")
    if kind not in MOTIONS or not FS_LIMITS_HZ[0] <= fs_hz <= FS_LIMITS_HZ[1]:
        raise InputError(f"the sender's facts say kind {kind!r} at {fs_hz:g} Hz; refused.")
    return SourceFacts(name, channels, fs_hz, cast(Motion, kind), simulated)


@dataclass(frozen=True, slots=True)
class Address:
    """Say where a broker is and which topic is meant.

    Attributes:
        host: name or IP address.
        port: TCP port.
        topic: without wildcards.
        user, password: None without.
        tls: whether the connection is encrypted (`mqtts://`).
    """

    host: str
    port: int
    topic: str
    user: str | None = None
    password: str | None = None
    tls: bool = False

    def __str__(self) -> str:
        """Return it without the password."""
        return f"mqtt{'s' * self.tls}://{self.host}:{self.port}/{self.topic}"


def parse_address(text: str) -> Address:
    """Read `mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT]/TOPIC`.

    Raises:
        InputError: it is not that.

    Example:
        >>> str(parse_address("mqtt://broker/ward/bed-3"))
        'mqtt://broker:1883/ward/bed-3'
    """
    fix = "Write mqtt://HOST[:PORT]/TOPIC"
    try:
        parts = urlsplit(text)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        raise InputError.of("address", "an MQTT address", repr(text.rpartition("@")[2]), fix) from None
    topic = unquote(parts.path.strip("/"))
    if not parts.hostname or not topic or set(text) & set("#?") or set(topic) & set("+#\0") or len(topic) > 512:
        raise InputError.of("address", "a host and a topic without wildcards", repr(text.rpartition("@")[2]), fix)
    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return Address(parts.hostname, port, topic, user, password, parts.scheme == "mqtts")
