"""Connections to an MQTT broker, for source and sink; needs the extra `mqtt`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from radarode.core.errors import InputError
from radarode.stream.mqtt_payload import Address

QOS = (0, 1, 2)
RETRY_S = (0.5, 30.0)
TIMEOUT_S = 5.0
KEEPALIVE_S = 20


def import_aiomqtt() -> Any:
    """Return the module `aiomqtt`.

    Raises:
        InputError: it is not installed.
    """
    try:
        import aiomqtt
    except ImportError as error:
        raise InputError("MQTT needs aiomqtt. Install it: pip install 'radarode[mqtt]'.") from error
    return aiomqtt


def make_client(address: Address, most_waiting: int) -> Any:
    """Return a client that is not connected yet; call it inside an event loop.

    Args:
        address: the broker.
        most_waiting: messages that may wait to be read; more are dropped by the client.
    """
    aiomqtt = import_aiomqtt()
    return aiomqtt.Client(
        address.host,
        address.port,
        username=address.user,
        password=address.password,
        tls_params=aiomqtt.TLSParameters() if address.tls else None,
        timeout=TIMEOUT_S,
        keepalive=KEEPALIVE_S,
        max_queued_incoming_messages=most_waiting,
    )


def retries_s() -> Iterator[float]:
    """Yield how long to wait before each attempt: 0.5 s, doubled up to 30 s.

    Example:
        >>> waits = retries_s()
        >>> [next(waits) for _ in range(4)]
        [0.5, 1.0, 2.0, 4.0]
    """
    wait_s, longest_s = RETRY_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, longest_s)


def check_qos(name: str, qos: int) -> int:
    """Return a quality of service: 0 at most once, 1 at least once, 2 exactly once.

    Raises:
        InputError: it is none of them.
    """
    if qos not in QOS:
        raise InputError.of(name, "0, 1 or 2", qos)
    return qos
