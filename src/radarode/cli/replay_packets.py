"""`radarode replay-packets`: send a stored raw capture as a DCA1000 would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from radarode.stream.player import Played, Player


def replay_packets(
    file: Path,
    *,
    radar: str,
    to: str = "127.0.0.1:4098",
    speed: float = 1.0,
    lost: float = 0.0,
    reordered: float = 0.0,
    corrupt: float = 0.0,
    blackout: str | None = None,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Send a stored raw capture as UDP packets of a DCA1000, in real time, and tell what was done to them.

    Faults are drawn from the seed, each packet suffers at most one, and the first and last arrive. A receiver must find
    lost + blacked out + corrupt packets missing.

    Args:
        file: DCA1000 .bin or packet log.
        radar: a preset's name, a TOML file or a TI .cfg.
        to: HOST:PORT to send to.
        speed: seconds of the capture per second.
        lost: share of packets that are not sent.
        reordered: share of packets that are sent after 1 to 4 of their successors.
        corrupt: share of packets that are damaged.
        blackout: START:SECONDS during which nothing is sent.
        seed: draws which packets suffer.
        json: print one JSON object.
    """
    from rich.console import Console

    from radarode.core.errors import InputError
    from radarode.radar.describe_file import read_radar
    from radarode.radar.description import FmcwRadar
    from radarode.stream.player import Faults, Player

    host, port = parse_address(to)
    faults = Faults(lost, reordered, corrupt, None if blackout is None else parse_blackout(blackout), seed)
    described = read_radar(radar)
    if not isinstance(described, FmcwRadar):
        raise InputError(f"a DCA1000 stands behind a chirping radar; {described.name} is a {described.kind} radar.")
    player = Player(file, described, faults, speed)
    console = Console(soft_wrap=True, highlight=False)
    try:
        _play(player, host, port)
    finally:
        if json:
            console.print_json(data=player.played.to_dict())
        else:
            console.print(_line(player.played, player.n_packets))


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of "HOST:PORT".

    Raises:
        InputError: it is none.
    """
    from radarode.core.errors import InputError

    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise InputError.of("to", "HOST:PORT", text)
    return host.strip("[]"), int(port)


def parse_blackout(text: str) -> tuple[float, float]:
    """Return start and length in seconds of "START:SECONDS".

    Raises:
        InputError: it is none.
    """
    from radarode.core.errors import InputError

    begin, _, length = text.partition(":")
    try:
        return float(begin), float(length)
    except ValueError:
        raise InputError.of("blackout", "START:SECONDS", text) from None


def _play(player: Player, host: str, port: int) -> None:
    """Send with a progress bar on the error stream."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("sending", total=player.duration_s)
        player.play(host, port, lambda done_s: bar.update(task, completed=done_s))


def _line(played: Played, n_packets: int) -> str:
    return (
        f"{played.packets} of {n_packets} packets in {played.seconds:.1f} s: {played.intact} sent in order, "
        f"{played.reordered} late, {played.corrupt} corrupt, {played.lost} lost, {played.blacked_out} blacked out; "
        f"a receiver must miss {played.missing}"
    )
