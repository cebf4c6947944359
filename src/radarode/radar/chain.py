"""The whole chain: a raw capture in, the motion of points on the chest out.

    capture -> what moves at which range -> the person -> a grid around the chest -> focus (back-projection)
            -> score voxels by their beats -> choose points -> follow them -> phase -> displacement

A pulsed radar has its range points instead of a grid, a continuous-wave radar a single point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.errors import InputError
from radarode.radar.capture import Capture
from radarode.radar.choose import Voxels, choose_points, score_voxels
from radarode.radar.description import CwRadar, FmcwRadar, PulsedRadar
from radarode.radar.extracted import FULL_HZ, LEAST_ECG_HZ, Extracted, ExtractSettings
from radarode.radar.fields import CwField, Field, FmcwField, PulsedField, Watch, silent
from radarode.radar.focus import BLOCK_S, Room, follow, search
from radarode.radar.grid import VoxelGrid, grid_around
from radarode.radar.look import range_map, side_of_person
from radarode.radar.motion import point_motion
from radarode.radar.person import RangeMap, find_person
from radarode.radar.rates import LEAST_FS_HZ, SHORTEST_S, rates

FloatArray = NDArray[np.float64]

_LEAST_AGREEMENT = 0.7
_SHIFT_BOX_M = 0.15


@dataclass
class Findings:
    """Collect what the chain tells on its way: warnings, one line each, and short facts by name."""

    warnings: list[str]
    facts: dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Hold the points that were chosen, and where they came from.

    Attributes:
        source: the field from which their signals are formed.
        points_m: (point, 3) at the start.
        path_m: (block, 3) the focus over time.
        edges: (block + 1,) frames at which the blocks of `path_m` begin and end.
        room: where the focus may go, None where it is not followed.
        map: what moves at which range.
        voxels: scores of all places.
        grid: their grid; None without one.
    """

    source: Field
    points_m: FloatArray
    path_m: FloatArray
    edges: NDArray[np.int64]
    room: Room | None
    map: RangeMap
    voxels: Voxels
    grid: VoxelGrid | None


def extract_motion(capture: Capture, settings: ExtractSettings | None = None, watch: Watch = silent) -> Extracted:
    """Extract the motion of points on the chest from a raw capture.

    Args:
        capture: what `open_capture` returned.
        settings: how; None takes the defaults.
        watch: progress, called with (what, done, of).

    Returns:
        Displacements and everything the pictures show.

    Raises:
        InputError: nobody is in view, the grid lies out of view, or the capture is too short or too long.
    """
    chosen = settings or ExtractSettings()
    findings = Findings(list(capture.facts.warnings), _facts(capture))
    if isinstance(capture.radar, CwRadar):
        return _single(capture, findings, watch)
    places = find_places(capture, chosen, findings, watch)
    moved = point_motion(places.source, places.points_m, places.path_m, places.edges, watch)
    seen = (places.map, places.voxels, places.grid, places.path_m, places.edges)
    return _finished(capture, places.source, moved, places.points_m, seen, findings)


def find_places(capture: Capture, chosen: ExtractSettings, findings: Findings, watch: Watch = silent) -> Places:
    """Find the person in a capture that resolves range, choose points on the chest and follow them.

    Args:
        capture: of a chirping or pulsed radar.
        chosen: how.
        findings: takes warnings and facts.
        watch: progress.

    Raises:
        InputError: nobody is in view, the grid lies out of view, or the capture is too short or too long.
    """
    found = range_map(capture, chosen.window, watch)
    range_m = _range_of_person(found, capture, chosen, findings)
    if isinstance(capture.radar, FmcwRadar):
        grid = chosen.grid or grid_around(capture.radar, range_m, side_of_person(found, capture.radar, range_m))
        points_m = grid.points_m
        source: Field = _focused(capture, points_m, chosen, range_m, findings, watch)
    else:
        assert isinstance(capture.radar, PulsedRadar)
        grid, points_m = None, _range_points(capture.radar, range_m)
        source = PulsedField(capture, watch)
    voxels = score_voxels(source, points_m, chosen.score, watch=watch)
    if not voxels.has_heart:
        findings.warnings.append("no heartbeat stands out at any point; the points are those that move most")
    path_m, edges, room = _path(source, voxels, grid, chosen, watch)
    shift_m = float(np.linalg.norm(path_m - path_m[0], axis=1).max())
    if shift_m > 0:
        findings.facts["followed"] = f"the focus shifted by up to {100 * shift_m:.0f} cm"
        voxels = score_voxels(source, points_m, chosen.score, [_before_first_shift(path_m, edges)], watch)
    rng = np.random.default_rng(chosen.seed)
    picked = choose_points(source, voxels, chosen.points, rng, exact=chosen.exact)
    findings.facts["person"] = f"{range_m:.2f} m from the radar"
    findings.facts["points"] = f"{len(picked)} of {len(points_m)} places, {voxels.independent} independent signals"
    return Places(source, points_m[picked], path_m, edges, room, found, voxels, grid)


def _range_of_person(found: RangeMap, capture: Capture, chosen: ExtractSettings, findings: Findings) -> float:
    if chosen.range_m is not None:
        if not found.range_m[0] <= chosen.range_m <= found.range_m[-1]:
            raise InputError.of(
                "range_m",
                f"between {found.range_m[0]:.2f} and {found.range_m[-1]:.2f} m, what is in view",
                chosen.range_m,
            )
        return chosen.range_m
    person = find_person(found, capture.radar.wavelength_m)
    if person.warning:
        findings.warnings.append(person.warning)
    if chosen.grid is not None:
        reach = np.linalg.norm(chosen.grid.points_m, axis=1)
        if not reach.min() - 0.1 <= person.range_m <= reach.max() + 0.1:
            findings.warnings.append(
                f"the strongest motion is at {person.range_m:.2f} m, outside the grid "
                f"({reach.min():.2f} to {reach.max():.2f} m)"
            )
    return person.range_m


