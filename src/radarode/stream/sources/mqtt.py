"""MQTT: motion as binary messages of a topic (`radarode.stream.mqtt_payload` tells the layout)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from radarode.core.errors import InputError
from radarode.stream.mqtt_link import check_qos, import_aiomqtt, make_client, retries_s
from radarode.stream.mqtt_payload import FACTS, Payload, parse_address, unpack, unpack_facts
from radarode.stream.types import Packet, SourceFacts

MOST_WAITING = 1000
"""Messages that may wait; behind them the client drops, which the index of the packets tells."""

_LOG = logging.getLogger("radarode.stream")


class MqttSource:
    """Receive motion from a broker; a lost connection is tried again, at first after 0.5 s, then less and less often.

    What cannot be read is refused and counted by `lost`; `problem` is the last reason. A new session of the sender, or
    another rate or number of channels, describes the source anew.

    Args:
        address: `mqtt://HOST[:PORT]/TOPIC`; the facts are read from TOPIC/facts.
        qos: quality of service of the subscription.
        timeout_s: how long to wait for the broker and the first message.

    Raises:
        InputError: aiomqtt is not installed, or a value is out of range.
    """

    def __init__(self, address: str, *, qos: int = 0, timeout_s: float = 10.0) -> None:
        import_aiomqtt()
        self.address, self.qos = parse_address(address), check_qos("qos", qos)
        if not 0 < timeout_s <= 3600:
            raise InputError.of("timeout_s", "above 0 and at most 3600", timeout_s)
        self.timeout_s = timeout_s
        self.reconnects = 0
        self.problem: str | None = None
        self._refused = 0
        self._said: SourceFacts | None = None
        self._facts: SourceFacts | None = None
        self._session: int | None = None

    async def packets(self) -> AsyncIterator[SourceFacts | Packet]:
        """Yield facts, then packets; facts again when the sender restarts or changes.

        Raises:
            InputError: broker out of reach, or no message that can be read, within `timeout_s` of the start.
        """
        self._said = self._facts = self._session = None
        broken, deadline_s, waits_s = import_aiomqtt().MqttError, time.monotonic() + self.timeout_s, retries_s()
        while True:
            try:
                async with asyncio.timeout(self._left_s(deadline_s)):
                    client = await make_client(self.address, MOST_WAITING).__aenter__()
            except (broken, TimeoutError, OSError) as error:
                self.problem = f"the broker cannot be reached ({str(error) or 'no answer'})"
            else:
                waits_s = retries_s()
                try:
                    async for item in self._listen(client, deadline_s):
                        yield item
                except broken as error:
                    self.problem = f"the connection broke ({error})"
                    self.reconnects += 1
                finally:
                    await _leave(client)
            self._still_hopeful(deadline_s)
            await asyncio.sleep(min(next(waits_s), self._left_s(deadline_s) or 1e9))

    def lost(self) -> int:
        """Return how many messages were refused."""
        return self._refused

    async def _listen(self, client: Any, deadline_s: float) -> AsyncIterator[SourceFacts | Packet]:
        facts_topic = f"{self.address.topic}/{FACTS}"
        await client.subscribe(facts_topic, 1)
        await client.subscribe(self.address.topic, self.qos)
        messages = aiter(client.messages)
        while True:
            try:
                async with asyncio.timeout(self._left_s(deadline_s)):
                    message = await anext(messages)
            except TimeoutError:
                return
            content = message.payload if isinstance(message.payload, bytes) else b""
            try:
                if message.topic.value == facts_topic:
                    items = self._take_facts(unpack_facts(content)) if content else []
                else:
                    items = self._take(unpack(content), time.monotonic())
            except InputError as error:
                self._refuse(str(error))
                continue
            for item in items:
                yield item

    def _take_facts(self, said: SourceFacts) -> list[SourceFacts | Packet]:
        if said == self._said:
            return []
        self._said = self._facts = said
        return [said]

    def _take(self, payload: Payload, arrived_s: float) -> list[SourceFacts | Packet]:
        channels = payload.values.shape[0]
        packet = Packet(payload.values, arrived_s, payload.index, payload.device_s)
        facts = self._facts
        fits = facts is not None and (facts.channels, facts.fs_hz) == (channels, payload.fs_hz)
        same = self._session in (None, payload.session)
        self._session = payload.session
        if fits and same:
            return [packet]
        self._facts = self._describe(channels, payload.fs_hz)
        return [self._facts, packet]

    def _describe(self, channels: int, fs_hz: float) -> SourceFacts:
        if self._said is not None:
            return replace(self._said, channels=channels, fs_hz=fs_hz)
        warning = f"the sender says nothing at {self.address.topic}/{FACTS}; its motion is taken for RCG"
        return SourceFacts(self.address.topic, channels, fs_hz, "acceleration", warnings=(warning,))

    def _refuse(self, reason: str) -> None:
        if not self._refused:
            _LOG.warning("%s: %s", self.address, reason)
        self._refused, self.problem = self._refused + 1, reason

    def _left_s(self, deadline_s: float) -> float | None:
        """Return the time left for the start, or None behind it."""
        return None if self._facts is not None else max(0.0, deadline_s - time.monotonic())

    def _still_hopeful(self, deadline_s: float) -> None:
        if self._left_s(deadline_s) == 0.0:
            raise InputError(
                f"nothing to read at {self.address} within {self.timeout_s:g} s: "
                f"{(self.problem or 'no message arrived').rstrip('.')}. Check address, topic and sender."
            )


async def _leave(client: Any) -> None:
    """Disconnect; a connection that is gone already is no reason to complain."""
    try:
        await client.__aexit__(None, None, None)
    except import_aiomqtt().MqttError:
        return
