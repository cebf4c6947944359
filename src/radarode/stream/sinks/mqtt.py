"""MQTT: the drawn ECG and its beats as messages.

TOPIC/facts   retained JSON: what is sent, whether the motion is simulated, and the notice
TOPIC/ecg     binary, the layout of `radarode.stream.mqtt_payload` with one channel: the drawn ECG at 200 Hz, NaN in
              gaps; `index` and `device_s` are in stream time, `session` changes when the stream begins anew
TOPIC/beats   JSON per update with beats: {"session", "simulated", "notice", "beats": [{"r_s", "length_s",
              "quality"}]}, r_s in stream time
TOPIC/state   JSON once a second: {"session", "stream_s", "signal", "quality", "heart_rate_bpm", "lag_s",
              "simulated", "notice"}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.notice import NOTICE, SHORT_NOTICE
from radarode.stream.mqtt_link import check_qos, import_aiomqtt, make_client, retries_s
from radarode.stream.mqtt_payload import FACTS, VERSION, Payload, pack, parse_address
from radarode.stream.types import SourceFacts, Update

MOST_WAITING = 600
"""Messages kept while the broker is away; behind them the oldest are dropped and counted."""

FLUSH_S = 2.0
STATE_S = 1.0


@dataclass(frozen=True, slots=True)
class _Message:
    topic: str
    content: bytes
    qos: int
    retain: bool = False


class MqttSink:
    """Publish a stream. The connection lives in a thread of its own, so `write` never waits for the network.

    Args:
        address: `mqtt://HOST[:PORT]/TOPIC`.
        qos: quality of service of the ECG and the state.
        beats_qos: quality of service of the beats.

    Raises:
        InputError: aiomqtt is not installed, or a value is out of range.
    """

    def __init__(self, address: str, *, qos: int = 0, beats_qos: int = 1) -> None:
        import_aiomqtt()
        self.address = parse_address(address)
        self.qos, self.beats_qos = check_qos("qos", qos), check_qos("beats_qos", beats_qos)
        self.dropped = 0
        self._problem: str | None = None
        self._waiting: deque[_Message] = deque()
        self._facts_message: _Message | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._session, self._simulated, self._state_s = 0, False, float("-inf")

    def begin(self, facts: SourceFacts) -> None:
        """Announce the stream under a new session."""
        self._session, self._simulated, self._state_s = secrets.randbits(32), facts.simulated, float("-inf")
        said = {
            "version": VERSION,
            "session": self._session,
            "name": facts.name,
            "kind": "ecg",
            "unit": "nominal: 1 is the range of one cycle",
            "channels": 1,
            "fs_hz": FS_HZ,
            "simulated": facts.simulated,
            "notice": NOTICE,
        }
        self._facts_message = _Message(f"{self.address.topic}/{FACTS}", json.dumps(said).encode(), 1, retain=True)
        self._put(self._facts_message)
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="mqtt-sink", daemon=True)
            self._thread.start()

    def write(self, update: Update) -> None:
        """Queue an update.

        Raises:
            InputError: the broker is out of reach; what waits is sent when it is back, the oldest are dropped.
        """
        topic = self.address.topic
        if len(update.drawn):
            first = update.drawn_first
            content = pack(Payload(update.drawn[None], first, FS_HZ, self._session, first / FS_HZ))
            self._put(_Message(f"{topic}/ecg", content, self.qos))
        if len(update.drawn_beats):
            beats = update.drawn_beats
            rows = zip(beats.r_s.tolist(), beats.length_s.tolist(), beats.quality.tolist(), strict=True)
            found = [{"r_s": r_s, "length_s": length_s, "quality": quality} for r_s, length_s, quality in rows]
            self._put_json("beats", {"beats": found}, self.beats_qos)
        if time.monotonic() - self._state_s >= STATE_S:
            self._state_s = time.monotonic()
            self._put_json("state", _state(update), self.qos)
        if self._problem is not None:
            raise InputError(f"{self.address}: {self._problem}; {self.dropped} messages dropped so far.")

    def close(self) -> None:
        """Send what waits, for at most 2 s, and disconnect."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(2 * FLUSH_S)
            self._thread = None

    def _put_json(self, name: str, said: dict[str, Any], qos: int) -> None:
        about = {"session": self._session, "simulated": self._simulated, "notice": SHORT_NOTICE}
        self._put(_Message(f"{self.address.topic}/{name}", json.dumps(said | about).encode(), qos))

    def _put(self, message: _Message) -> None:
        while len(self._waiting) >= MOST_WAITING:
            with contextlib.suppress(IndexError):  # the other thread may have sent it meanwhile
                self._waiting.popleft()
                self.dropped += 1
        self._waiting.append(message)

    async def _serve(self) -> None:
        """Connect, publish, connect again; what a broken connection did not take is sent again."""
        waits_s = retries_s()
        while not self._closing.is_set():
            try:
                async with make_client(self.address, 1) as client:
                    self._problem, waits_s = None, retries_s()
                    if self._facts_message is not None:
                        await _publish(client, self._facts_message)
                    await self._publish_all(client)
            except (import_aiomqtt().MqttError, OSError) as error:
                self._problem = f"the broker cannot be reached ({error})"
                await self._pause(next(waits_s))

    async def _publish_all(self, client: Any) -> None:
        stop_s = float("inf")
        while time.monotonic() < stop_s:
            if self._closing.is_set():
                stop_s = min(stop_s, time.monotonic() + FLUSH_S)
                if not self._waiting:
                    return
            if not self._waiting:
                await asyncio.sleep(0.02)
                continue
            message = self._waiting[0]
            await _publish(client, message)
            with contextlib.suppress(IndexError):
                if self._waiting[0] is message:
                    self._waiting.popleft()

    async def _pause(self, wait_s: float) -> None:
        until_s = time.monotonic() + wait_s
        while time.monotonic() < until_s and not self._closing.is_set():
            await asyncio.sleep(0.05)


async def _publish(client: Any, message: _Message) -> None:
    await client.publish(message.topic, message.content, message.qos, message.retain)


def _state(update: Update) -> dict[str, Any]:
    return {
        "stream_s": (update.rcg_first + update.rcg.shape[1]) / FS_HZ,
        "signal": update.signal,
        "quality": update.quality,
        "heart_rate_bpm": update.heart_rate_bpm,
        "lag_s": update.lag_s,
    }