def _focused(
    capture: Capture, points_m: FloatArray, chosen: ExtractSettings, range_m: float, findings: Findings, watch: Watch
) -> FmcwField:
    """Return the focused field; channels that do not fit the described antennas are aligned on the person."""
    source = FmcwField(capture, points_m, chosen.window, watch)
    if source.coefficients.shape[1] == 1:
        return source
    agreement = source.agreement(_directions(points_m, range_m))
    findings.facts["channel_agreement"] = f"{agreement:.2f}"
    if agreement < _LEAST_AGREEMENT:
        aside = np.hypot(*(points_m - points_m.mean(axis=0))[:, :2].T)
        nearest = points_m[np.argmin(np.abs(np.linalg.norm(points_m, axis=1) - range_m) + aside)]
        source.align(nearest)
        findings.warnings.append(
            f"the channels add up to only {agreement:.0%} of what they could, so the antennas differ from the "
            "description or are not calibrated, or the person is outside the grid (to its side: turn the radar to the "
            "person, or set a grid there); they were aligned on the person, and directions mean nothing"
        )
    return source


def _directions(points_m: FloatArray, range_m: float) -> FloatArray:
    """Return the grid's points near a range, for a look at all directions."""
    distance = np.abs(np.linalg.norm(points_m, axis=1) - range_m)
    return points_m[np.argsort(distance)[: max(64, int((distance < 0.05).sum()))][:512]]


def _range_points(radar: PulsedRadar, range_m: float) -> FloatArray:
    """Return (point, 3) the range points from 0.15 m before to 0.25 m behind the person."""
    near = (radar.ranges_m >= range_m - 0.15) & (radar.ranges_m <= range_m + 0.25)
    places = radar.ranges_m[near]
    return np.stack([np.zeros_like(places), np.zeros_like(places), places], axis=1)


def _path(
    source: Field, voxels: Voxels, grid: VoxelGrid | None, chosen: ExtractSettings, watch: Watch
) -> tuple[FloatArray, NDArray[np.int64], Room | None]:
    """Return the focus over time and its room; one block and no room where it is not followed."""
    worth = np.where(voxels.candidates, np.maximum(voxels.score, 1e-3) * np.sqrt(voxels.power), -1.0)
    start_m = voxels.points_m[int(np.argmax(worth))]
    whole = np.array([0, source.n_frames], dtype=np.int64)
    if not (chosen.follow and voxels.has_heart and isinstance(source, FmcwField) and grid is not None):
        return start_m[None], whole, None
    points = voxels.points_m
    low = np.maximum(points.min(axis=0), start_m - _SHIFT_BOX_M)
    high = np.minimum(points.max(axis=0), start_m + _SHIFT_BOX_M)
    room = Room(np.array(grid.shape) > 1, np.stack([low, high]))
    first = search(source, start_m, (0, min(source.n_frames, round(BLOCK_S * source.fs_hz))), room)
    return *follow(source, np.array(first.point_m), room, watch), room


def _before_first_shift(path_m: FloatArray, edges: NDArray[np.int64]) -> tuple[int, int]:
    """Return the frames during which the focus stood where it began: there points are chosen."""
    same = (path_m == path_m[0]).all(axis=1)
    blocks = len(same) if same.all() else int(np.argmin(same))
    return int(edges[0]), int(edges[min(blocks, 3)])


def _single(capture: Capture, findings: Findings, watch: Watch) -> Extracted:
    """Extract from a radar that resolves nothing: one signal."""
    source = CwField(capture, watch)
    findings.facts["i_q"] = source.note
    points_m, edges = np.zeros((1, 3)), np.array([0, source.n_frames], dtype=np.int64)
    moved = point_motion(source, points_m, points_m, edges, watch)
    return _finished(capture, source, moved, points_m, (None, None, None, points_m, edges), findings)


def _finished(
    capture: Capture,
    source: Field,
    moved: FloatArray,
    positions_m: FloatArray,
    seen: tuple[RangeMap | None, Voxels | None, VoxelGrid | None, FloatArray, NDArray[np.int64]],
    findings: Findings,
) -> Extracted:
    long_enough = moved.shape[1] >= SHORTEST_S * source.fs_hz and source.fs_hz >= LEAST_FS_HZ
    found = rates(moved, source.fs_hz) if long_enough else None
    if source.fs_hz < LEAST_ECG_HZ:
        findings.warnings.append(
            f"{source.fs_hz:.4g} frames/s are too few for an ECG ({LEAST_ECG_HZ:g} are needed); rates only"
        )
    elif source.fs_hz < FULL_HZ:
        findings.warnings.append(f"{source.fs_hz:.4g} frames/s instead of {FULL_HZ:g}: beats are timed less exactly")
    if source.lost.any() or source.bridged.any():
        findings.facts["frames_with_losses"] = f"{source.bridged.sum()} bridged, {source.lost.sum()} left as gaps"
    return Extracted(
        moved, source.fs_hz, positions_m, source.lost, *seen, found, capture.simulated,
        tuple(findings.warnings), findings.facts,
    )  # fmt: skip


def _facts(capture: Capture) -> dict[str, str]:
    facts = {"radar": capture.radar.name, "frames": f"{capture.n_frames} at {capture.frame_rate_hz:.4g} Hz"}
    if len(capture.lost) and capture.lost.any():
        facts["lost"] = f"{capture.lost.mean():.2%} of the bytes"
    if capture.facts.saturated:
        facts["saturated"] = f"{capture.facts.saturated:.3%} of the samples"
    return facts
