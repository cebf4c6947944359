"""Several processes as one: what each saw is averaged before any strategy looks at it, so that all ranks agree."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from radarode.balance.parts import Parts
from radarode.balance.strategy import Gradients
from radarode.core.errors import InputError, OtherRankError

BUCKET = 8_000_000
"""Elements that are reduced at a time."""


class Reducer:
    """Average losses and gradients over the ranks of a process group; without one, leave them as they are.

    Every rank must call the same methods in the same order. The average over ranks is the joined batch where every
    rank has the same number of samples, as in `DistributedDataParallel`. A task without labels on some of the ranks is
    averaged over the others.

    Weights must be formed from averaged gradients: weighing each rank's own gradients and averaging after, or
    `DistributedDataParallel` around several backward passes, lets the ranks drift apart.

    Args:
        group: the process group; None takes the default group if `torch.distributed` is initialised, as `torchrun`
            scripts do, and else works alone.
    """

    def __init__(self, group: dist.ProcessGroup | None = None) -> None:
        initialised = dist.is_available() and dist.is_initialized()
        self._group = group if group is not None else (dist.group.WORLD if initialised else None)
        self.size = dist.get_world_size(self._group) if self._group is not None else 1

    def check_agreement(self, tasks: tuple[str, ...], facts: Mapping[str, object], parts: Parts) -> None:
        """Refuse ranks that balance different tasks, in different ways, or that start from different values.

        Raises:
            InputError: on every rank, naming two that disagree.
        """
        if self.size == 1:
            return
        everything = [*parts.shared, *(p for own in parts.specific.values() for p in own)]
        mine = {
            "tasks": tasks,
            **facts,
            "shapes of parameters": [tuple(p.shape) for p in everything],
            "initial values (checksum)": _checksum(everything),
        }
        found: list[dict[str, object]] = [{}] * self.size
        dist.all_gather_object(found, mine, group=self._group)
        for rank, other in enumerate(found):
            for what, value in found[0].items():
                if other[what] != value:
                    raise InputError(
                        f"ranks disagree on the {what}: rank 0 has {value}, rank {rank} has {other[what]}. "
                        "Build the same model, tasks and strategy from the same seed on every rank."
                    )

    def presence(
        self, has_loss: Sequence[bool], error: InputError | None, flags: Mapping[str, bool], device: torch.device
    ) -> list[int]:
        """Return how many ranks have a loss for each task; an error on one rank is raised on all of them.

        Args:
            has_loss: whether this rank has a loss for each task.
            error: what is wrong with this rank's losses.
            flags: ways to call `backward` that all ranks must share.
            device: where the ranks exchange values.

        Raises:
            InputError: this rank's own error, or a word on another's.
        """
        if self.size == 1:
            if error is not None:
                raise error
            return [int(has) for has in has_loss]
        mine = [*has_loss, error is not None, *flags.values()]
        counts = [int(count) for count in self._sum(torch.tensor(mine, dtype=torch.float64, device=device))]
        if error is not None:
            raise error
        if counts[len(has_loss)]:
            raise OtherRankError("another rank refused its losses; its own message says why.")
        for name, count in zip(flags, counts[len(has_loss) + 1 :], strict=True):
            if count not in (0, self.size):
                raise InputError(f"ranks disagree: {count} of {self.size} use `{name}`. Call alike on every rank.")
        return counts[: len(has_loss)]

    def mean(self, values: Tensor, counts: Tensor | int) -> Tensor:
        """Return the sum over ranks divided by `counts`."""
        if self.size == 1:
            return values
        return self._sum(values.clone()) / counts

    def average(self, gradients: Gradients, counts: Sequence[int], like: Sequence[Tensor]) -> None:
        """Replace each task's gradients by their average over the ranks that have the task.

        Args:
            gradients: `gradients[i][p]`, changed in place; None where this rank has none.
            counts: (n,) ranks that have each task.
            like: the parameters, for shapes where this rank has no gradient.
        """
        if self.size == 1 or not like:
            return
        known = torch.tensor([[g is not None for g in row] for row in gradients], dtype=torch.float64)
        device = like[0].device
        anywhere = self._sum(known.to(device)).cpu() > 0
        for row, found, count in zip(gradients, anywhere, counts, strict=True):
            places = [p for p in range(len(row)) if found[p]]
            for bucket in _buckets(places, like):
                self._average_bucket(row, bucket, count, like)

    def _average_bucket(self, row: list[Tensor | None], bucket: list[int], count: int, like: Sequence[Tensor]) -> None:
        parts = []
        for p in bucket:
            gradient = row[p]
            parts.append((torch.zeros_like(like[p]) if gradient is None else gradient).reshape(-1))
        flat = self._sum(torch.cat(parts)).div_(count)
        begin = 0
        for p in bucket:
            size = like[p].numel()
            row[p] = flat[begin : begin + size].view_as(like[p])
            begin += size

    def _sum(self, values: Tensor) -> Tensor:
        dist.all_reduce(values, group=self._group)
        return values


def _buckets(places: list[int], like: Sequence[Tensor]) -> list[list[int]]:
    """Group parameters of one type into buckets of about `BUCKET` elements."""
    buckets: list[list[int]] = []
    size = BUCKET
    for p in places:
        if (
            size >= BUCKET
            or like[buckets[-1][0]].dtype != like[p].dtype
            or like[buckets[-1][0]].device != like[p].device
        ):
            buckets.append([])
            size = 0
        buckets[-1].append(p)
        size += like[p].numel()
    return buckets


def _checksum(parameters: Sequence[Tensor]) -> int:
    total = 0
    for parameter in parameters:
        values = parameter.detach().cpu().reshape(-1).contiguous().view(torch.uint8)
        total = zlib.crc32(values.numpy().tobytes(), total)
    return total
