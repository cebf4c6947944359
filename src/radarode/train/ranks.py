"""One training on several processes: who this one is, and what the processes tell each other.

`torchrun --nproc-per-node 4 -m radarode train RUN ...` starts them. Every rank computes its part of each batch; the
`Balancer` averages what they found, so that all ranks take the same step. Rank 0 alone writes and reports.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.modules.batchnorm import _BatchNorm

from radarode.core.errors import InputError, OtherRankError

T = TypeVar("T")

PATIENCE = timedelta(days=7)
"""How long the others wait for rank 0 to prepare the data; a rank that dies ends the wait at once."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """Say which of how many processes this is; one alone needs no `torch.distributed`.

    Attributes:
        rank: number of this process, from 0.
        size: how many there are.
        board: what `is_news` notes on; None for one process alone.
    """

    rank: int = 0
    size: int = 1
    board: Store | None = None

    @classmethod
    def current(cls) -> Ranks:
        """Return the processes that were joined, or this one alone."""
        if dist.is_available() and dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size())
        return cls()

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes and reports."""
        return self.rank == 0

    def device(self, kind: str) -> torch.device:
        """Return the device to compute on: the CPU, or this process's own GPU.

        Raises:
            InputError: there is no such GPU.
        """
        if kind == "cpu":
            return torch.device("cpu")
        index = int(os.environ.get("LOCAL_RANK", "0")) if self.size > 1 else 0
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= count:
            got = f"{count} of them for process {index + 1} on this machine"
            raise InputError.of("train.device", "cpu where there is no GPU for each process", got)
        torch.cuda.set_device(index)
        return torch.device("cuda", index)

    def check(self, batch: int) -> None:
        """Refuse a batch that cannot be shared out equally.

        Raises:
            InputError: saying so.
        """
        if batch % self.size:
            rule = f"a multiple of {self.size}, the number of processes"
            raise InputError.of("train.batch", rule, batch, "Each process takes an equal part of it")

    def adapt(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Let batch norms see the whole batch.

        Raises:
            InputError: on CPUs, where PyTorch has no batch norm over processes.
        """
        if self.size == 1 or not any(isinstance(module, _BatchNorm) for module in model.modules()):
            return model
        if device.type == "cpu":
            raise InputError(
                "on several CPU processes, batch norm would see each process's part of the batch alone; "
                "train with model.changes.norm=group, on GPUs, or in one process."
            )
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)

    def wait(self) -> None:
        """Wait until every rank has come here."""
        if self.size > 1:
            dist.barrier()

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is up on any rank."""
        return bool(self.total([int(flag)])[0]) if self.size > 1 else flag

    def total(self, counts: Sequence[int]) -> list[int]:
        """Return sums over the ranks."""
        if self.size == 1:
            return list(counts)
        values = torch.tensor(counts, dtype=torch.int64)
        dist.all_reduce(values)
        return values.tolist()

    def gather(self, parts: Sequence[T]) -> list[T]:
        """Return all ranks' parts, where rank r holds parts r, r + size, r + 2 size, ... of the whole."""
        if self.size == 1:
            return list(parts)
        found: list[list[T]] = [[] for _ in range(self.size)]
        dist.all_gather_object(found, list(parts))
        longest = max(map(len, found))
        return [one[place] for place in range(longest) for one in found if place < len(one)]

    def first(self, work: Callable[[], T]) -> T:
        """Do something on rank 0 alone and give every rank its result.

        Raises:
            OtherRankError: on the other ranks, if it failed.
        """
        if self.size == 1:
            return work()
        box: list[Any] = [None, None]
        error: BaseException | None = None
        if self.leads:
            try:
                box[0] = work()
            except BaseException as found:  # The others must not wait for ever, whatever it was.
                error, box = found, [None, str(found)]
        dist.broadcast_object_list(box, src=0)
        if error is not None:
            raise error
        if box[1] is not None:
            raise OtherRankError(f"rank 0 stopped: {box[1]}")
        return box[0]

    def is_news(self, error: Exception) -> bool:
        """Tell whether no other rank has reported this error yet, so that people read it once."""
        if isinstance(error, OtherRankError):
            return False
        if self.board is None:
            return True
        key = hashlib.sha256(f"{type(error).__name__} {error}".encode()).hexdigest()
        return self.board.add(f"radarode/error/{key}", 1) == 1


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """Join the processes that `torchrun` started; without it, be one alone.

    Processes on CPUs talk by gloo; those with GPUs also by NCCL.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield Ranks.current()
        return
    board, rank, size = next(rendezvous("env://", timeout=PATIENCE))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=PrefixStore("group", board), rank=rank, world_size=size, timeout=PATIENCE)
    try:
        yield Ranks(rank, size, board)
        dist.barrier()
    finally:
        dist.destroy_process_group()
